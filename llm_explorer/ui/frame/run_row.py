"""The run: one row above the charts."""

from typing import Literal

import streamlit as st

from llm_explorer import hardware
from llm_explorer.accounting.fit import DEFAULT_RESERVE
from llm_explorer.config import DEFAULT_SEQUENCE, RunConfig, choices, field_range, replace
from llm_explorer.formats import Configs
from llm_explorer.machine import lacks_bf16
from llm_explorer.texts import fields as texts
from llm_explorer.ui.frame.setting_widgets import setting
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs import workers
from llm_explorer.ui.visit import state

Width = int | Literal["stretch"]


def draw(slot: "st.delta_generator.DeltaGenerator") -> "st.delta_generator.DeltaGenerator":
    """Draw the bound widgets; returns where the popover with the other settings goes."""
    with slot.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        _choice("hardware", _with_address("hardware", hardware.names()), width=appearance.wide(135), new=True)
        _keep_free()
        _choice("precision", choices("precision"), width=appearance.wide(125))
        _number("batch_size", width=appearance.wide(88))
        _number("sequence_length", width=appearance.wide(104), placeholder=f"C, to {DEFAULT_SEQUENCE}")
        _choice("optimizer", choices("optimizer"), width=appearance.wide(100))
        _number("accumulation", width=appearance.wide(112))
        return st.container(width="content")


def draw_device() -> None:
    """Where it really runs; a bound widget, so drawn on every page."""
    _choice("device", _with_address("device", tuple(name for name, _ in workers.devices())))


def draw_options(slot: "st.delta_generator.DeltaGenerator", configs: Configs | None) -> None:
    """The settings of a run that are rarely touched."""
    popover = slot.popover("", icon=":material/tune:", on_change="rerun", key="run_options", help="More run settings")
    if popover.open and configs:
        with popover:
            for field in ("attention", "checkpointing", "loss_chunk", "optimizer_implementation", "threads", "seed"):
                setting(field, *configs)
            run = configs[1]
            if lacks_bf16() and run.device == "cpu" and run.precision != "float32":
                setting("bf16_products", *configs)


def reserve() -> float:
    """The share of memory to keep free, 0 to 0.9."""
    return float(state.held(state.RESERVE)) / 100


def _keep_free() -> None:
    st.number_input(
        "Keep free %",
        min_value=0,
        max_value=90,
        value=round(100 * DEFAULT_RESERVE),
        key=state.RESERVE,
        bind="query-params",
        width=appearance.wide(105),
        help="The share of the memory it is sized for that the driver, other programs and gaps may take.",
    )


def _choice(field: str, options: tuple[str, ...], *, width: Width = "stretch", new: bool = False) -> None:
    text = texts.FIELDS[field]
    st.selectbox(
        text.label,
        options,
        index=options.index(state.default_of(field)),
        key=field,
        bind="query-params",
        help=text.help,
        accept_new_options=new,
        width=width,
    )


def _number(field: str, *, width: int, placeholder: str | None = None) -> None:
    low, high = field_range(RunConfig, field)
    text = texts.FIELDS[field]
    st.number_input(
        text.label,
        min_value=int(low),
        max_value=int(high),
        value=state.default_of(field),
        step=1,
        key=field,
        bind="query-params",
        help=text.help,
        placeholder=placeholder,
        width=width,
    )


def _with_address(field: str, options: tuple[str, ...]) -> tuple[str, ...]:
    """The options, and what the address or the visitor names beside them: a size, or a device of another machine."""
    named = [st.query_params.get(field), st.session_state.get(field)]
    try:
        extra = [text for text in named if text and text not in options and replace(RunConfig(), **{field: text})]
    except ValueError:
        extra = []  # the shell tells why it was not taken
    return (*options, *dict.fromkeys(extra))
