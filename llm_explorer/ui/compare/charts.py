"""The compared configs as charts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.kv_cache import kv_cache_bytes
from llm_explorer.accounting.memory import alive_by_category
from llm_explorer.accounting.rows import by_component
from llm_explorer.charts.compare import Config, cache_lines, grouped_bars, stacked_bars
from llm_explorer.charts.palette import CATEGORIES, COMPONENTS, PHASES
from llm_explorer.texts import compare as texts
from llm_explorer.ui import parts
from llm_explorer.ui.compare.configs import Compared, measured_s, predicted_s
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

FIRST_POWER: Final = 4  # 16 tokens: a shorter context is hardly one
INFERENCE: Final = {"weights": CATEGORIES["parameters"], "KV cache": CATEGORIES["activations"]}


def draw(page: Page, compared: Sequence[Compared]) -> None:
    """Four charts of bars, the cache over the context, and the times where any are known."""
    batches = {each.run.batch_size for each in compared}
    batch = texts.BATCH.format(batch=units.exact(*batches)) if len(batches) == 1 else texts.BATCHES
    grid = st.grid(2, min_column_width=appearance.wide(380))
    with grid.cell():
        sums = [by_component(each.parameters.rows) for each in compared]
        _bars(texts.PARAMETERS, compared, sums, COMPONENTS, units.count, "compare_parameters")
    with grid.cell():
        alive = [alive_by_category(each.memory.rows) for each in compared]
        _bars(texts.PEAK, compared, alive, CATEGORIES, units.byte_size, "compare_peak")
    with grid.cell():
        parts_of = [
            {"weights": each.memory.parameters_bytes, "KV cache": each.memory.kv_cache_bytes} for each in compared
        ]
        title = texts.INFERENCE.format(batch=batch)
        _bars(title, compared, parts_of, INFERENCE, units.byte_size, "compare_inference")
    with grid.cell():
        work = [{"forward": each.flops.forward, "backward": each.flops.backward} for each in compared]
        per_token = [
            {phase: flops / (each.run.batch_size * each.run.sequence(each.model)) for phase, flops in both.items()}
            for each, both in zip(compared, work, strict=True)
        ]
        _bars(texts.FLOPS, compared, per_token, PHASES, units.flops, "compare_flops")
    with grid.cell():
        _cache(compared, batch)
    with grid.cell():
        _times(page, compared)


def _bars(
    title: str,
    compared: Sequence[Compared],
    sizes: Sequence[Mapping[str, float]],
    colours: Mapping[str, str],
    write: Callable[[float], str],
    key: str,
) -> None:
    names = [each.name for each in compared]
    bars = {part: [of_one.get(part, 0) for of_one in sizes] for part in colours}
    values = "; ".join(f"{name} {write(sum(of_one.values()))}" for name, of_one in zip(names, sizes, strict=True))
    figure = stacked_bars(title, names, bars, colours, write)
    parts.chart(figure, key=key, alt=texts.BARS_ALT.format(title=title, values=values))


def _cache(compared: Sequence[Compared], batch: str) -> None:
    title = texts.CACHE.format(batch=batch)
    lines = [cache_line(each) for each in compared]
    values = "; ".join(
        f"{line.name}: {units.byte_size(line.values[-1])} at {line.places[-1]:,} tokens" for line in lines
    )
    parts.chart(cache_lines(title, lines), key="compare_cache", alt=texts.CACHE_ALT.format(values=values))


def cache_line(each: Compared) -> Config:
    """The cache at powers of two up to the context, and at the context itself."""
    context = each.model.context_length
    powers = (1 << power for power in range(FIRST_POWER, context.bit_length()))
    places = [*(place for place in powers if place < context), context]
    return Config(each.name, places, [kv_cache_bytes(each.model, each.run, place) for place in places])


def _times(page: Page, compared: Sequence[Compared]) -> None:
    """Predicted beside measured, or where they come from."""
    bars = {
        "predicted": [predicted_s(each) for each in compared],
        "measured": [measured_s(each) for each in compared],
    }
    known = {kind: seconds for kind, seconds in bars.items() if any(value is not None for value in seconds)}
    title = texts.TIMES.format(device=page.run.device)
    if not known:
        st.markdown(f"**{title}**")
        st.markdown(texts.NO_TIMES)
        lesson.link("pages/compute.py", texts.COMPUTE_LINK)
        return
    names = [each.name for each in compared]
    values = "; ".join(
        f"{name} {kind} {units.seconds(value)}"
        for kind, seconds in known.items()
        for name, value in zip(names, seconds, strict=True)
    )
    figure = grouped_bars(title, names, known, units.seconds)
    parts.chart(figure, key="compare_times", alt=texts.BARS_ALT.format(title=title, values=values))
