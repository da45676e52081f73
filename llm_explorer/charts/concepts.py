"""Pictures of small tensors: vectors, rows of vectors, attention patterns, a histogram."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.axes import PLAIN, named
from llm_explorer.charts.bars import horizontal, side_by_side
from llm_explorer.charts.heatmaps import GAPS, Rows, heatmap, on_cells
from llm_explorer.charts.layout import LEGEND, titled
from llm_explorer.charts.palette import PAIR

HEIGHT: Final = 250
MOST_SIGNS: Final = 64  # columns: more would not be read


def vectors(title: str, rows: Rows, labels: Sequence[str], *, across: str) -> go.Figure:
    """One row of cells a vector: blue + above zero, orange - below it, the stronger the larger within its row.

    A row may end early in None. ``across`` says what the columns are.
    """
    told = [[[label, value] for value in row] for label, row in zip(labels, rows, strict=True)]
    hover = "%{customdata[0]}, %{x}: %{customdata[1]:.4f}<extra></extra>"
    cells = heatmap([_scaled(row) for row in rows], -1, 1, hover, customdata=told, **GAPS)
    down = named(labels) | {"autorange": "reversed", "automargin": True}
    traces = [cells, on_cells(rows, _sign)] if len(rows[0]) <= MOST_SIGNS else [cells]
    return go.Figure(traces, _layout(title, xaxis=_axis(across), yaxis=down | PLAIN))


def bars(title: str, groups: Mapping[str, Sequence[float]], *, across: str) -> go.Figure:
    """Bars side by side, at most two groups."""
    traces = side_by_side(groups, "%{x}: %{y:.4f}")
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
    words = {"text": [f"{share:.2%}" for share in shares], "textposition": "outside", "customdata": list(labels)}
    bar = horizontal(shares, range(len(labels)), PAIR[0], "%{customdata}: %{x:.4%}<extra></extra>", **words)
    across = {"visible": False, "range": [0, 1.2 * max(shares)]}
    down = named(labels) | {"autorange": "reversed", "automargin": True}
    return go.Figure([bar], _layout(title, xaxis=across, yaxis=down | PLAIN))


def attention(title: str, patterns: Sequence[Rows]) -> go.Figure:
    """One square a head, side by side: row i is what token i looks at."""
    count = len(patterns)
    traces, axes = [], {}
    for number, pattern in enumerate(patterns):
        name = str(number + 1)
        traces.append(_pattern(pattern, name))
        left, right = (number + 0.04) / count, (number + 0.96) / count
        axes[f"xaxis{name}"] = {"domain": [left, right], **_axis(f"head {name}")}
        down = {"anchor": f"x{name}", "autorange": "reversed", "visible": number == 0}
        axes[f"yaxis{name}"] = down | _axis("token")
    return go.Figure(traces, _layout(title, **axes))


def _pattern(pattern: Rows, name: str) -> dict[str, Any]:
    hover = "token %{y} looks at token %{x}: %{z:.1%}<extra>head " + name + "</extra>"
    return heatmap(pattern, 0, 1, hover, xaxis=f"x{name}", yaxis=f"y{name}", xgap=1, ygap=1)


def _scaled(row: Sequence[float | None]) -> list[float | None]:
    largest = max(abs(value or 0) for value in row) or 1.0
    return [None if value is None else value / largest for value in row]


def _sign(value: float) -> str:
    return "+" if value > 0 else "−" if value else ""


def _axis(title: str) -> dict[str, Any]:
    return {"title": {"text": title}, "automargin": True, **PLAIN}


def _layout(title: str, **more: Any) -> dict[str, Any]:
    return titled(title, HEIGHT, t=40) | {"showlegend": False} | more
