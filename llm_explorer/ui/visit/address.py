"""The address: what of it a visit came with and what was refused, and that it is right on page after page.

Streamlit (1.67) binds a parameter to a widget of one page: on another page it takes it out of the address, also of the
one that the browser's Back has brought. So the frame, which has them all, is drawn as a part of all pages; then Back
and Forward bring the address and the values of their entry, and Streamlit itself sets the widgets.
"""

from contextlib import AbstractContextManager, nullcontext, suppress
from difflib import get_close_matches
from math import isinf
from typing import Any, Final

import streamlit as st

from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig
from llm_explorer.formats import apply_settings
from llm_explorer.formats.dicts import NUMBER
from llm_explorer.ui import streamlit_private
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import history, state
from llm_explorer.ui.visit.pins import PIN, take_pins

_ASKED: Final = "asked_by_address"
_PAGE: Final = "page"
_PLAIN: Final = "came_without_parameters"
_REFUSED: Final = "refused_from_address"
_REFUSED_PINS: Final = "refused_pins"


def read_address() -> None:
    """Keep the address's own parameters, once a visit: widgets, drawn later, drop what they cannot take."""
    if _ASKED not in st.session_state:
        asked = st.query_params.to_dict()
        asked |= {name: ",".join(st.query_params.get_all(name)) for name in asked if name == appearance.HIDE}
        st.session_state[_ASKED] = asked
        st.session_state[_PLAIN] = not asked
        st.session_state[_REFUSED_PINS] = take_pins(st.query_params.get_all(PIN))
        unlike = [
            field for field in (*state.BOUND, state.RESERVE) if _is_number_to_streamlit_only(asked.get(field, ""))
        ]
        if unlike:
            for field in unlike:
                del st.query_params[field]
            st.rerun()


def of_all_pages() -> AbstractContextManager[None]:
    """What is drawn in here is the same part on all pages, with the same widgets."""
    piece = streamlit_private.install().get("all_pages")
    return nullcontext() if piece is None else piece.of_all_pages()


def follow_widgets(page: str) -> None:
    """On another page than before: have the address say what the widgets hold; before they are drawn.

    A link has the values of when it was drawn, and a widget's may be newer. What Back and Forward bring goes before
    what is set here.
    """
    before, st.session_state[_PAGE] = st.session_state.get(_PAGE, page), page
    if page != before:
        for key in state.IN_FRAME:
            if not _has(key):
                st.session_state[key] = state.held(key)


def came_plain() -> bool:
    """Whether the visit began at an address without parameters."""
    return bool(st.session_state.get(_PLAIN))


def refused() -> tuple[Problem, ...]:
    """What the address asked for and the widgets dropped without a word; told until the config is changed."""
    asked = st.session_state[_ASKED]
    if asked:
        st.session_state[_ASKED] = {}
        dropped = tuple(problem for field, text in asked.items() for problem in _dropped(field, text))
        st.session_state[_REFUSED] = (*dropped, *st.session_state.pop(_REFUSED_PINS, ()))
    told: tuple[Problem, ...] = st.session_state.get(_REFUSED, ())
    return () if history.can_undo() else told


def _dropped(field: str, asked: str) -> tuple[Problem, ...]:
    if field in (state.SETTINGS, state.STEP, PIN):
        return ()
    if field in appearance.PARAMETERS:
        return appearance.problems(field, asked)
    if field not in (*state.BOUND, state.RESERVE):
        near = get_close_matches(field[:40], (*state.BOUND, state.RESERVE, *appearance.PARAMETERS), n=1, cutoff=0.8)
        return (Problem(near[0], asked, f"{field[:40]} is no field; did you mean {near[0]}?"),) if near else ()
    if _means(field, asked):
        return ()
    if field in state.BOUND:
        try:
            _field_value(field, asked)
        except ConfigError as error:
            return tuple(problem for problem in error.problems if problem.field == field)
    return (Problem(field, asked, f"{field}={asked[:40]} cannot be used here"),)


def _has(key: str) -> bool:
    """Whether the address has what the widget holds; a link brings the newest first."""
    texts = st.query_params.get_all(key)
    return _means(key, texts[0]) if texts else state.held(key) == state.default_of(key)


def _means(key: str, text: str) -> bool:
    """Whether a text of the address is what the widget holds."""
    value = state.held(key)
    if text == str(value) or key not in state.BOUND:
        return text == str(value)
    with suppress(ConfigError):
        return bool(_field_value(key, text) == value)
    return False


def _is_number_to_streamlit_only(text: str) -> bool:
    """Infinite, of which st.number_input ends in an OverflowError (1.67), or not in our digits: int('٣') is 3."""
    try:
        infinite = isinf(float(text))
    except ValueError:
        return False
    return infinite or not NUMBER.fullmatch(text.strip().removeprefix("-"))


def _field_value(field: str, text: str) -> Any:
    model, run = apply_settings(ModelConfig(), RunConfig(), [f"{field}={text}"])
    return getattr(model if field in state.SLIDERS else run, field)
