"""The playground of the lesson on tensors: what is typed goes to the worker as text, and comes back as numbers."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from llm_explorer.charts.grids import extent, tensor_board
from llm_explorer.texts import tensors as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.tensors.containers import COLUMN, code, facts, guessed, refused
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

MOST_CHARACTERS: Final = 400
SIZE: Final = (13.0, 6.2)
EXAMPLE: Final = "[[1, 2, 3], [4, 5, 6]]"
OPERATIONS: Final = (
    ".T",
    ".mT",
    ".reshape(shape)",
    ".view(shape)",
    ".contiguous()",
    ".to(torch.float32)",
    ".to(torch.int64)",
    " @ b",
    " + b",
    " * b",
    ".sum(0)",
)


def playground(_page: Page) -> None:
    """A typed tensor, picked operations, one result a step."""
    st.markdown(texts.PLAY_INTRO)
    if not guessed("play", texts.PLAY_GUESS):
        return
    left, right = appearance.two(COLUMN)
    with left:
        typed = _inputs()
    played = lesson.ask("tensors.playground", "play", **typed)
    with right:
        for state in played["states"]:
            _state(state)
        if played["problem"]:
            st.warning(parts.plain(played["problem"]), icon=":material/info:")
        if played["refusal"]:
            refused(played["refusal"])
    with left:
        if played["states"]:
            _picture(played["states"][-1])
    code("tensors.playground", "play")


def _inputs() -> dict[str, Any]:
    x = st.text_input(
        "x = torch.tensor(...)", EXAMPLE, key="tensors_x", persist_state="session", max_chars=MOST_CHARACTERS
    )
    picked = st.multiselect(
        "Operations, in this order",
        OPERATIONS,
        [".T", ".reshape(shape)"],
        key="tensors_operations",
        persist_state="session",
    )
    with st.container(horizontal=True):
        shape = st.text_input("shape", "6", key="tensors_new_shape", persist_state="session", max_chars=40)
        b = st.text_input(
            "b = torch.tensor(...)", "[10, 20]", key="tensors_b", persist_state="session", max_chars=MOST_CHARACTERS
        )
    return {"a": x, "b": b, "shape": shape, "operations": picked}


def _state(state: Mapping[str, Any]) -> None:
    told = {True: "  # a new strip", False: "  # the same strip", None: ""}[state["copied"]]
    st.code(state["code"] + told)
    facts(state)


def _picture(state: Mapping[str, Any]) -> None:
    columns, rows = extent(state["shape"])
    if rows <= SIZE[1]:
        figure = tensor_board("x", state["values"], state["shape"], (max(columns, SIZE[0]), SIZE[1]))
        parts.chart(figure, key="tensors_played", alt=f"x = {state['values']}")
    else:
        st.code(str(state["values"]), language=None, wrap_lines=True)
