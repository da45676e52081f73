"""The steps of the lesson on backpropagation about training: the promised drop, one sample, a slip, many layers."""

from typing import Any, Final

import streamlit as st

from llm_explorer.charts.answers import answers_chart
from llm_explorer.charts.lines import Axis, Line, Mark, lines_chart
from llm_explorer.charts.palette import CATEGORIES, PAIR
from llm_explorer.texts import backprop as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.backprop.network import (
    COLUMN,
    RATE,
    code_that_ran,
    data_choice,
    guessed,
    rate_slider,
    seed_input,
)
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import state
from llm_explorer.ui.visit.page import Page

MODULE: Final = "backprop.training"
DEPTH: Final = "backprop.depth"
STEPS: Final = "backprop_descent_steps"
MOST_STEPS: Final = 40
BLUE, ORANGE = PAIR
GREEN: Final = CATEGORIES["activations"]


def drop(_page: Page) -> None:
    """The centre: before each step the predicted drop, beside it the actual one; raise lr until it breaks."""
    if not guessed("drop"):
        return
    st.markdown(texts.PREDICTION)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        data, seed = data_choice("drop"), seed_input("drop")
        rate = rate_slider("drop", RATE)
    steps = st.session_state.setdefault(STEPS, 0)
    found = lesson.ask(MODULE, "descent", data=data, seed=seed, lr=rate, steps=steps)
    drop_metrics(found)
    drop_buttons(steps)
    st.markdown(drop_words(found, data))
    grid = st.grid(2, min_column_width=appearance.wide(COLUMN))
    with grid.cell():
        drops_by_step(found)
    with grid.cell():
        drops_by_rate(data, seed, rate)
    parts.folded_table("The numbers", lambda: drop_columns(found), file_name="drops.csv", key="backprop_drops")
    code_that_ran(MODULE, "descent", "follow", "loss_after")


def drop_metrics(found: dict[str, list[float]]) -> None:
    """The loss now and the promise of the next step; promise and truth of the last one."""
    actual = found["actual"]
    grid = st.grid(4, min_column_width=appearance.wide(150))
    grid.cell().metric("Loss now", f"{found['losses'][-1]:.4f}", border=True)
    grid.cell().metric("Next step: predicted drop", f"{found['predicted'][-1]:.4g}", border=True)
    grid.cell().metric("Last step: predicted", f"{found['predicted'][-2]:.4g}" if actual else "not yet", border=True)
    grid.cell().metric("Last step: actual", f"{actual[-1]:.4g}" if actual else "not yet", border=True)


def drop_buttons(steps: int) -> None:
    """Steps with this rate, always counted from the start: another rate takes them all again."""
    with st.container(horizontal=True):
        for label, icon, target in (
            ("Take the step", ":material/play_arrow:", steps + 1),
            ("Take 10 steps", ":material/fast_forward:", steps + 10),
            ("Start again", ":material/replay:", 0),
        ):
            reached = (STEPS, min(target, MOST_STEPS))
            full = target > 0 and steps >= MOST_STEPS
            key = f"backprop_{label}"
            st.button(label, icon=icon, key=key, on_click=state.keep, args=reached, disabled=full)


def drop_words(found: dict[str, list[float]], data: str) -> str:
    """Whether the last step kept what it promised."""
    if not found["actual"]:
        return "No step is taken yet. Take one, and compare; then raise lr and look again."
    predicted, actual = found["predicted"][len(found["actual"]) - 1], found["actual"][-1]
    if actual < 0:
        words = "The loss **rose**: the step was so long that it landed behind the valley. This rate is too large."
    elif predicted > 2 * actual:
        words = "Less than half of what was promised: on the way the slope changed too much."
    else:
        words = "Nearly as promised: here the slope hardly changes over one step."
    return f"{words} {texts.ONE_SAMPLE_CANNOT_RISE}" if data == "one sample" and predicted > 2 * actual else words


def drops_by_step(found: dict[str, list[float]]) -> None:
    """Promise and truth of all steps so far, and the promise of the next."""
    numbers = list(range(1, len(found["predicted"]) + 1))
    pair = (Line("predicted", found["predicted"], BLUE), Line("actual", found["actual"], ORANGE))
    title = "The drop of the loss in each step"
    figure = lines_chart(title, numbers, pair, Axis("step", ends=(0.5, max(numbers[-1], 5) + 0.5)), Axis())
    parts.chart(figure, key="backprop_drops", alt=f"Line chart: {title}, predicted and actual")


def drops_by_rate(data: str, seed: int, rate: float) -> None:
    """The first step at every rate: where the promise breaks."""
    found = lesson.ask(MODULE, "drop_at_each_rate", data=data, seed=seed)
    loss = found["loss"]
    pair = (Line("predicted", found["predicted"], BLUE), Line("actual", found["actual"], ORANGE))
    marks = (Mark(f"lr = {rate:g}", "x", rate), Mark("all of the loss", "y", loss))
    title = "The drop in the first step, at every rate"
    up = Axis(ends=(-1.5 * loss, 1.5 * loss))
    figure = lines_chart(title, found["rates"], pair, Axis("learning rate", log=True), up, marks)
    parts.chart(figure, key="backprop_rates", alt=f"Line chart: {title}, predicted and actual drop")
    st.caption(rate_words(found))


