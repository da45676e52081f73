"""A network with one hidden layer: as a drawing of its connections, and as a map of all its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.axes import PLAIN, named
from llm_explorer.charts.heatmaps import GAPS, Rows, heatmap, on_cells
from llm_explorer.charts.layout import LEGEND, TITLE_AND_LEGEND, titled
from llm_explorer.charts.palette import CATEGORIES, PAIR
from llm_explorer.charts.traces import Point, segments

HEIGHT: Final = 250
DRAWING_HEIGHT: Final = 330
NODE_COLOUR: Final = CATEGORIES["batch"]
BIAS: Final = "b"
OUT: Final = "out"

Edge = tuple[Point, Point]


def network_drawing(title: str, rows: Rows) -> go.Figure:
    """Inputs, hidden neurons and the output with their connections: blue above zero, orange and dashed below.

    ``rows`` are those of a map: see ``network_map``.
    """
    neurons = rows[:-1]
    places = {
        "x": [(0.0, _height(i, len(neurons[0]) - 2)) for i in range(len(neurons[0]) - 2)],
        "h": [(1.0, _height(j, len(neurons))) for j in range(len(neurons))],
        "ŷ": [(2.0, 0.5)],
    }
    above, below = _connections(neurons, places)
    layout = titled(title, DRAWING_HEIGHT, t=TITLE_AND_LEGEND) | {
        "legend": LEGEND,
        "xaxis": {"visible": False, "range": [-0.25, 2.25]},
        "yaxis": {"visible": False, "range": [1.05, -0.05]},
    }
    looks = [{"color": colour, "dash": dash, "width": 1} for colour, dash in zip(PAIR, ("solid", "dash"), strict=True)]
    lines = segments(above, looks[0], name="weight above 0"), segments(below, looks[1], name="below 0")
    return go.Figure([*lines, _nodes(places)], layout)


def network_map(title: str, rows: Rows, largest: float) -> go.Figure:
    """Blue cells above zero, orange below, the stronger the nearer to ``largest``; each with its number.

    The rows are the hidden neurons and, last, the output; the columns a neuron's inputs, its bias, its outgoing
    weight. A place without a number is None; all places without numbers make a map of the same size.
    """
    across = [*(f"x{number}" for number in range(1, len(rows[0]) - 1)), BIAS, OUT]
    down = [*(f"neuron {number}" for number in range(1, len(rows))), "output"]
    names = [[f"{neuron}, {column}" for column in across] for neuron in down]
    cells = heatmap(rows, -largest, largest, "%{customdata}: %{z:.5f}<extra></extra>", customdata=names, **GAPS)
    layout = titled(title, HEIGHT) | {
        "showlegend": False,
        "xaxis": _axis(across),
        "yaxis": _axis(down) | {"autorange": False, "range": [len(down) - 0.5, -0.5]},
    }
    return go.Figure([cells, on_cells(rows, _short) | {"textfont": {"size": 11}}], layout)


def _height(number: int, count: int) -> float:
    return (number + 0.5) / count


def _connections(neurons: Rows, places: Mapping[str, Sequence[Point]]) -> tuple[list[Edge], list[Edge]]:
    """Those of weights above zero and those below."""
    weights = [
        (ends, value)
        for row, neuron in zip(neurons, places["h"], strict=True)
        for ends, value in (
            *(((place, neuron), value) for place, value in zip(places["x"], row, strict=False)),
            ((neuron, places["ŷ"][0]), row[-1]),
        )
        if value is not None
    ]
    return [ends for ends, value in weights if value >= 0], [ends for ends, value in weights if value < 0]


def _nodes(places: Mapping[str, Sequence[Point]]) -> dict[str, Any]:
    every = [(letter, number, place) for letter, row in places.items() for number, place in enumerate(row, 1)]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [x for _letter, _number, (x, _y) in every],
        "y": [y for _letter, _number, (_x, y) in every],
        "text": [letter if letter == "ŷ" else f"{letter}{number}" for letter, number, _place in every],
        "textposition": [_SIDES[letter] for letter, _number, _place in every],
        "marker": {"size": 14, "color": NODE_COLOUR},
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }


_SIDES: Final = {"x": "middle left", "h": "top center", "ŷ": "middle right"}


def _short(value: float) -> str:
    """0.314 -> '.31', -0.02 -> '−.02', 0 -> '0', 0.0004 -> '~0': only a true zero is written 0."""
    if value == 0:
        return "0"
    text = f"{abs(value):.2f}".removeprefix("0")
    return "~0" if text == ".00" else f"{'−' if value < 0 else ''}{text}"


def _axis(labels: Sequence[str]) -> dict[str, Any]:
    return {**named(labels), **PLAIN, "automargin": True, "range": [-0.5, len(labels) - 0.5]}
