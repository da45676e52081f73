"""The valid configs of a visit, newest last: what undo goes back to."""

from typing import Final

import streamlit as st

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats import Configs
from llm_explorer.ui.parts.live import drag
from llm_explorer.ui.visit import state

MOST: Final = 20
_HISTORY: Final = "history"


def remember(model: ModelConfig, run: RunConfig) -> None:
    """Keep a valid config for undo; what a slider passes while it is dragged is not kept."""
    if drag.dragged():
        return
    history = st.session_state.setdefault(_HISTORY, [])
    if not history or history[-1] != (model, run):
        history.append((model, run))
        del history[:-MOST]


def can_undo() -> bool:
    """Whether there is an earlier config."""
    return len(st.session_state.get(_HISTORY, ())) > 1


def undo(*, from_valid: bool = True) -> None:
    """Go back to the valid config before what is shown, which ``from_valid`` is the newest; from a callback."""
    history = st.session_state.get(_HISTORY, [])
    if from_valid and len(history) > 1:
        history.pop()
    if history:
        state.write(*history[-1])


def last_valid() -> Configs:
    """The newest config that was valid, the defaults where a visit has had none."""
    history = st.session_state.get(_HISTORY)
    return history[-1] if history else (ModelConfig(), RunConfig())
