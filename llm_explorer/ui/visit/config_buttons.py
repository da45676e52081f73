"""Buttons that change the config, and problems with the buttons that mend them."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.fit import Way
from llm_explorer.config import Problem
from llm_explorer.ui.parts import plain
from llm_explorer.ui.parts.words import change_words
from llm_explorer.ui.visit import state


def problem_with_fixes(problem: Problem, number: int) -> None:
    """What is wrong, the ``number``-th on the page, and a button for each change that mends it."""
    with st.container(border=True):
        st.markdown(f":material/error: :red[**{plain(problem.message)}**]")
        with st.container(horizontal=True):
            for field, value in problem.fixes:
                key = f"fix_{number}_{field}_{value}"
                button(f"Use {field}={value}", state.change, ({field: value},), key=key)
            if state.is_setting(problem):
                key = f"remove_{number}"
                button("Remove it from the other settings", state.remove_setting, (problem,), key=key)


def ways(found: Iterable[Way], key: str) -> None:
    """A row of buttons, a way to fit each, with the peak that it leads to."""
    with st.container(horizontal=True):
        for number, way in enumerate(found):
            label = f"{change_words(way.changes)} · {units.byte_size(way.peak_bytes)}"
            button(label, state.change, (dict(way.changes),), key=f"{key}_{number}")


def button(label: str, change: Callable[..., None], args: tuple[object, ...], **look: Any) -> None:
    """A button below the frame that changes the config: the frame, whose widgets hold it, is drawn anew too."""
    if st.button(label, **look):
        state.change_before_next_run(change, args)
        st.rerun()
