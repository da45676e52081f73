"""A curve with the straight line that touches it, and the factors that make the line's slope."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from llm_explorer.charts.layout import titled
from llm_explorer.charts.palette import CATEGORIES

HEIGHT = 220
FACTORS_HEIGHT = 120
SMALLEST, LARGEST = 10, 46  # pixels of a factor's marker
TANGENT_SHARE = 0.22  # of the width, to each side of the point
CURVE, SLOPE = CATEGORIES["activations"], CATEGORIES["gradients"]


def curve_with_tangent(
    title: str, axes: tuple[str, str], curve: tuple[Sequence[float], Sequence[float]], at: tuple[float, float, float]
) -> go.Figure:
    """``axes`` names x and y, ``curve`` is (x, y), ``at`` the point and the slope there: (x, y, slope).

    The axes go by the curve alone, so that nothing but the line moves while the point does.
    """
    (x_name, y_name), (xs, ys), (x, y, slope) = axes, curve, at
    half = TANGENT_SHARE * (max(xs) - min(xs))
    hover = f"{x_name} = %{{x:.3g}}<br>{y_name} = %{{y:.4g}}"
    tangent = ([x - half, x + half], [y - slope * half, y + slope * half])
    traces: list[dict[str, Any]] = [
        {"mode": "lines", "x": list(xs), "y": list(ys), "line": {"color": CURVE, "width": 3}},
        {"mode": "lines", "x": tangent[0], "y": tangent[1], "line": {"color": SLOPE, "width": 3, "dash": "dash"}},
        {"mode": "markers", "x": [x], "y": [y], "marker": {"color": SLOPE, "size": 13}},
    ]
    names = ("curve", f"tangent, slope {slope:.4f}", f"here, slope {slope:.4f}")
    named = [
        trace | {"type": "scatter", "name": name, "hovertemplate": f"{hover}<extra>{name}</extra>"}
        for trace, name in zip(traces, names, strict=True)
    ]
    layout = titled(title, HEIGHT, l=52, b=40) | {
        "showlegend": False,
        "xaxis": {"title": {"text": x_name}, "range": room(xs)},
        "yaxis": {"title": {"text": y_name}, "range": room(ys)},
    }
    return go.Figure(named, layout)


def factor_chain(factors: Mapping[str, float], product: tuple[str, float]) -> go.Figure:
    """The factors side by side with their product: size by magnitude (a hundred times is 18 pixels), up is positive."""
    names, values = [*factors, product[0]], [*factors.values(), product[1]]
    signs = ["×"] * (len(factors) - 1) + ["="]
    places = list(range(len(names)))
    text = {"type": "scatter", "mode": "text", "textfont": {"size": 15}, "hoverinfo": "skip"}
    markers = {
        "type": "scatter",
        "mode": "markers",
        "x": places,
        "y": [0] * len(places),
        "marker": {
            "size": [marker_size(value) for value in values],
            "symbol": [marker_symbol(value) for value in values],
            "color": [CURVE] * len(factors) + [SLOPE],
            "opacity": 1,  # with sizes of their own, markers are otherwise half transparent
        },
        "customdata": [[name, value] for name, value in zip(names, values, strict=True)],
        "hovertemplate": "%{customdata[0]} = %{customdata[1]:.6g}<extra></extra>",
    }
    labels = [text | {"x": places, "y": [1] * len(places), "text": names}]
    labels.append(text | {"x": places, "y": [-1] * len(places), "text": [f"<b>{value:.4f}</b>" for value in values]})
    labels.append(text | {"x": [place + 0.5 for place in places[:-1]], "y": [0] * len(signs), "text": signs})
    layout = {
        "height": FACTORS_HEIGHT,
        "margin": {"l": 0, "r": 0, "t": 4, "b": 4},
        "showlegend": False,
        "xaxis": {"visible": False, "range": [-0.5, len(places) - 0.5], "fixedrange": True},
        "yaxis": {"visible": False, "range": [-1.5, 1.5], "fixedrange": True},
    }
    return go.Figure([markers, *labels], layout)


def room(values: Sequence[float]) -> list[float]:
    """The range of an axis: that of the values and a little more on both sides."""
    low, high = min(values), max(values)
    more = 0.08 * (high - low) or 1.0
    return [low - more, high + more]


def marker_size(value: float) -> float:
    """Pixels for a magnitude: 9 more for each power of ten, from a thousandth up."""
    size = SMALLEST + 9 * (math.log10(abs(value)) + 3) if value else SMALLEST
    return min(max(size, SMALLEST), LARGEST)


def marker_symbol(value: float) -> str:
    """Which way a factor points: its sign, told by more than colour."""
    return "triangle-up" if value > 0 else "triangle-down" if value < 0 else "circle-open"
