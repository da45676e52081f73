"""Buttons that change the config, and problems with the buttons that mend them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import streamlit as st

from llm_explorer.config import Problem
from llm_explorer.ui.parts import plain
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


def row(changes: Iterable[tuple[str, Mapping[str, object]]], key: str) -> None:
    """A row of buttons, each of which makes some changes to the config."""
    with st.container(horizontal=True):
        for number, (label, fields) in enumerate(changes):
            button(label, state.change, (dict(fields),), key=f"{key}_{number}")


def button(label: str, change: Callable[..., None], args: tuple[object, ...], **look: Any) -> None:
    """A button below the frame that changes the config: the frame, whose widgets hold it, is drawn anew too."""
    if st.button(label, **look):
        state.change_before_next_run(change, args)
        st.rerun()
