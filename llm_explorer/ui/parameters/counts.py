"""The parts of the Parameters page: four counts, the tree by module, every tensor with its formula."""

from functools import partial

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.parameters import Parameters, count_parameters
from llm_explorer.accounting.rows import Letters, Row, by_component, model_letters, total
from llm_explorer.charts.treemap import tree_chart
from llm_explorer.config import ModelConfig
from llm_explorer.texts import parameters as texts
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page


def draw(page: Page) -> None:
    """Everything but the way of a batch."""
    parameters = count_parameters(page.model)
    st.markdown(sentence(page.model, parameters))
    _metrics(page.model, parameters)
    _tree(parameters)
    tensors = partial(_tensors, page.model, parameters)
    parts.folded(texts.TENSORS, tensors, key="tensors_open", icon=":material/function:")


def sentence(model: ModelConfig, parameters: Parameters) -> str:
    """The count, and where most of it is."""
    sums = by_component(parameters.rows)
    largest = max(sums, key=lambda name: sums[name])
    blocks = sum(row.total for row in parameters.rows if row.name.startswith("blocks."))
    return texts.SENTENCE.format(
        total=units.exact(parameters.total),
        tensors=units.exact(sum(row.repeats for row in parameters.rows)),
        share=units.share(blocks / parameters.total),
        layers=units.exact(model.n_layers),
        largest=largest,
        largest_share=units.share(sums[largest] / parameters.total),
    )


def _metrics(model: ModelConfig, parameters: Parameters) -> None:
    grid = appearance.four("counts")
    with grid.cell():
        parts.metric(texts.TOTAL, units.count(parameters.total), units.exact(parameters.total), texts.TOTAL_HELP)
    with grid.cell():
        parts.metric(texts.ACTIVE, units.count(parameters.active), _active_words(model, parameters), texts.ACTIVE_HELP)
    with grid.cell():
        label, other = (texts.UNTIED, parameters.untied) if model.tie_embeddings else (texts.TIED, parameters.tied)
        change = units.signed(units.count(other - parameters.total))
        parts.metric(label, units.count(other), texts.TIED_CHANGE.format(change=change), texts.TIES_HELP)
    with grid.cell():
        share = units.share(parameters.non_embedding / parameters.total)
        parts.metric(texts.REST, units.count(parameters.non_embedding), share, texts.REST_HELP)


def _active_words(model: ModelConfig, parameters: Parameters) -> str:
    if model.n_experts is None:
        return texts.ALL_ACTIVE
    share = units.share(parameters.active / parameters.total)
    return texts.OF_TOTAL.format(share=share, active=model.active_experts, experts=units.exact(model.n_experts))


def _tree(parameters: Parameters) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"##### {texts.TREE}", help=texts.TREE_HELP, width="stretch")
        look = parts.choose(texts.LOOK, texts.LOOKS, "icicle", key="tree_look", label_visibility="collapsed")
    title = f"{units.count(parameters.total)} parameters"
    sums = by_component(parameters.rows)
    shares = ", ".join(f"{name} {units.count(size)}" for name, size in sums.items() if size)
    figure = tree_chart(title, parameters.rows, look)
    parts.chart(figure, key="tree_chart", alt=texts.TREE_ALT.format(title=title, parts=shares))


def _tensors(model: ModelConfig, parameters: Parameters) -> None:
    st.table(tensor_table(parameters.rows, model_letters(model)), hide_index=True)
    st.caption(texts.LETTERS)
    if model.tie_embeddings:
        st.caption(texts.TIED_NOTE)
    parts.folded_table(texts.NUMBERS, lambda: _columns(parameters.rows), file_name="parameters.csv", key="tensors")


def tensor_table(rows: tuple[Row, ...], letters: Letters) -> pd.DataFrame:
    """A line a tensor: shape, formula, the same with the numbers, one instance, how often, all together; the sum."""
    lines = [
        {
            "tensor": f"`{row.name}`",
            "shape": " × ".join(f"{size:,}" for size in row.shape),
            "formula": f"${row.formula.latex()}$",
            "with the numbers": f"${row.formula.latex_with(letters)}$",
            "each": units.exact(row.count),
            "times": units.exact(row.repeats),
            "total": units.exact(row.total),
        }
        for row in rows
    ]
    lines.append(dict.fromkeys(lines[0], "") | {"tensor": "**all**", "total": f"**{units.exact(total(rows))}**"})
    return pd.DataFrame(lines)


def _columns(rows: tuple[Row, ...]) -> dict[str, list[object]]:
    return {
        "tensor": [row.name for row in rows],
        "component": [row.component for row in rows],
        "shape": [" x ".join(map(str, row.shape)) for row in rows],
        "formula": [row.formula.text for row in rows],
        "count": [row.count for row in rows],
        "repeats": [row.repeats for row in rows],
        "total": [row.total for row in rows],
    }
