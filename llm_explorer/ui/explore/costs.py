"""The parts of the Explore page: the sentence, four metrics with their formulas, two charts."""

from collections.abc import Callable
from typing import Final, NamedTuple

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.fit import Verdict, memory_on_hardware, verdict, ways_to_fit
from llm_explorer.accounting.flops import Flops, count_flops
from llm_explorer.accounting.kernels import kernels_of_hardware
from llm_explorer.accounting.memory import Memory, alive_by_category, memory_letters
from llm_explorer.accounting.parameters import Parameters, count_parameters
from llm_explorer.accounting.rows import by_component, letters_of
from llm_explorer.charts.bars import parts_of_whole
from llm_explorer.charts.palette import CATEGORIES, COMPONENTS
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.texts import explore as texts
from llm_explorer.texts import fields as field_texts
from llm_explorer.texts import memory as memory_texts
from llm_explorer.texts import names
from llm_explorer.ui import parts
from llm_explorer.ui.compute import training_run
from llm_explorer.ui.explore import first_guess
from llm_explorer.ui.frame import slider_steps
from llm_explorer.ui.frame.shell import answers_hidden
from llm_explorer.ui.memory import fit
from llm_explorer.ui.parts import appearance, words
from llm_explorer.ui.runs import build_and_time, receipt, step_times
from llm_explorer.ui.visit import config_buttons, pins, state
from llm_explorer.ui.visit.page import Page

VERDICT_ICONS: Final = {
    "fits": ":material/check_circle:",
    "tight": ":material/warning:",
    "does not fit": ":material/block:",
    "unknown": ":material/help:",
}


class Cost(NamedTuple):
    """Everything computed of one config."""

    model: ModelConfig
    run: RunConfig
    parameters: Parameters
    memory: Memory
    flops: Flops
    verdict: Verdict


def draw(page: Page) -> None:
    """Everything below the frame; at the first visit a guess instead."""
    if first_guess.is_open(page):
        first_guess.draw(page)
        return
    first_guess.remember()
    cost = cost_of(page.model, page.run, page.reserve)
    headline(cost, page)
    metrics(cost, page)
    charts(cost)
    ways_out(cost)
    build_and_time.draw(page.model, page.run)
    receipt.folded(page)


def without_answers(page: Page) -> None:
    """The page for who is to find out: what a model costs is measured, not told."""
    answers_hidden(page)
    build_and_time.draw(page.model, page.run)


def cost_of(model: ModelConfig, run: RunConfig, reserve: float) -> Cost:
    """Count everything."""
    memory = memory_on_hardware(model, run)
    judged = verdict(memory.peak_bytes, run.hardware, reserve)
    return Cost(model, run, count_parameters(model), memory, count_flops(model, run), judged)


def headline(cost: Cost, page: Page) -> None:
    """The sentence, what it says of a real training run, and what the slider moved last does next."""
    times = step_times.times_of(page)
    time = step_times.in_a_sentence(times)
    st.markdown(words.summary(cost.model, cost.run, cost.parameters, cost.memory, cost.verdict, time))
    st.caption(f":material/rocket_launch: {training_run.in_words(page, times)}")
    field = state.moved()
    after = slider_steps.next_step(field, cost.model) if field else None
    if field and after is not None:
        label = field_texts.FIELDS[field].label
        st.caption(f":material/arrow_forward: **{label}** {words.next_step_words(cost.model, cost.run, field, after)}")
    else:
        st.caption(":material/arrow_forward: Move a slider: here stands what its next step costs.")


def metrics(cost: Cost, page: Page) -> None:
    """Parameters, training peak, FLOPs per token and the verdict, with the change against the newest pin."""
    pinned = pins.pinned()
    before = cost_of(pinned[-1].model, pinned[-1].run, page.reserve) if pinned else None
    grid = appearance.four("costs")
    with grid.cell():
        total = before and before.parameters.total
        _metric("Parameters", cost.parameters.total, total, units.count, texts.PARAMETERS_HELP)
        _below("parameters", lambda: _parameter_formulas(cost))
    with grid.cell():
        peak = before and before.memory.peak_bytes
        _metric("Training peak", cost.memory.peak_bytes, peak, units.byte_size, texts.PEAK_HELP)
        _below("memory", lambda: _memory_formulas(cost))
        if not cost.memory.trusted:
            st.caption(memory_texts.TRACED_ONLY)
    with grid.cell():
        per_token = before and before.flops.per_token
        _metric("FLOPs per token", cost.flops.per_token, per_token, units.flops, texts.FLOPS_HELP)
        _below("flops", lambda: _flops_formulas(cost, page))
    with grid.cell():
        state_name = cost.verdict.state
        label = f"Sized for {cost.verdict.hardware}"
        change = f"pinned: {before.verdict.state}" if before else None
        parts.metric(label, f"{VERDICT_ICONS[state_name]} {state_name.capitalize()}", change, texts.VERDICT_HELP)
        _below("verdict", lambda: _verdict_details(cost))
        st.caption(fit.in_words(page, cost.verdict))


