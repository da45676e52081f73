"""The steps of the lesson on backpropagation that look into the small network."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from llm_explorer.charts.network import network_drawing, network_map
from llm_explorer.texts import backprop as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import state
from llm_explorer.ui.visit.page import Page

LESSON: Final = "backprop"
MODULE: Final = "backprop.network"
COLUMN: Final = 400  # narrower than this, the two columns follow one another
PRESSES: Final = "backprop_presses"
MOST_STEPS: Final = 60
RUN_STEPS: Final = 10
HIDDEN: Final = 5
SEED: Final = 4  # two of five ReLUs closed, and a rate of 10 breaks it
RATES: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
RATE: Final = 0.01
MAP_COLUMNS: Final = (*(f"x{number}" for number in range(1, 11)), "bias", "outgoing weight")
Look = dict[str, Any]


def formulas(_page: Page) -> None:
    """Forward and backward side by side, and the formulas against autograd."""
    seed = seed_input("formulas")
    found = lesson.ask(MODULE, "by_hand", data="one sample", seed=seed)
    grid = st.grid(2, min_column_width=appearance.wide(COLUMN))
    with grid.cell():
        figure = network_drawing("10 inputs, 5 hidden neurons, 1 output", found["parameters"])
        parts.chart(figure, key="backprop_drawing", alt="Drawing of the network and the signs of its 55 weights")
    formulas_beside = grid.cell()
    formulas_beside.markdown(texts.FORWARD)
    if not guessed("formulas"):
        return
    formulas_beside.markdown(texts.BACKWARD)
    st.markdown(texts.RECIPE)
    st.markdown(
        f"A fresh network says **{found['output']:.3f}** where the label is 1: the error is {found['error']:.3f}, and "
        "every gradient is made of it. By these formulas, and by `loss.backward()`:"
    )
    st.dataframe(
        {
            "parameter": [row["name"] for row in found["rows"]],
            "shape": [" x ".join(map(str, row["shape"])) for row in found["rows"]],
            "norm by hand": [f"{row['by_hand']:.6f}" for row in found["rows"]],
            "norm by autograd": [f"{row['autograd']:.6f}" for row in found["rows"]],
            "largest difference": [f"{row['difference']:.1e}" for row in found["rows"]],
        },
        hide_index=True,
        key="backprop_by_hand",
    )
    code_that_ran(MODULE, "gradients_by_hand")


def five_steps(_page: Page) -> None:
    """One step button and a run button; all parameters and gradients before and after."""
    if not guessed("five_steps"):
        return
    presses = st.session_state.setdefault(PRESSES, 0)
    done, phase = position(presses)
    step_buttons(presses, phase)
    seen = lesson.ask(MODULE, "five_steps", seed=SEED, lr=RATE, steps=done)
    phase_words(phase)
    step_metrics(seen, done, phase)
    step_maps(seen, phase)
    more = partial(numbers_and_code, seen["before"])
    parts.folded("The numbers and the code", more, key="backprop_five_more", icon=":material/code:")


def numbers_and_code(before: Look) -> None:
    """All parameters and gradients of one moment, and the code of a step."""
    st.caption("Parameters before this step, then their gradients.")
    map_table(before["parameters"], "parameters")
    map_table(before["gradients"], "gradients")
    st.markdown(texts.LABELS_SHAPE)
    lesson.code(MODULE, "SimpleNet")
    lesson.code(MODULE, "training_step")


def position(presses: int) -> tuple[int, int]:
    """Whole steps done and the phase shown after so many presses: 0 -> (0, 0), 4 -> (0, 4), 5 -> (1, 1)."""
    return (0, 0) if presses == 0 else ((presses - 1) // 4, (presses - 1) % 4 + 1)


def step_buttons(presses: int, phase: int) -> None:
    """One phase on, ten whole steps on, and back to the start."""
    following = texts.PHASES[phase % 4 + 1]
    last = 4 * MOST_STEPS
    with st.container(horizontal=True):
        st.button(
            f"Step: {following.name.lower()}",
            icon=":material/play_arrow:",
            key="backprop_step",
            on_click=state.keep,
            args=(PRESSES, presses + 1),
            disabled=presses >= last,
        )
        st.button(
            f"Run {RUN_STEPS} whole steps",
            icon=":material/fast_forward:",
            key="backprop_run",
            on_click=state.keep,
            args=(PRESSES, min(presses - presses % 4 + 4 * RUN_STEPS, last)),
            disabled=presses >= last,
        )
        start = (PRESSES, 0)
        st.button("Start again", icon=":material/replay:", key="backprop_restart", on_click=state.keep, args=start)


def phase_words(phase: int) -> None:
    """Where we are in the five steps, what happens there, and its code."""
    now = texts.PHASES[phase]
    names = [f"**:primary[{each.name}]**" if each is now else f":gray[{each.name}]" for each in texts.PHASES]
    grid = st.grid(2, min_column_width=appearance.wide(COLUMN))
    grid.cell().markdown(f"{' → '.join(names)}  \n{now.what}")
    grid.cell().code(now.code, language="python")


def step_metrics(seen: dict[str, Look], done: int, phase: int) -> None:
    """What is known in this phase: the output from forward on, the loss from loss on, its change after the update."""
    before, after = seen["before"], seen["after"]
    grid = appearance.four("phases", 150)
    grid.cell().metric("Whole steps done", done + (phase == 4), border=True)
    grid.cell().metric("Output, the label is 1", f"{before['output']:.4f}" if phase >= 1 else "not yet", border=True)
    grid.cell().metric("Loss", f"{before['loss']:.4f}" if phase >= 2 else "not yet", border=True)
    grid.cell().metric("Loss after the update", f"{after['loss']:.4f}" if phase == 4 else "not yet", border=True)


def step_maps(seen: dict[str, Look], phase: int) -> None:
    """Parameters and gradients before and after this step; empty what is not there yet."""
    sizes = {kind: largest(seen["before"][kind]) for kind in ("parameters", "gradients")}
    grid = st.grid(2, min_column_width=appearance.wide(COLUMN))
    for kind, shown_from in (("parameters", 0), ("gradients", 3)):
        for when, first in (("before", shown_from), ("after", 4)):
            rows = seen[when][kind] if phase >= first else nothing_of(seen[when][kind])
            title = f"{kind.capitalize()} {when} this step{'' if phase >= first else ': not yet'}"
            with grid.cell():
                figure = network_map(title, rows, sizes[kind])
                parts.chart(figure, key=f"backprop_{kind}_{when}", alt=f"Heat map of all 61 {title.lower()}")
    if phase == 4:
        moves = [abs(a - b) for a, b in zip(flat(seen, "after"), flat(seen, "before"), strict=True)]
        st.caption(
            f"Before and after look alike: the largest move of a parameter was {max(moves):.4f}, lr = {RATE} "
            "times its gradient. ~0 is less than 0.005; 0 is exactly zero."
        )


def closing(_page: Page) -> None:
    """Pick neurons, close their ReLUs, and see their rows of gradients go to zero."""
    if not guessed("closing"):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        data = data_choice("closing")
        seed = seed_input("closing")
        closed = st.pills(
            "Click a neuron to close its ReLU",
            range(1, HIDDEN + 1),
            selection_mode="multi",
            format_func=lambda number: f"neuron {number}",
            key="backprop_closed",
            persist_state="session",
        )
    neurons = sorted(number - 1 for number in closed)
    seen = lesson.ask(MODULE, "closing", data=data, seed=seed, neurons=neurons)
    before, after = seen["before"], seen["after"]
    st.markdown(closing_words(before, after))
    size, grid = largest(before["gradients"]), st.grid(2, min_column_width=appearance.wide(COLUMN))
    for title, key, shown in (("Gradients at the start", "open", before), ("Gradients now", "closed", after)):
        with grid.cell():
            figure = network_map(title, shown["gradients"], size)
            parts.chart(figure, key=f"backprop_gradients_{key}", alt=f"Heat map: {title.lower()}")
    st.dataframe(neuron_table(before, after), hide_index=True, key="backprop_neurons")
    st.markdown(texts.CLOSING)
    code_that_ran(MODULE, "close")


def closing_words(before: Look, after: Look) -> str:
    """Which ReLUs were closed from the start, and which are now."""
    at_first, now = closed_neurons(before), closed_neurons(after)
    start = f"From the start closed for all the inputs: {names_of(at_first)}. Now: {names_of(now)}."
    return f"{start} {texts.DEAD}" if len(now) == HIDDEN else start


def closed_neurons(look: Look) -> list[int]:
    """The neurons, from 1, whose ReLU is closed for every input."""
    return [number for number, share in enumerate(look["open"], 1) if share == 0]


def names_of(neurons: Sequence[int]) -> str:
    """[2, 5] -> 'neurons 2, 5'."""
    return f"neuron{'s' * (len(neurons) > 1)} {', '.join(map(str, neurons))}" if neurons else "none"


def neuron_table(before: Look, after: Look) -> dict[str, list[str]]:
    """Each hidden neuron: its largest sum, for how many inputs it is open, how long its row of gradients is."""
    return {
        "neuron": [str(number) for number in range(1, HIDDEN + 1)],
        "largest z1 at the start": [f"{value:.3f}" for value in before["highest"]],
        "now": [f"{value:.3f}" for value in after["highest"]],
        "open for": [f"{share:.0%} of inputs" for share in after["open"]],
        "norm of its gradients at the start": [f"{norm(row):.4f}" for row in before["gradients"][:HIDDEN]],
        "norm now": [f"{norm(row):.4f}" for row in after["gradients"][:HIDDEN]],
    }


def guessed(name: str) -> bool:
    """Ask for a step's guess; where there is one, say if it is right and why."""
    return lesson.guessed(f"{LESSON}_{name}", texts.GUESSES[name])


