"""The first visit opens with a guess: what does it take to train a model whose weights are this large?

It stands in the place of the page until it is answered or skipped, or the config is changed, and never where the
address has parameters. A cookie remembers that it is over: it comes with the visit, so the first screen knows.
"""

from typing import Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.fit import memory_on_hardware
from llm_explorer.accounting.memory import Memory, alive_by_category
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.charts.bars import parts_of_whole
from llm_explorer.charts.palette import CATEGORIES
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.presets import title_of
from llm_explorer.texts import first_guess as texts
from llm_explorer.texts import names
from llm_explorer.ui import parts
from llm_explorer.ui.parts import live
from llm_explorer.ui.visit import history, state
from llm_explorer.ui.visit.address import came_plain
from llm_explorer.ui.visit.page import Page

COOKIE: Final = "llm_explorer_guessed"
OVER: Final = "first_guess_over"
GIB: Final = 2**30
STEP: Final = 0.1  # GiB, of the slider
MOST: Final = 10.0  # times the weights, its right end

_ANSWERED: Final = "first_guess_answered"
_TO_REMEMBER: Final = "first_guess_to_remember"


def is_open(page: Page) -> bool:
    """Whether the guess is to be shown; once it is not, it is over for this visit."""
    if OVER not in st.session_state:
        st.session_state[OVER] = not came_plain() or COOKIE in st.context.cookies.to_dict()
    if history.can_undo() or (page.model, page.run) != (ModelConfig(), RunConfig()):
        st.session_state[OVER] = True
    return not st.session_state[OVER]


def draw(page: Page) -> None:
    """The question, then the answer and why."""
    memory = memory_on_hardware(page.model, page.run)
    with st.container(border=True, key="first_guess"):
        st.markdown(f"##### {texts.TITLE}")
        st.markdown(_question(page, memory))
        guess = _slider(memory.parameters_bytes)
        if st.session_state.get(_ANSWERED):
            _answer(memory, guess)
            st.button(texts.GO_ON, icon=":material/arrow_forward:", type="primary", on_click=_end)
            return
        with st.container(horizontal=True):
            answered = (_ANSWERED, True)
            st.button(texts.SHOW, icon=":material/lightbulb:", type="primary", on_click=state.keep, args=answered)
            st.button(texts.SKIP, type="tertiary", on_click=_end)


def remember() -> None:
    """Have the browser remember that it is over, where a click has said so."""
    if st.session_state.get(_TO_REMEMBER):
        live.part("remember")(key="remember_guess", data={"name": COOKIE})


def _question(page: Page, memory: Memory) -> str:
    work = f"{names.PRECISIONS[page.run.precision]} with {names.OPTIMIZERS[page.run.optimizer]}"
    return texts.QUESTION.format(
        weights=units.byte_size(memory.parameters_bytes),
        name=title_of(page.model),
        parameters=units.count(count_parameters(page.model).total),
        work=work,
        batch=page.run.batch_size,
        sequence=page.run.sequence(page.model),
    )


def _slider(weights: int) -> float:
    """The guess in GiB, at first the weights alone."""
    gib = weights / GIB
    low = round(gib, 1)
    return st.slider(texts.LABEL, low, round(MOST * gib, 1), low, STEP, format="%.1f GiB", key="my_guess")


def _answer(memory: Memory, guess: float) -> None:
    """The peak beside the guess, the parts that make it, and a bar for each."""
    size, alive = units.byte_size, alive_by_category(memory.rows)
    peak = size(memory.peak_bytes)
    times = f"{memory.peak_bytes / memory.parameters_bytes:.1f}"
    st.markdown(texts.ANSWER.format(peak=peak, times=times, guess=f"{guess:.1f} GiB"))
    why = texts.WHY.format(
        optimizer=size(memory.optimizer_bytes),
        activations=size(alive["activations"]),
        temporary=size(alive["temporary"]),
        phase=names.PHASES[memory.peak_phase],
        gradients=size(memory.gradients_bytes),
    )
    st.markdown(why)
    title = texts.CHART.format(peak=peak)
    figure = parts_of_whole(title, alive, CATEGORIES, units.byte_size)
    parts.chart(figure, key="guess_chart", alt=f"Bar chart: {title} by category")


def _end() -> None:
    st.session_state[OVER] = st.session_state[_TO_REMEMBER] = True
