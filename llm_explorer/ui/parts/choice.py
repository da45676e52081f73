"""One of some options, told by its name."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

_Name = TypeVar("_Name")


def choose(label: str, options: Mapping[_Name, str] | Sequence[_Name], first: _Name, *, key: str, **look: Any) -> _Name:
    """The name that is chosen, at first ``first``, kept for the visit; words and order are only what is shown.

    ``options`` are names with their words, or names that are shown as they are.
    """
    words = options.__getitem__ if isinstance(options, Mapping) else str
    kept: dict[str, Any] = {"key": key, "format_func": words, **look}
    chosen: _Name | None = st.segmented_control(
        label, list(options), default=first, required=True, persist_state="session", **kept
    )
    return first if chosen is None else chosen  # where a message, which a stranger may make up, held none