def seed_input(step: str) -> int:
    """The seed of a step."""
    return int(
        st.number_input(
            texts.SEED_LABEL,
            0,
            999,
            SEED,
            key=f"backprop_seed_{step}",
            persist_state="session",
            help=texts.SEED_HELP,
            width=150,
        )
    )


def data_choice(step: str) -> str:
    """One sample or the data set."""
    return parts.choose("Examples", texts.DATA, "one sample", key=f"backprop_data_{step}", help=texts.DATA_HELP)


def rate_slider(step: str, default: float) -> float:
    """The learning rate."""
    rate: float = st.select_slider(
        "Learning rate lr",
        RATES,
        default,
        format_func=lambda rate: f"{rate:g}",
        key=f"backprop_rate_{step}",
        persist_state="session",
    )
    return rate


def code_that_ran(name: str, *functions: str) -> None:
    """The functions that computed a step, shown when asked for."""
    lesson.code_that_ran(f"backprop_code_{functions[0]}", *((name, function) for function in functions))


def map_table(rows: Sequence[Sequence[float | None]], name: str) -> None:
    """A map as a table, and its download."""
    columns: dict[str, list[object]] = {"row": [*(f"neuron {number}" for number in range(1, HIDDEN + 1)), "output"]}
    columns |= {label: list(values) for label, values in zip(MAP_COLUMNS, zip(*rows, strict=True), strict=True)}
    parts.data_table(columns, file_name=f"{name}.csv", key=f"backprop_{name}")


def nothing_of(rows: Sequence[Sequence[float | None]]) -> list[list[None]]:
    """A map of the same size without numbers."""
    return [[None] * len(row) for row in rows]


def largest(rows: Sequence[Sequence[float | None]]) -> float:
    """The largest magnitude of a map, to which its colours go; 1 where all is zero."""
    return max(abs(value) for row in rows for value in row if value is not None) or 1.0


def norm(row: Sequence[float | None]) -> float:
    """The length of a row of gradients."""
    return math.hypot(*(value for value in row if value is not None))


def flat(seen: dict[str, Look], when: str) -> list[float]:
    """All parameters of one moment."""
    return [value for row in seen[when]["parameters"] for value in row if value is not None]
