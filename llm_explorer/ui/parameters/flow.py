"""How a batch flows: the block drawn from the config, and every tensor of a forward pass with its shape."""

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.flow import Step, flow
from llm_explorer.charts.block_diagram import block_diagram, parts_in_words
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.presets import title_of
from llm_explorer.texts import names
from llm_explorer.texts import parameters as texts
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page


def draw(page: Page) -> None:
    """The drawing beside the shapes."""
    grid = st.grid(2, min_column_width=appearance.wide(360))
    with grid.cell():
        st.markdown(f"##### {texts.DRAWING}", help=texts.DRAWING_HELP)
        alt = texts.DRAWING_ALT.format(words=parts_in_words(page.model))
        parts.chart(block_diagram(title_of(page.model), page.model), key="block_diagram", alt=alt)
    with grid.cell():
        st.markdown(f"##### {texts.FLOW}", help=texts.FLOW_HELP)
        steps = flow(page.model, page.run)
        st.table(shape_table(steps, page.model), hide_index=True)
        _notes(page.model, page.run, steps)
        parts.folded_table(texts.NUMBERS, lambda: _columns(steps), file_name="shapes.csv", key="flow")


def shape_table(steps: tuple[Step, ...], model: ModelConfig) -> pd.DataFrame:
    """A line a tensor; before those of a block one that says how often they are there."""
    lines = []
    for number, step in enumerate(steps):
        if step.in_block and not steps[number - 1].in_block:
            words = texts.IN_BLOCK.format(layers=units.exact(model.n_layers))
            lines.append({"tensor": f"**{words}**", "shape": "", "here": "", "bytes": ""})
        line = {
            "tensor": f"{'· ' if step.in_block else ''}{texts.STEPS[step.name]}",
            "shape": letters_of(step),
            "here": " × ".join(f"{size:,}" for size in step.shape),
            "bytes": texts.NEVER_WHOLE if step.bytes is None else units.byte_size(step.bytes),
        }
        lines.append(line)
    return pd.DataFrame(lines)


def letters_of(step: Step) -> str:
    """The shape as the model's code has it: 'B, T, (N + 2 K) H'."""
    return ", ".join(formula.text.replace(" * ", " ") for formula in step.letters)


def _notes(model: ModelConfig, run: RunConfig, steps: tuple[Step, ...]) -> None:
    said = {
        "batch": units.exact(run.batch_size),
        "sequence": units.exact(run.sequence(model)),
        "precision": names.PRECISIONS[run.precision],
    }
    notes = [texts.FLOW_WHERE.format(**said)]
    if any(step.bytes is None for step in steps):
        notes.append(texts.NEVER_WHOLE_NOTE)
    if model.n_experts is not None:
        active, experts = model.active_experts, units.exact(model.n_experts)
        notes.append(texts.BALANCED_NOTE.format(active=active, experts=experts))
    st.caption(" ".join(notes))


def _columns(steps: tuple[Step, ...]) -> dict[str, list[object]]:
    return {
        "tensor": [texts.STEPS[step.name] for step in steps],
        "letters": [" x ".join(formula.text for formula in step.letters) for step in steps],
        "shape": [" x ".join(map(str, step.shape)) for step in steps],
        "bytes": [step.bytes for step in steps],
    }