def charts(cost: Cost) -> None:
    """Where the parameters are, and what is alive at the peak."""
    left, right = appearance.two(400)
    parameters, memory = cost.parameters, cost.memory
    with left:
        title = f"{units.count(parameters.total)} parameters"
        figure = parts_of_whole(title, by_component(parameters.rows), _used(COMPONENTS), units.count)
        parts.chart(figure, key="parameters_chart", alt=f"Bar chart: {title} by component")
    with right:
        title = f"{units.byte_size(memory.peak_bytes)} alive at the peak, {names.PHASES[memory.peak_phase]}"
        figure = parts_of_whole(title, alive_by_category(memory.rows), CATEGORIES, units.byte_size)
        parts.chart(figure, key="memory_chart", alt=f"Bar chart: {title} by category")
    parts.folded("The numbers behind the charts", lambda: _tables(cost), key="tables")


def ways_out(cost: Cost) -> None:
    """Where it does not fit: what would make it fit, each a button."""
    if cost.verdict.state not in ("does not fit", "tight") or cost.verdict.budget_bytes is None:
        return
    ways = ways_to_fit(cost.model, cost.run, cost.verdict.budget_bytes - cost.verdict.reserve_bytes)
    if not ways:
        st.info(f"Nothing makes this config fit {units.byte_size(cost.verdict.budget_bytes)}: choose larger hardware.")
        return
    st.markdown(f"To make it fit {cost.verdict.hardware} with the share kept free:")
    config_buttons.ways(ways, key="way")


def _metric(label: str, now: float, before: float | None, write: units.Writer, explanation: str) -> None:
    change = None
    if before is not None:
        change = units.signed(write(now - before)) if now != before else "no change"
    parts.metric(label, write(now), change, explanation)


def _below(name: str, draw: Callable[[], None]) -> None:
    """The popover below a number: its content is made only while it is open."""
    key = f"formulas_{name}"
    popover = st.popover(names.COMPUTED, icon=":material/function:", type="tertiary", on_change="rerun", key=key)
    if popover.open:
        with popover:
            draw()


def _parameter_formulas(cost: Cost) -> None:
    parts.formula_table(cost.parameters.rows, letters_of(cost.model, cost.run), units.exact)
    st.markdown(words.parameters_in_words(cost.parameters))


def _memory_formulas(cost: Cost) -> None:
    st.markdown(f"Alive {names.PHASES[cost.memory.peak_phase]}:")
    letters = memory_letters(cost.model, cost.run, kernels_of_hardware(cost.run))
    parts.formula_table(cost.memory.rows, letters, units.byte_size)
    st.caption(texts.MEMORY_CONVENTION)
    st.markdown(words.memory_in_words(cost.memory))


def _flops_formulas(cost: Cost, page: Page) -> None:
    parts.formula_table(cost.flops.rows, letters_of(cost.model, cost.run), units.flops)
    st.markdown(words.flops_in_words(cost.flops))
    step_times.details(page)


def _verdict_details(cost: Cost) -> None:
    st.markdown(words.verdict_rule(cost.memory.peak_bytes, cost.verdict))


def _tables(cost: Cost) -> None:
    left, right = st.columns(2)
    with left:
        sums = by_component(cost.parameters.rows)
        by_name: dict[str, list[object]] = {"component": [*sums], "parameters": [*sums.values()]}
        parts.data_table(by_name, file_name="parameters.csv", key="parameters")
    with right:
        rows = cost.memory.rows
        alive: dict[str, list[object]] = {
            "category": [row.component for row in rows],
            "tensor": [row.name for row in rows],
            "bytes": [row.total for row in rows],
        }
        parts.data_table(alive, file_name="memory_at_peak.csv", key="memory")


def _used(colours: dict[str, str]) -> dict[str, str]:
    """The components that have parameters: attention scores have none."""
    return {name: colour for name, colour in colours.items() if name != "attention scores"}
