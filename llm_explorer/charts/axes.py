"""Axes that several charts have."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from llm_explorer.units import byte_size

TICKS: Final = 4  # at least so many steps up to the top
PLAIN: Final = {"ticks": "", "showgrid": False, "zeroline": False}


def bytes_axis(top: float, headroom: float = 1.05) -> dict[str, Any]:
    """An axis of bytes from 0, with ticks at powers of two, which are round in MiB and GiB.

    It cannot be zoomed: the ticks would stay where they are.
    """
    step = 1 << max(0, (int(top) // TICKS).bit_length() - 1)
    return _ticked(range(0, int(top) + 1, step), byte_size) | {"range": [0, headroom * top], "fixedrange": True}


def log_axis(title: str, ticks: Sequence[float], write: Callable[[Any], str]) -> dict[str, Any]:
    """A logarithmic axis with these ticks: plotly's own words are of powers of ten, and end at 10^12."""
    return _ticked(ticks, write) | {"type": "log", "title": {"text": title}}


def named(names: Sequence[str]) -> dict[str, Any]:
    """Ticks with these names at 0, 1, 2 and so on: of names as places plotly would join those that are the same."""
    return {"tickvals": list(range(len(names))), "ticktext": list(names)}


def _ticked(ticks: Sequence[float], write: Callable[[Any], str]) -> dict[str, Any]:
    words = {"tickvals": list(ticks), "ticktext": [write(tick) for tick in ticks]}
    return words | {"zeroline": False, "automargin": True}
