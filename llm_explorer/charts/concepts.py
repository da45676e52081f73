"""Pictures of small tensors: vectors, rows of vectors, attention patterns, a histogram."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.layout import LEGEND, titled
from llm_explorer.charts.palette import ONE_SIGN, PAIR, TWO_SIGNS

HEIGHT: Final = 250
MOST_SIGNS: Final = 64  # columns: more would not be read
PATTERNS: Final = ("", "/")  # beside the colour: plain and hatched bars

Rows = Sequence[Sequence[float | None]]


def vectors(title: str, rows: Rows, labels: Sequence[str], *, across: str) -> go.Figure:
    """One row of cells a vector: blue + above zero, orange - below it, the stronger the larger within its row.

    A row may end early in None. ``across`` says what the columns are.
    """
    cells = {
        "type": "heatmap",
        "z": [_scaled(row) for row in rows],
        "zmin": -1,
        "zmax": 1,
        "colorscale": TWO_SIGNS,
        "showscale": False,
        "customdata": [[[label, value] for value in row] for label, row in zip(labels, rows, strict=True)],
        "hovertemplate": "%{customdata[0]}, %{x}: %{customdata[1]:.4f}<extra></extra>",
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
    }
    # numbers as places and words as ticks: plotly would join rows of the same name
    down = {"autorange": "reversed", "tickvals": list(range(len(labels))), "ticktext": list(labels), "automargin": True}
    traces = [cells, _signs(rows)] if len(rows[0]) <= MOST_SIGNS else [cells]
    return go.Figure(traces, _layout(title, xaxis=_axis(across), yaxis=down | _PLAIN))


def bars(title: str, groups: Mapping[str, Sequence[float]], *, across: str) -> go.Figure:
    """Bars side by side, at most two groups."""
    traces = [
        {
            "type": "bar",
            "name": name,
            "y": list(values),
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "hovertemplate": "%{x}: %{y:.4f}<extra>" + name + "</extra>",
        }
        for (name, values), colour, pattern in zip(groups.items(), PAIR, PATTERNS, strict=False)
    ]
    legend = LEGEND | {"x": 1, "xanchor": "right"}
    return go.Figure(traces, _layout(title, xaxis=_axis(across), legend=legend, showlegend=len(groups) > 1))


def histogram(title: str, middles: Sequence[float], heights: Sequence[float], *, across: str) -> go.Figure:
    """How many values lie around each of ``middles``."""
    counted = {
        "type": "bar",
        "x": list(middles),
        "y": list(heights),
        "marker": {"color": PAIR[0]},
        "hovertemplate": "around %{x:.3f}: %{y:,} values<extra></extra>",
    }
    return go.Figure([counted], _layout(title, xaxis=_axis(across), bargap=0.1))


def likelihoods(title: str, labels: Sequence[str], shares: Sequence[float]) -> go.Figure:
    """Horizontal bars from the top, each with its share in percent."""
    bar = {
        "type": "bar",
        "orientation": "h",
        "x": list(shares),
        "y": list(range(len(labels))),
        "text": [f"{share:.2%}" for share in shares],
        "textposition": "outside",
        "customdata": list(labels),
        "hovertemplate": "%{customdata}: %{x:.4%}<extra></extra>",
        "marker": {"color": PAIR[0]},
        "cliponaxis": False,
    }
    across = {"visible": False, "range": [0, 1.2 * max(shares)]}
    down = {"autorange": "reversed", "tickvals": list(range(len(labels))), "ticktext": list(labels), "automargin": True}
    return go.Figure([bar], _layout(title, xaxis=across, yaxis=down | _PLAIN))


def attention(title: str, patterns: Sequence[Rows]) -> go.Figure:
    """One square a head, side by side: row i is what token i looks at."""
    count = len(patterns)
    traces, axes = [], {}
    for number, pattern in enumerate(patterns):
        name = str(number + 1)
        traces.append(_pattern(pattern, name))
        left, right = (number + 0.04) / count, (number + 0.96) / count
        axes[f"xaxis{name}"] = {"domain": [left, right], **_axis(f"head {name}")}
        axes[f"yaxis{name}"] = {
            "anchor": f"x{name}",
            "autorange": "reversed",
            "visible": number == 0,
            **_axis("token"),
        }
    return go.Figure(traces, _layout(title, **axes))


def _pattern(pattern: Rows, name: str) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": [list(row) for row in pattern],
        "zmin": 0,
        "zmax": 1,
        "colorscale": ONE_SIGN,
        "showscale": False,
        "xaxis": f"x{name}",
        "yaxis": f"y{name}",
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "token %{y} looks at token %{x}: %{z:.1%}<extra>head " + name + "</extra>",
    }


_PLAIN: Final = {"ticks": "", "showgrid": False, "zeroline": False}


def _scaled(row: Sequence[float | None]) -> list[float | None]:
    largest = max(abs(value or 0) for value in row) or 1.0
    return [None if value is None else value / largest for value in row]


def _signs(rows: Rows) -> dict[str, Any]:
    """+ or - on each cell, in the theme's own text colour: a heat map's text is made for a white background only."""
    places = [(across, down, value) for down, row in enumerate(rows) for across, value in enumerate(row) if value]
    return {
        "type": "scatter",
        "mode": "text",
        "x": [across for across, _down, _value in places],
        "y": [down for _across, down, _value in places],
        "text": ["+" if value > 0 else "−" for _across, _down, value in places],
        "hoverinfo": "skip",  # the cell below has it
    }


def _axis(title: str) -> dict[str, Any]:
    return {"title": {"text": title}, "automargin": True, **_PLAIN}


def _layout(title: str, **more: Any) -> dict[str, Any]:
    return titled(title, HEIGHT, t=40) | {"showlegend": False} | more
