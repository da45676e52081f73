"""The effect matrix: eight knobs by parameters, memory, FLOPs and time; marks first, then the real numbers."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.effects import Effect, effect_of
from llm_explorer.accounting.fit import apply
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from llm_explorer.texts import compute as compute_texts
from llm_explorer.texts import concepts as texts
from llm_explorer.texts import fields as field_texts
from llm_explorer.texts import memory as memory_texts
from llm_explorer.texts import names
from llm_explorer.ui import parts
from llm_explorer.ui.frame import slider_steps
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.concepts import measured_times
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.parts.words import shown_value, value_words
from llm_explorer.ui.visit.page import Page

KNOBS: Final = (
    "vocab_size",
    "context_length",
    "emb_dim",
    "hidden_dim",
    "n_heads",
    "n_layers",
    "drop_rate",
    "batch_size",
)
MEASURES: Final = ("Parameters", "Peak", "FLOPs", "Time")
SIGNS: Final = {"up": "↑", "same": "=", "down": "↓"}
CARD_WIDTH: Final = 208
LABEL_WIDTH: Final = 72

Direction = Literal["up", "same", "down"]


class Cell(NamedTuple):
    """What really happens: the direction and the words for it; None where it is not known."""

    direction: Direction | None
    words: str


def draw(page: Page) -> None:
    """The marks in a form, so that nothing runs until the learner asks; then a row for each knob that was marked."""
    st.markdown(texts.MATRIX_INTRO)
    run = replace(page.run, sequence_length=page.run.sequence(page.model))
    steps = {field: one_step_up(field, page.model, run) for field in KNOBS}
    with st.form("concepts_matrix", border=False):
        grid = st.grid(4, min_column_width=appearance.wide(CARD_WIDTH))
        marks = {
            field: _marks(grid.cell(), field, shown_value(field, page.model, run), steps[field]) for field in KNOBS
        }
        st.form_submit_button("Show the real numbers", type="primary", icon=":material/visibility:")
    marked = {field: chosen for field, chosen in marks.items() if any(chosen.values())}
    if marked:
        _results(page.model, run, steps, marked)


def one_step_up(field: str, model: ModelConfig, run: RunConfig) -> Any:
    """The next value of a knob that makes a valid config, None at the top.

    >>> one_step_up("emb_dim", ModelConfig(), RunConfig())  # the slider's next: 12 heads of 72
    864
    """
    if field == "batch_size":
        return run.batch_size + 1
    if field == "hidden_dim":
        return model.feed_forward_dim + model.emb_dim
    return slider_steps.next_step(field, model)


def real_effects(model: ModelConfig, run: RunConfig, field: str, after: Any) -> dict[str, Cell]:
    """What one step of a knob does to each measure; ConfigError where there is no such config."""
    effect = effect_of(model, run, field, after)
    flops = count_flops(model, run)
    return {
        "Parameters": _cell(effect.parameters, count_parameters(model).total, units.count),
        "Peak": _cell(effect.peak_bytes, count_memory(model, run, "cpu").peak_bytes, units.byte_size),
        "FLOPs": _cell(effect.flops, flops.forward + flops.backward, units.flops),
        "Time": _time(model, run, effect),
    }


def _marks(cell: Any, field: str, before: Any, after: Any) -> dict[str, str | None]:
    with cell.container(gap="xsmall"):
        step = f"{value_words(before)} → {value_words(after)}" if after is not None else "at the top"
        st.markdown(f"**{field_texts.FIELDS[field].label}**  \n{step}")
        return {measure: _mark(field, measure) for measure in MEASURES}


def _mark(field: str, measure: str) -> str | None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption(measure, width=LABEL_WIDTH)
        marked: str | None = st.segmented_control(
            f"{field_texts.FIELDS[field].label}: {measure}",
            list(SIGNS),
            format_func=SIGNS.__getitem__,
            key=f"mark_{field}_{measure}",
            label_visibility="collapsed",
            persist_state="session",
        )
    return marked


def _results(
    model: ModelConfig, run: RunConfig, steps: Mapping[str, Any], marked: Mapping[str, Mapping[str, str | None]]
) -> None:
    """One line a knob: each real change beside the mark, and why."""
    lines = ["| one step up | " + " | ".join(MEASURES) + " | why |", "|---|---|---|---|---|---|"]
    right = judged = 0
    for field, chosen in marked.items():
        cells = _cells(model, run, field, steps[field])
        known = {measure: cell for measure, cell in cells.items() if cell.direction and chosen[measure]}
        judged += len(known)
        right += sum(cell.direction == chosen[measure] for measure, cell in known.items())
        shown = " | ".join(_shown(cells[measure], chosen[measure]) for measure in MEASURES)
        text = field_texts.FIELDS[field]
        lines.append(f"| {text.label} | {shown} | {text.lesson or texts.MATRIX_LESSONS[field]} |")
    st.markdown(f"**{right} of {judged} marks are right.** {names.COMPUTED}; time: measured.")
    st.markdown("\n".join(lines))
    st.caption(texts.MATRIX_HELD.format(tokens=f"{run.sequence(model):,}") + " " + texts.TIME_WORDS)
    measured_times.offer(model, run, {field: steps[field] for field in marked if steps[field] is not None})
    lesson.link("pages/memory.py", memory_texts.MEMORY_LINK)
    lesson.link("pages/compute.py", compute_texts.MORE)
    lesson.link("streamlit_app.py", texts.EXPLORE)


def _cells(model: ModelConfig, run: RunConfig, field: str, after: Any) -> dict[str, Cell]:
    unknown = Cell(None, units.UNKNOWN)
    if after is None:
        return dict.fromkeys(MEASURES, Cell(None, "at the top"))
    try:
        return real_effects(model, run, field, after)
    except ConfigError as error:
        return dict.fromkeys(MEASURES, unknown) | {"Parameters": Cell(None, parts.plain(error.problems[0].message))}


def _shown(cell: Cell, chosen: str | None) -> str:
    """The truth beside its mark; where there is no mark yet, it is not told."""
    if chosen is None:
        return texts.NOT_MARKED
    if cell.direction is None:
        return cell.words
    icon = ":material/check:" if cell.direction == chosen else ":material/close:"
    return f"{icon} {cell.words}"


def _cell(change: float, whole: float, write: units.Writer) -> Cell:
    if not change:
        return Cell("same", "0")
    direction: Direction = "up" if change > 0 else "down"
    return Cell(direction, f"{units.signed(write(change))} ({units.relative_change(change / whole)})")


def _time(model: ModelConfig, run: RunConfig, effect: Effect) -> Cell:
    """The change of the median step where both configs have been measured; within their spread it is the same."""
    before = measured_times.step_timing(model, run)
    after = measured_times.step_timing(*apply(model, run, {effect.field: effect.after}))
    if before is None or after is None:
        return Cell(None, units.UNKNOWN)
    change = after.median - before.median
    words = f"{units.signed(units.seconds(change))} ({units.relative_change(change / before.median)})"
    if abs(change) <= (before.iqr + after.iqr) / 2:
        return Cell("same", f"{words}, within the spread")
    direction: Direction = "up" if change > 0 else "down"
    return Cell(direction, words)
