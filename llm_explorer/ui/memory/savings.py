"""What would help: changes, each with the peak it would give and a button that makes it."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.fit import apply
from llm_explorer.accounting.kernels import KernelSet, kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, field_range
from llm_explorer.texts import memory as texts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import config_buttons, state
from llm_explorer.ui.visit.page import Page

LABEL_WIDTH: Final = 150
LEAST: Final = 0.001  # of the peak: less is no help
CHUNKS: Final = 8  # of the token positions: few enough for large products, many enough to help


class Option(NamedTuple):
    """A change: its name in the texts, the fields it sets, and the peak with it; None where it is in use already."""

    name: str
    changes: dict[str, Any]
    peak_bytes: int | None


def draw(page: Page) -> None:
    """A line an option: name, bar, button."""
    kernels = kernels_of_device(page.run.device)
    peak = count_memory(page.model, page.run, kernels).peak_bytes
    st.markdown(f"##### {texts.HELPS} · {texts.NOW.format(peak=units.byte_size(peak))}", help=texts.HELPS_HELP)
    grid = st.grid(2, min_column_width=appearance.wide(400))
    for option in options(page.model, page.run, kernels):
        with grid.cell():
            _line(option, peak)


def options(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> Iterator[Option]:
    """All changes in the order of the texts, the cheapest first, with the peak that each gives."""
    for name, changes in _changes(model, run).items():
        changed = apply(model, run, changes)
        yield Option(name, changes, None if changed == (model, run) else count_memory(*changed, kernels).peak_bytes)


def _changes(model: ModelConfig, run: RunConfig) -> dict[str, dict[str, Any]]:
    """The fields that each change sets; those that they have already, where there is nothing more to take away."""
    length = run.sequence(model)
    chunk = min(max(1, run.batch_size * length // CHUNKS), field_range(RunConfig, "loss_chunk")[1])
    split = 2 if run.batch_size % 2 == 0 else run.batch_size
    split = split if run.accumulation * split <= field_range(RunConfig, "accumulation")[1] else 1
    changes: dict[str, dict[str, Any]] = {
        "loss_chunk": {"loss_chunk": min(chunk, run.loss_chunk or chunk)},
        "optimizer_implementation": {"optimizer_implementation": "fused"},
        "attention": {"attention": "sdpa"},
        "checkpointing": {"checkpointing": True},
        "batch_size": {"batch_size": run.batch_size // split, "accumulation": run.accumulation * split},
        "sequence_length": {"sequence_length": length // 2 if length > 1 else run.sequence_length},
        "drop_rate": {"drop_rate": 0.0},
        "precision": {"precision": "bfloat16"},
        "optimizer": {"optimizer": "sgd" if run.optimizer == "adamw" else run.optimizer},
        "tie_embeddings": {"tie_embeddings": True},
    }
    return {name: changes[name] for name in texts.HELP}


def _line(option: Option, now: int) -> None:
    text, peak = texts.HELP[option.name], option.peak_bytes
    key = f"help_{option.name}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if peak is not None and peak < (1 - LEAST) * now:
            st.markdown(text.label, help=f"{text.price}.", width=LABEL_WIDTH)
            said = f"**{units.byte_size(peak)}** · {units.relative_change((peak - now) / now)}"
            st.progress(peak / now, text=said)
            config_buttons.button(texts.APPLY, state.change, (option.changes,), key=key)
            return
        st.markdown(f":gray[{text.label}]", help=f"{text.price}.", width=LABEL_WIDTH)
        why = texts.NOTHING_LEFT if peak is None else texts.NO_HELP.format(peak=units.byte_size(peak))
        st.caption(why, width="stretch")
        st.button(texts.APPLY, key=key, disabled=True)
