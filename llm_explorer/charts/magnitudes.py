"""Quantities so different that only their powers of ten can be drawn."""

import math
from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go

from llm_explorer.charts.bars import horizontal
from llm_explorer.charts.layout import titled
from llm_explorer.charts.palette import PAIR
from llm_explorer.charts.traces import line

BAR_HEIGHT = 44
ERRORS_HEIGHT = 340
SYMBOLS = ("circle", "diamond")


def magnitude_bars(title: str, sizes: Mapping[str, float], write: Callable[[float], str]) -> go.Figure:
    """Bars on a logarithmic axis that starts a power of ten below the smallest; sizes are above 0."""
    powers = [math.log10(size) for size in sizes.values()]
    start = math.floor(min(powers)) - 1
    words, colours = [write(size) for size in sizes.values()], [PAIR[row % 2] for row in range(len(sizes))]
    hover = "%{y}: %{text}<extra></extra>"
    bars = horizontal(sizes.values(), sizes, colours, hover, text=words, textposition="outside")
    layout = titled(title, 70 + BAR_HEIGHT * len(sizes)) | {
        "showlegend": False,
        "xaxis": {
            "type": "log",
            "range": [start, start + 1.4 * (max(powers) - start)],
            "exponentformat": "power",
            "nticks": 8,
            "automargin": True,
        },
        "yaxis": {"autorange": "reversed", "automargin": True},
    }
    return go.Figure([bars], layout)


def error_curves(title: str, steps: Sequence[float], errors: Mapping[str, Sequence[float]]) -> go.Figure:
    """Errors over the step h, both logarithmic, a line for each of two ways; an error of 0 has no place there."""
    lines = [
        line(
            name,
            steps,
            [value or None for value in values],
            {"color": colour, "width": 2},
            "h = %{x:.1e}<br>error %{y:.2e}",
            mode="lines+markers",
            marker={"symbol": symbol, "size": 7},
        )
        for (name, values), colour, symbol in zip(errors.items(), PAIR, SYMBOLS, strict=True)
    ]
    power = {"type": "log", "exponentformat": "power"}
    layout = titled(title, ERRORS_HEIGHT, l=64, b=44) | {
        "legend": {"orientation": "h", "y": 1.0, "x": 1.0, "xanchor": "right", "yanchor": "bottom"},
        "xaxis": power | {"title": {"text": "step h"}, "nticks": 9},
        "yaxis": power | {"title": {"text": "error of the slope"}, "nticks": 7},
    }
    return go.Figure(lines, layout)
