"""What is alive at the peak and what forward keeps: computed beside traced."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.kernels import KernelSet, kernels_of_device
from llm_explorer.accounting.memory import (
    Memory,
    alive_by_category,
    count_memory,
    kept_by_part,
    kept_rows,
    memory_letters,
)
from llm_explorer.accounting.peak_words import peak_in_words
from llm_explorer.accounting.rows import Row
from llm_explorer.charts.bars import parts_of_whole
from llm_explorer.charts.palette import CATEGORIES
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.receipt import Item
from llm_explorer.texts import explore as explore_texts
from llm_explorer.texts import memory as texts
from llm_explorer.texts import names
from llm_explorer.tracing.result import Trace
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

SMALLEST: Final = 1e-5  # of the whole: less has no line of its own
TAUGHT: Final = {"pages/backprop.py": 8, "pages/autograd.py": 3, "pages/concepts.py": 10}  # page -> step


def counted(page: Page) -> Memory:
    """The memory of a step with the kernels of the device it runs on."""
    return count_memory(*_with_kernels(page))


def headline(page: Page, found: Trace | None) -> None:
    """The peak in a sentence, and what the trace says to it."""
    memory = counted(page)
    words = peak_in_words(*_with_kernels(page))
    said = texts.PEAK.format(computed=units.byte_size(memory.peak_bytes), words=words)
    if found is not None:
        peak = found.peak_bytes
        off = units.error(memory.peak_bytes, peak)
        said = f"{said} {texts.TRACED.format(peak=units.byte_size(peak), bytes=units.exact(peak), error=off)}"
    st.markdown(said if memory.trusted else f"{said} {texts.TRACED_ONLY}")


def taught() -> None:
    """Links to the steps of lessons that explain it."""
    lesson.links(texts.TAUGHT, TAUGHT)


def draw(page: Page, found: Trace | None) -> None:
    """Two charts side by side, each with its table."""
    grid = st.grid(2, min_column_width=appearance.wide(400))
    with grid.cell():
        at_peak(page, found)
    with grid.cell():
        kept(page, found)
    st.caption(texts.LEFT_OUT)
    _formulas(page, texts.PEAK_FORMULAS, lambda: counted(page).rows, "memory_peak_formulas")
    _formulas(page, texts.KEPT_FORMULAS, lambda: kept_rows(*_with_kernels(page)), "memory_kept_formulas")


def at_peak(page: Page, found: Trace | None) -> None:
    """What is alive at the peak, by category."""
    memory = counted(page)
    computed = alive_by_category(memory.rows)
    title = f"{units.byte_size(memory.peak_bytes)} alive {names.PHASES[memory.peak_phase]}"
    figure = parts_of_whole(title, computed, CATEGORIES, units.byte_size)
    st.markdown(f"##### {texts.AT_PEAK}")
    parts.chart(figure, key="memory_peak_chart", alt=f"Bar chart: {title}, by category")
    _compared(computed, found.categories_at_peak if found else None)


def kept(page: Page, found: Trace | None) -> None:
    """What forward leaves alive for backward, by part of the model."""
    by_part = kept_by_part(*_with_kernels(page))
    computed = {part: size for part, size in by_part.items() if size}
    title = f"{units.byte_size(sum(computed.values()))} kept after forward"
    colours = dict.fromkeys(computed, CATEGORIES["activations"])
    st.markdown(f"##### {texts.KEPT}", help=texts.KEPT_HELP)
    parts.chart(
        parts_of_whole(title, computed, colours, units.byte_size),
        key="memory_kept_chart",
        alt=f"Bar chart: {title}, by part of the model",
    )
    _compared(computed, found.saved if found else None)


def _compared(computed: dict[str, int], traced: Mapping[str, int] | None) -> None:
    """A line for each part that takes anything, and the sum."""
    least = SMALLEST * sum(computed.values())
    shown = [name for name in computed if max(computed[name], traced[name] if traced else 0) > least]
    items = [Item(name, "bytes", computed[name], traced[name] if traced else None) for name in shown]
    items.append(Item("in all", "bytes", sum(computed.values()), sum(traced.values()) if traced else None))
    words = [item.words() for item in items]
    lines = [{"": name, "computed": told, "traced": found, "error": error} for name, told, found, _, error in words]
    st.table(pd.DataFrame(lines), hide_index=True)


def _formulas(page: Page, label: str, rows: Callable[[], Iterable[Row]], key: str) -> None:
    def draw() -> None:
        parts.formula_table(rows(), memory_letters(*_with_kernels(page)), units.byte_size)
        st.caption(explore_texts.MEMORY_CONVENTION)

    parts.folded(label, draw, key=key, icon=":material/function:")


def _with_kernels(page: Page) -> tuple[ModelConfig, RunConfig, KernelSet]:
    """What memory is counted of: the kernels are those of the device it runs on."""
    return page.model, page.run, kernels_of_device(page.run.device)
