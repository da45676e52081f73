"""Bars of an account: what each part is of the whole; and bars as several charts draw them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.layout import around
from llm_explorer.charts.palette import PAIR

BAR_HEIGHT: Final = 30
ROOM: Final = 116  # right of the longest bar, for its label
PATTERNS: Final = ("", "/")  # beside the colour: plain and hatched


def parts_of_whole(
    title: str, sums: Mapping[str, int], colours: Mapping[str, str], write: Callable[[float], str]
) -> go.Figure:
    """Bars of ``sums`` in their order from the top, each labelled with its size and its share.

    ``write`` formats a size; a part of no size is left out. The height is that of all parts, so that it never jumps.
    """
    parts = {name: size for name, size in sums.items() if size}
    whole = sum(parts.values()) or 1
    labels = [f"{write(size)} · {100 * size / whole:.1f}%" for size in parts.values()]
    colour, hover = [colours[name] for name in parts], "%{y}: %{text}<extra></extra>"
    bars = horizontal(parts.values(), parts, colour, hover, text=labels, textposition="outside")
    layout = around(title, BAR_HEIGHT * max(len(colours), 1), r=ROOM) | {
        "showlegend": False,
        "bargap": 0.25,
        "xaxis": {"visible": False, "rangemode": "tozero"},  # no range of ours: a zoom would be lost with it
        "yaxis": {"autorange": "reversed", "ticks": "", "automargin": True},
    }
    return go.Figure([bars], layout)  # at once and from dicts: update_layout and go.Bar take three times as long


def horizontal(
    sizes: Iterable[float | None], places: Iterable[Any], colour: str | list[str], hover: str, **more: Any
) -> dict[str, Any]:
    """Bars from the left, whose words may stand beyond the chart's edge."""
    return {
        "type": "bar",
        "orientation": "h",
        "x": list(sizes),
        "y": list(places),
        "marker": {"color": colour},
        "hovertemplate": hover,
        "cliponaxis": False,
        **more,
    }


def side_by_side(
    groups: Mapping[str, Sequence[float]], hover: str, patterns: Sequence[str] = PATTERNS, **more: Any
) -> list[dict[str, Any]]:
    """Upright bars of at most two groups, told apart by colour and pattern."""
    return [
        {
            "type": "bar",
            "name": name,
            "y": list(values),
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "hovertemplate": f"{hover}<extra>{name}</extra>",
            **more,
        }
        for (name, values), colour, pattern in zip(groups.items(), PAIR, patterns, strict=False)
    ]
