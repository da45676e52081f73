"""What a slider shows while it is dragged, told by a small browser part without a face."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from llm_explorer.ui.parts import live
from llm_explorer.ui.streamlit_private import selectors

KEY: Final = "drag_of_a_slider"


def listen(options: Mapping[str, Sequence[Any]], key: str = KEY) -> None:
    """Have the browser tell of drags; ``options`` are the values of each field's slider, in their order.

    The slider of a field has the key ``<field>__slider``. A page with sliders of its own listens with a key of its own.
    """
    if live.is_on():
        # the message goes back, or the browser would not learn that it was heard and wait before it tells the next
        data = {
            "options": {field: list(values) for field, values in options.items()},
            "heard": _message(key),
            "slider": selectors.SLIDER,
        }
        live.part("drag")(key=key, data=data, default={"drag": None}, on_drag_change=lambda: None)


def dragged(key: str = KEY) -> tuple[str, Any] | None:
    """The field whose slider is being dragged and its value there; None when none is."""
    message = _message(key)
    if message is None or message["number"] <= st.session_state.get(f"{key}_done", 0):
        return None
    return message["field"], message["value"]


def finish(key: str = KEY) -> None:
    """A field got its value for good: what was told of the drag before is over; from a callback."""
    message = _message(key)
    if message is not None:
        st.session_state[f"{key}_done"] = message["number"]


def _message(key: str) -> dict[str, Any] | None:
    """What the browser told last, where it has the form that ours tells: a stranger may send anything."""
    message = (st.session_state.get(key) or {}).get("drag")
    if not isinstance(message, dict) or not isinstance(message.get("number"), int | float):
        return None
    known = isinstance(message.get("field"), str) and isinstance(message.get("value"), int | float)
    return dict(message) if known else None