def rate_words(found: dict[str, Any]) -> str:
    """Up to which rate the promise is kept, and from which on the loss rises."""
    points = list(zip(found["rates"], found["predicted"], found["actual"], strict=True))
    kept = [rate for rate, predicted, actual in points if abs(predicted - actual) <= 0.1 * predicted]
    rising = [rate for rate, _predicted, actual in points if actual < 0]
    words = f"Within 10% of the promise up to lr = {max(kept):.2g}; " if kept else ""
    return f"{words}the loss rises from lr = {min(rising):.2g} on." if rising else f"{words}the loss never rises."


def drop_columns(found: dict[str, list[float]]) -> dict[str, list[float]]:
    """Every step in numbers."""
    steps = len(found["actual"])
    return {
        "step": list(range(1, steps + 1)),
        "loss before": found["losses"][:steps],
        "predicted drop": found["predicted"][:steps],
        "actual drop": found["actual"],
    }


def one_sample(_page: Page) -> None:
    """What a network learns from one sample with label 1, and from a small data set beside it."""
    if not guessed("one_sample"):
        return
    seed, rate, steps = training_inputs("learn", 0.3, 100)
    found = lesson.ask(MODULE, "what_they_learn", seed=seed, lr=rate, steps=steps)
    grid = st.grid(4, min_column_width=appearance.wide(150))
    for data, words in texts.DATA.items():
        asked = found[data]
        grid.cell().metric(f"Taught {words}: says 1 to", f"{asked['says_one']:.0%}", border=True)
        grid.cell().metric("and is right for", f"{asked['right']:.0%}", border=True)
    title = "How many of 200 new inputs get which answer"
    counts = {f"taught {words}": found[data]["counts"] for data, words in texts.DATA.items()}
    figure = answers_chart(title, "output: the probability of label 1", counts)
    parts.chart(figure, key="backprop_answers", alt=f"Bar chart: {title}")
    st.caption(f"Of the 200 new inputs {found['labelled_one']:.0%} are labelled 1; an output over 0.5 says 1.")
    st.markdown(texts.ALWAYS_ONE)
    code_that_ran(MODULE, "what_they_learn", "train_on")


def zero_grad(_page: Page) -> None:
    """Training with and without ``zero_grad``: the output comes to rest, or swings past the goal."""
    if not guessed("zero_grad"):
        return
    seed, rate, steps = training_inputs("forget", 0.1, 60)
    found = lesson.ask(MODULE, "forgetting", seed=seed, lr=rate, steps=steps)
    grid = st.grid(2, min_column_width=appearance.wide(COLUMN))
    for values, title, marks in (
        ("outputs", "The output", (Mark("best: 0.75", "y", 0.75),)),
        ("norms", "Length of the .grad that each update uses", ()),
    ):
        pair = (
            Line("with zero_grad", found["with"][values], BLUE),
            Line("without", found["without"][values], ORANGE),
        )
        up = Axis(ends=(0, 1)) if values == "outputs" else Axis()
        figure = lines_chart(title, range(steps + 1), pair, Axis("step"), up, marks)
        with grid.cell():
            parts.chart(figure, key=f"backprop_forget_{values}", alt=f"Line chart: {title}, with and without zero_grad")
    ends = [found[way]["outputs"][-1] for way in ("with", "without")]
    st.caption(f"After {steps} steps: output {ends[0]:.3f} with zero_grad, {ends[1]:.3f} without.")
    st.markdown(texts.PENDULUM)
    st.markdown(texts.NOT_SEEN_AT_ONCE)
    lesson.link("streamlit_app.py", "Accumulation on your own model: in the row of the run")
    code_that_ran(MODULE, "step_without_zero_grad", "follow")


def training_inputs(step: str, rate: float, steps: int) -> tuple[int, float, int]:
    """Seed, learning rate and number of steps."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed, chosen = seed_input(step), rate_slider(step, rate)
        return (
            seed,
            chosen,
            int(st.slider("Steps", 10, 100, steps, 10, key=f"backprop_steps_{step}", persist_state="session")),
        )


def depth(_page: Page) -> None:
    """How much of a gradient reaches the first of many layers, for two activations and three starts."""
    if not guessed("depth"):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        activation = parts.choose("Activation", ("sigmoid", "relu"), "sigmoid", key="backprop_activation")
        layers = int(st.slider("Layers", 2, 30, 20, key="backprop_layers", persist_state="session"))
        seed = seed_input("depth")
    shares = lesson.ask(DEPTH, "through_depth", activation=activation, layers=layers, seed=seed)
    names = {"small": texts.STARTS["small"], "matched": texts.MATCHED[activation], "large": texts.STARTS["large"]}
    colours = dict(zip(names, (ORANGE, BLUE, GREEN), strict=True))
    series = [Line(name, shares[start], colours[start]) for start, name in names.items()]
    title = "The share of the last layer's gradient that reaches each layer"
    figure = lines_chart(title, range(1, layers + 1), series, Axis("layer"), Axis(log=True))
    parts.chart(figure, key="backprop_depth", alt=f"Line chart: {title}, for three starts of the weights")
    firsts = ", ".join(f"{shares[start][0]:.1e} with {name}" for start, name in names.items())
    st.caption(f"At the first of {layers} layers arrive: {firsts}.")
    st.markdown(texts.DEPTH[activation])
    st.markdown(texts.LAST_HOPE)
    code_that_ran(DEPTH, "through_depth", "shares_by_layer")
