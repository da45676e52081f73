"""The step of the lesson on backpropagation that looks at the learner's own GPT."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.memory import count_memory, kept_rows, memory_letters
from llm_explorer.charts.bars import parts_of_whole
from llm_explorer.charts.lines import Axis, Line, lines_chart
from llm_explorer.charts.palette import CATEGORIES, COMPONENTS
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.exercises.backprop import exercises as exercises_on
from llm_explorer.texts import backprop as texts
from llm_explorer.texts import compute as compute_texts
from llm_explorer.texts import explore as explore_texts
from llm_explorer.texts import memory as memory_texts
from llm_explorer.texts.guess import Guess
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.backprop.network import COLUMN, code_that_ran
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

MODULE: Final = "backprop.own_gpt"
NEAR: Final = 1.25  # within this factor two sizes are about the same
IN_BLOCKS: Final = ("attention", "feed-forward", "norms")
Answer = dict[str, Any]


def own_gpt(page: Page) -> None:
    """Gradient norms by layer and component, and what forward keeps for backward."""
    memory = count_memory(page.model, page.run, "cpu")
    if not guessed_kept(memory.activations_bytes, memory.parameters_bytes):
        return
    found = lesson.ask(MODULE, "own_gpt", model=page.model.model_dump(), run=page.run.model_dump())
    st.markdown(texts.GPT)
    st.caption(shrunk_words(page.model, page.run, found))
    grid = st.grid(2, min_column_width=appearance.wide(COLUMN))
    with grid.cell():
        gradient_chart(found)
        st.caption(norm_words(found))
    with grid.cell():
        kept_chart(page.model, page.run)
    st.markdown(texts.KEPT)
    st.markdown(saved_words(found))
    parts.folded("The numbers and the formulas", partial(details, page, found), key="backprop_gpt_more")
    code_that_ran(MODULE, "own_gpt", "forward_and_saved", "gradient_norms")
    lesson.link("pages/memory.py", memory_texts.MEMORY_LINK)


def guessed_kept(kept: int, weights: int) -> bool:
    """The guess on this very config: weights against what is kept for backward."""
    ratio = kept / weights
    right = "weights" if ratio < 1 / NEAR else "activations" if ratio > NEAR else "same"
    answer = texts.KEPT_ANSWER.format(weights=units.byte_size(weights), kept=units.byte_size(kept))
    asked = Guess(texts.KEPT_QUESTION, texts.KEPT_OPTIONS, right, answer)
    return lesson.guessed("backprop_gpt", asked)


def shrunk_words(model: ModelConfig, run: RunConfig, found: Answer) -> str:
    """What was made smaller for an answer at once."""
    asked = model.model_dump() | run.model_dump() | {"sequence_length": run.sequence(model)}
    used = found["model"] | found["run"]
    fields = [name for name in used if asked[name] != used[name]]
    changes = ", ".join(f"{name} {_written(asked[name])} to {_written(used[name])}" for name in fields)
    return f"Shrunk to answer at once: {changes}." if changes else "Your config as it is, nothing shrunk."


def _written(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def gradient_chart(found: Answer) -> None:
    """Norms by layer, a line a component."""
    layers = found["model"]["n_layers"]
    series = [Line(part, norms_of(found, part), COMPONENTS[part]) for part in IN_BLOCKS]
    title = "Gradient norm by layer: really run"
    across = Axis("layer", ends=(0.5, layers + 0.5))
    figure = lines_chart(title, range(1, layers + 1), series, across, Axis(log=True))
    parts.chart(figure, key="backprop_gpt_norms", alt=f"Line chart: {title} for attention, feed-forward and norms")


def norms_of(found: Answer, component: str) -> list[float]:
    """The norms of one component, first layer first."""
    rows = [row for row in found["norms"] if row["component"] == component and row["layer"] is not None]
    return [row["norm"] for row in sorted(rows, key=lambda row: row["layer"])]


def norm_words(found: Answer) -> str:
    """The first layer beside the last, and the norms outside the blocks."""
    first, last = (norms_of(found, "attention")[layer] for layer in (0, -1))
    outside = [f"{row['component']} {row['norm']:.3g}" for row in found["norms"] if row["layer"] is None]
    return (
        f"The attention of the first layer gets {first / last:.2f} times the gradient of the last. "
        f"Outside the layers: {', '.join(outside)}."
    )


def kept_chart(model: ModelConfig, run: RunConfig) -> None:
    """What the learner's own config keeps, by formula."""
    rows = sorted(kept_rows(model, run, "cpu"), key=lambda row: -row.total)
    sums = {row.name: row.total for row in rows}
    title = f"Your whole config keeps {units.byte_size(sum(sums.values()))}: by formula"
    figure = parts_of_whole(title, sums, dict.fromkeys(sums, CATEGORIES["activations"]), units.byte_size)
    parts.chart(figure, key="backprop_gpt_kept", alt=f"Bar chart: {title}, by tensor")


def saved_words(found: Answer) -> str:
    """Formula against autograd on the shrunk model."""
    formula = count_memory(ModelConfig(**found["model"]), RunConfig(**found["run"]), "cpu").activations_bytes
    words = (
        f"For the model that ran, the same formulas say {units.exact(formula)} bytes; autograd really saved "
        f"**{units.exact(found['saved_bytes'])}** bytes in {sum(row['tensors'] for row in found['saved'])} tensors."
    )
    return f"{words} {texts.ONE_NUMBER}" if found["saved_bytes"] - formula == 4 else words


def details(page: Page, found: Answer) -> None:
    """Formulas, every saved shape, every norm."""
    letters = memory_letters(page.model, page.run, "cpu")
    parts.formula_table(kept_rows(page.model, page.run, "cpu"), letters, units.byte_size)
    st.caption(explore_texts.MEMORY_CONVENTION)
    st.markdown("Saved by autograd for the model that ran:")
    parts.data_table(columns_of(found["saved"]), file_name="saved_tensors.csv", key="backprop_saved")
    st.markdown("Gradient norms:")
    parts.data_table(columns_of(found["norms"]), file_name="gradient_norms.csv", key="backprop_norms")


def columns_of(rows: list[Mapping[str, object]]) -> dict[str, list[object]]:
    """Rows as columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def exercises(page: Page) -> None:
    """Three exercises on the learner's config."""
    lesson.exercises("backprop", texts.EXERCISES, exercises_on(page.model, page.run))
    lesson.link("pages/compute.py", compute_texts.MORE)
    lesson.link("pages/autograd.py", "Where gradients come from: automatic differentiation")
    lesson.link("pages/pretraining.py", "Backward a thousand times: train a small GPT")
    lesson.link("streamlit_app.py", "What your config costs, backward included")
