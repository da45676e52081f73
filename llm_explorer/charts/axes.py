"""Axes that several charts have."""

from typing import Any, Final

from llm_explorer.units import byte_size

TICKS: Final = 4  # at least so many steps up to the top


def bytes_axis(top: float, headroom: float = 1.05) -> dict[str, Any]:
    """An axis of bytes from 0, with ticks at powers of two, which are round in MiB and GiB.

    It cannot be zoomed: the ticks would stay where they are.
    """
    step = 1 << max(0, (int(top) // TICKS).bit_length() - 1)
    ticks = list(range(0, int(top) + 1, step))
    return {
        "range": [0, headroom * top],
        "fixedrange": True,
        "tickvals": ticks,
        "ticktext": [byte_size(tick) for tick in ticks],
        "zeroline": False,
        "automargin": True,
    }
