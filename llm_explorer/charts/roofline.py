"""The roofline: how fast each operation runs over how much it computes for each byte it moves."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go

from llm_explorer.charts.axes import log_axis
from llm_explorer.charts.layout import LEGEND, titled
from llm_explorer.charts.palette import CATEGORIES, PARTS
from llm_explorer.units import flops

HEIGHT: Final = 480
SMALLEST, LARGEST = 7, 26  # pixels across a point: its area is its share of the time
SYMBOLS: Final = {"forward": "circle", "backward": "diamond", "optimizer": "square"}
ROOF_COLOUR: Final = CATEGORIES["batch"]
MARGIN: Final = 1.6  # as a factor, around what is drawn


class Point(NamedTuple):
    """An operation: where it stands, its share of the step's time, and what is told of it, line by line."""

    component: str
    phase: str
    intensity: float
    rate: float
    share: float
    has_products: bool
    told: str


class Roof(NamedTuple):
    """A device: FLOP/s at most, and bytes a second."""

    name: str
    peak_flops: float
    bandwidth_bytes_per_s: float

    @property
    def ridge(self) -> float:
        """FLOPs for each byte from which on arithmetic is the limit."""
        return self.peak_flops / self.bandwidth_bytes_per_s


def roofline_chart(points: Sequence[Point], roof: Roof) -> go.Figure:
    """Both axes in powers of ten; hollow points have no products and count one FLOP a value."""
    found = [(name, [each for each in points if each.component == name]) for name in PARTS]
    left, right = _ends([each.intensity for each in points] + [roof.ridge])
    low, high = _ends([each.rate for each in points] + [roof.peak_flops])
    layout = titled(f"Roofline of {roof.name}", HEIGHT, t=40) | {
        "legend": LEGEND | {"y": -0.2, "yanchor": "top", "itemsizing": "constant"},
        "xaxis": _axis("FLOPs for each byte moved", left, right, "{:g}".format),
        "yaxis": _axis("", low, high, _rate),
    }
    traces = [_roof(roof, left, right), *(_trace(name, some) for name, some in found if some)]
    return go.Figure(traces, layout)


def _roof(roof: Roof, left: float, right: float) -> dict[str, Any]:
    places = [left, roof.ridge, max(right, roof.ridge)]
    told = f"{roof.name}: {flops(roof.peak_flops)}/s, ridge at {roof.ridge:.3g} FLOPs for each byte"
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "the roof",
        "x": places,
        "y": [min(roof.peak_flops, place * roof.bandwidth_bytes_per_s) for place in places],
        "line": {"color": ROOF_COLOUR, "width": 2.5},
        "hovertemplate": told + "<extra></extra>",
    }


def _trace(name: str, points: Sequence[Point]) -> dict[str, Any]:
    symbols = [SYMBOLS[each.phase] + ("" if each.has_products else "-open") for each in points]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [each.intensity for each in points],
        "y": [each.rate for each in points],
        "customdata": [each.told for each in points],
        "marker": {
            "color": PARTS[name],
            "symbol": symbols,
            "size": [SMALLEST + (LARGEST - SMALLEST) * math.sqrt(each.share) for each in points],
            "opacity": 0.85,
            "line": {"width": [1 if each.has_products else 2 for each in points], "color": PARTS[name]},
        },
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _axis(title: str, low: float, high: float, write: Callable[[float], str]) -> dict[str, Any]:
    """Ticks at powers of ten."""
    ticks = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    near = {"title": {"text": title, "standoff": 8}}
    return log_axis(title, ticks, write) | near | {"range": [math.log10(low), math.log10(high)]}


def _rate(value: float) -> str:
    return f"{flops(value)}/s".replace(".0 ", " ")


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / MARGIN, max(values) * MARGIN
