"""What a slider shows while it is dragged, told by a small browser part without a face."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

from llm_explorer.ui import live

KEY: Final = "drag_of_a_slider"
_DONE: Final = "drag_done"


@st.cache_resource(max_entries=1, show_spinner=False)
def _part() -> Any:
    code = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return st.components.v2.component("llm_explorer_drag", js=code, isolate_styles=False)


def listen(options: Mapping[str, Sequence[Any]]) -> None:
    """Have the browser tell of drags; ``options`` are the values of each field's slider, in their order."""
    if live.is_on():
        # the message goes back, or the browser would not learn that it was heard and wait before it tells the next
        data = {"options": {field: list(values) for field, values in options.items()}, "heard": _message()}
        _part()(key=KEY, data=data, default={"drag": None}, on_drag_change=lambda: None)


def dragged() -> tuple[str, Any] | None:
    """The field whose slider is being dragged and its value there; None when none is."""
    message = _message()
    if message is None or message.get("number", 0) <= st.session_state.get(_DONE, 0):
        return None
    return message["field"], message["value"]


def finish() -> None:
    """A field got its value for good: what was told of the drag before is over; from a callback."""
    message = _message()
    if message is not None:
        st.session_state[_DONE] = message.get("number", 0)


def _message() -> dict[str, Any] | None:
    """What the browser told last, where it has the form that ours tells: a stranger may send anything."""
    message = (st.session_state.get(KEY) or {}).get("drag")
    if not isinstance(message, dict) or not isinstance(message.get("number"), int | float):
        return None
    known = isinstance(message.get("field"), str) and isinstance(message.get("value"), int | float)
    return dict(message) if known else None
