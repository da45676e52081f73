"""The later steps of the lesson on automatic differentiation: its price, its rules, an engine of our own, exercises."""

from typing import Any

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.charts.magnitudes import error_curves, magnitude_bars
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.exercises import autograd as costs
from llm_explorer.lessons.autograd.limits import MOST_BACKWARDS
from llm_explorer.texts import autograd as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.autograd.derivatives import LESSON, MODULE, code, inputs, more
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs import workers
from llm_explorer.ui.visit.page import Page


def why(page: Page) -> None:
    """What a gradient would cost without autograd, from a measured forward pass of the learner's model."""
    st.markdown(texts.WHY)
    passes = costs.gradient_bill(page.model, page.run).passes
    st.latex(texts.WHY_FORMULA.format(passes=f"{passes:,}".replace(",", "{,}")))
    parameters = units.count(count_parameters(page.model).total)
    question = texts.WHY_GUESS.question.format(parameters=parameters)
    choice = lesson.guess("autograd_why", texts.WHY_GUESS._replace(question=question))
    if choice is None:
        return
    measured = measured_passes(page.model, page.run)
    if measured is None:
        st.info(texts.WHY_UNMEASURED, icon=":material/timer:")
        lesson.link("streamlit_app.py", texts.EXPLORE_BUILD)
        bill = costs.gradient_bill(page.model, page.run)
        _bars("Work for one gradient", bill.differences_flops, bill.autograd_flops, units.flops)
        return
    _times(choice, costs.gradient_bill(page.model, page.run, *measured), *measured)


def step_size(_page: Page) -> None:
    """The U-curve: the error of finite differences over the step, in two precisions."""
    st.markdown(texts.STEP_SIZE)
    choice = lesson.guess("autograd_step", texts.STEP_GUESS)
    if choice is None:
        return
    values = inputs("x", "w", "b", "y")
    side = parts.choose("Difference", texts.SIDES, "one", key="autograd_sides")
    found = lesson.ask(MODULE, "difference_errors", central=side == "two", **values)
    errors = {"fp32": found["float32"], "fp64": found["float64"]}
    best = {name: min(zip(column, found["h"], strict=True)) for name, column in errors.items()}
    words = texts.STEP_BEST.format(*best["fp32"], *best["fp64"], exact=found["exact"])
    figure = error_curves(f"Error of the {texts.SIDES[side]} difference for dL/dw", found["h"], errors)
    parts.chart(figure, key="autograd_errors", alt=f"Two U-shaped curves over the step h. {words}")
    st.caption(words)
    lesson.reveal(choice, texts.STEP_GUESS, right="")
    more("errors", {"h": found["h"], **errors}, ("difference_errors", "differences"))


def rules(_page: Page) -> None:
    """Four rules, each shown by running it."""
    st.markdown(texts.RULES_INTRO)
    if not lesson.guessed("autograd_rules", texts.RULES_GUESS, right=""):
        return
    titles = {name: rule.title for name, rule in texts.RULES.items()}
    rule = parts.choose("Rule", titles, "accumulation", key="autograd_rule")
    text = texts.RULES[rule]
    st.markdown(f"{text.shows} {text.matters}")
    count = {}
    if rule == "accumulation":
        count["backwards"] = st.slider(
            "Backward passes", 1, MOST_BACKWARDS, 2, key="autograd_backwards", persist_state="session"
        )
    written = lesson.ask("autograd.rules", rule, **count)
    grid = st.grid(2, min_column_width=appearance.wide(380))
    with grid.cell():
        lesson.code("autograd.rules", rule)
    with grid.cell():
        st.markdown("What it gave:")
        st.code("\n".join(written), language=None, wrap_lines=True)
        if rule == "accumulation":
            lesson.link("streamlit_app.py", texts.EXPLORE_ACCUMULATION)


def engine(_page: Page) -> None:
    """Our own engine: its code, and its numbers beside PyTorch's."""
    st.markdown(texts.ENGINE)
    choice = lesson.guess("autograd_engine", texts.ENGINE_GUESS)
    if choice is not None:
        rows = lesson.ask(MODULE, "engine_check", **inputs("x", "w", "b", "y"))
        lesson.reveal(choice, texts.ENGINE_GUESS.filled(difference=_largest_difference(rows)), right="")
        st.table(_digits(rows))
        st.caption(texts.ENGINE_SAME)
        more("neuron", None, ("neuron", "engine_check"))
    with st.container(height=460):
        code("engine", ("Value", "inputs_first"), "autograd.scalar_engine")


def exercises(page: Page) -> None:
    """Three exercises on the learner's own config."""
    lesson.exercises(LESSON, texts.EXERCISES, costs.exercises(page.model, page.run))
    lesson.link("streamlit_app.py", texts.EXPLORE_GRADIENTS)


def measured_passes(model: ModelConfig, run: RunConfig) -> tuple[float, float] | None:
    """Seconds of one forward and one backward pass of this model and run, if they have been measured here."""
    result = workers.measured(model, run)
    if result is None or not result.forward_s or not result.backward_s:
        return None
    return result.forward_s.median, result.backward_s.median


def _times(choice: str, bill: costs.GradientBill, forward_s: float, backward_s: float) -> None:
    assert bill.differences_s is not None
    assert bill.autograd_s is not None
    duration = units.duration(bill.differences_s)
    unit = duration.split()[-1]
    answer = texts.WHY_GUESS.answer.format(
        duration=duration,
        passes=units.exact(bill.passes),
        forward=units.seconds(forward_s),
        autograd=units.seconds(bill.autograd_s),
        ratio=units.count(bill.differences_s / bill.autograd_s),
    )
    right = unit if unit in texts.WHY_GUESS.options else "seconds"
    lesson.reveal(choice, texts.WHY_GUESS._replace(right=right, answer=answer), right="")
    _bars("Time for one gradient, seconds", bill.differences_s, bill.autograd_s, units.duration)
    st.caption(texts.WHY_MEASURED.format(forward=units.seconds(forward_s), backward=units.seconds(backward_s)))


def _bars(title: str, differences: float, autograd: float, write: units.Writer) -> None:
    sizes = {"finite differences": differences, "autograd": autograd}
    words = ", ".join(f"{name} {write(size)}" for name, size in sizes.items())
    parts.chart(magnitude_bars(title, sizes, write), key="autograd_bars", alt=f"{title}: {words}")


def _largest_difference(rows: list[dict[str, Any]]) -> float:
    pairs = (("ours", "torch"), ("our grad", "torch grad"))
    return max(float(abs(row[ours] - row[theirs])) for row in rows for ours, theirs in pairs)


def _digits(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {name: [f"{row[name]:.12f}" for row in rows] for name in rows[0] if name != "name"}
    return pd.DataFrame(columns, index=[row["name"] for row in rows])
