"""The frame of every page: settings, links to the other pages, sidebar, the run's row, problems in words."""

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from llm_explorer.config import ConfigError, Problem
from llm_explorer.formats import Configs
from llm_explorer.machine import one_reading
from llm_explorer.presets import title_of
from llm_explorer.texts import explore as explore_texts
from llm_explorer.texts import look as look_texts
from llm_explorer.ui import parts
from llm_explorer.ui.frame import first_runs, run_row, share
from llm_explorer.ui.frame.rerun_turns import TURNS
from llm_explorer.ui.frame.sidebar import Sidebar, Sliders
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.parts.live import drag
from llm_explorer.ui.parts.live.history import one_entry_a_page
from llm_explorer.ui.parts.words import value_words
from llm_explorer.ui.visit import config_buttons, history, link, pins, state
from llm_explorer.ui.visit.address import follow_widgets, of_all_pages, read_address, refused
from llm_explorer.ui.visit.page import Page

SIDEBAR_WIDTH = 312
# three bars, drawn here: a named Material icon as the tab's icon would be asked of a Google server
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="#3b7fc4">'
    '<path d="M3 4h18v4H3zM3 10h12v4H3zM3 16h7v4H3z"/></svg>'
)
PAGES: Final = (
    ("streamlit_app.py", "Explore"),
    ("pages/parameters.py", "Parameters"),
    ("pages/memory.py", "Memory"),
    ("pages/compute.py", "Compute"),
    ("pages/compare.py", "Compare"),
    ("pages/concepts.py", "Concepts"),
    ("pages/pretraining.py", "Pre-training"),
    ("pages/tensors.py", "Tensors"),
    ("pages/autograd.py", "Autograd"),
    ("pages/backprop.py", "Backpropagation"),
)


def answers_hidden(_page: Page) -> None:
    """What stands for a page while the address hides its answers."""
    st.info(look_texts.ANSWERS_HIDDEN, icon=":material/visibility_off:")


@TURNS.turn()
def page(
    title: str,
    question: str,
    body: Callable[[Page], None],
    *,
    without_answers: Callable[[Page], None] = answers_hidden,
    run_in_sidebar: bool = False,
) -> None:
    """Draw the frame, read the config and let ``body`` draw the page from it.

    ``without_answers`` draws it where the address hides them. While what is typed is not valid, the page goes on with
    the last config that was, at first the defaults. What happens below the frame, and a slider that is dragged, draws
    only that part anew.
    """
    first_runs.prepare()
    st.set_page_config(f"{title} · LLM explorer", ICON, "wide", appearance.wide(SIDEBAR_WIDTH))
    read_address()
    with of_all_pages():
        sliders = _frame(title, question, run_in_sidebar=run_in_sidebar)
    shown = without_answers if appearance.hides("answers") else body
    _below_the_frame(shown, sliders, refused(), state.in_widgets())


def _frame(title: str, question: str, *, run_in_sidebar: bool) -> Sliders:
    """All that is the same on every page; the values of each field's slider."""
    follow_widgets(title)
    state.make_change()
    pins.write_pins()
    appearance.apply()
    if not appearance.hides("links"):
        _links()
    bar = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    bar.markdown(f"#### {title}", help=question, width="stretch")
    row = None if run_in_sidebar else st.container(key=appearance.RUN)
    sidebar = Sidebar()
    sidebar.draw_numbers()
    options = run_row.draw(_run_in_sidebar() if row is None else row)
    configs, _problems = _read()
    run_row.draw_options(options, configs)
    sliders = sidebar.draw_sliders(configs)
    if not appearance.hides("buttons"):
        with bar.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            _undo_and_pin(configs)
            share.draw()
    with bar:  # where a part without a face takes no line
        one_entry_a_page(state.IN_FRAME)
    return sliders


@st.fragment
def _below_the_frame(
    body: Callable[[Page], None], sliders: Sliders, refused: tuple[Problem, ...], in_frame: tuple[Any, ...]
) -> None:
    if state.in_widgets() != in_frame:
        # a slider let go in the same moment as something below the frame tells a value: Streamlit's browser part sends
        # both as one message, and that asks for this part only (1.67)
        st.rerun()
    with TURNS.turn(last=drag.dragged() is not None), one_reading():
        drag.listen(sliders)
        configs, problems = _read()
        _notices(problems, refused)
        body(Page(*(configs or history.last_valid()), run_row.reserve()))


def _run_in_sidebar() -> "st.delta_generator.DeltaGenerator":
    return st.sidebar.container(key=appearance.RUN).expander("The run", icon=":material/tune:")


def _links() -> None:
    passed_on = link.passed_on()
    with st.container(horizontal=True, gap="xsmall"):
        for path, label in PAGES:
            st.page_link(path, label=label, query_params=passed_on)


def _undo_and_pin(valid: Configs | None) -> None:
    model, run = valid or history.last_valid()
    pinned = pins.pinned()
    if pinned:
        st.caption(f"Changes are against {pinned[-1].label}", width="content")
        st.button("Unpin", icon=":material/keep_off:", on_click=pins.unpin, key="unpin", type="tertiary")
    pin = (title_of(model), model, run)
    st.button(
        "Pin",
        icon=":material/keep:",
        on_click=pins.pin,
        args=pin,
        key="pin",
        help=explore_texts.PIN_HELP,
        type="tertiary",
    )
    st.button(
        "Undo",
        icon=":material/undo:",
        disabled=valid is not None and not history.can_undo(),
        on_click=history.undo,
        kwargs={"from_valid": valid is not None},
        key="undo",
        type="tertiary",
    )


def _read() -> tuple[Configs | None, tuple[Problem, ...]]:
    try:
        configs = state.read()
    except ConfigError as error:
        return None, error.problems
    history.remember(*configs)
    return configs, ()


def _notices(problems: tuple[Problem, ...], refused: tuple[Problem, ...]) -> None:
    """What is wrong with the config, each with its fixes, and what of the address could not be used."""
    for number, problem in enumerate({problem.message: problem for problem in problems}.values()):
        config_buttons.problem_with_fixes(problem, number)
    if problems:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Below is the last config that was valid; at the start, the default.")
            config_buttons.button("Back to it", state.write, history.last_valid(), icon=":material/undo:")
    for problem in refused:
        if problem.field in (pins.PIN, *appearance.PARAMETERS):
            st.warning(f"From the address: {parts.plain(problem.message)} (left out).")
            continue
        used = parts.plain(value_words(state.held(problem.field)))  # what was typed since, which may be anything
        told = problem.message if problem.message.endswith("?") else f"{problem.message}."
        st.warning(f"From the address: {parts.plain(told)} Used instead: {used}.")
