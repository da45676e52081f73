"""A few lines over one axis, told apart by colour, dash and marker."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go

from llm_explorer.charts import traces
from llm_explorer.charts.layout import LEGEND, TITLE_AND_LEGEND, titled
from llm_explorer.charts.palette import CATEGORIES

HEIGHT: Final = 300
DASHES: Final = ("solid", "dash", "dot")
MARKERS: Final = ("circle", "diamond", "square")
MOST_MARKERS: Final = 25  # a longer line has none
MOST_TICKS: Final = 6  # of a log axis, all at powers of ten
MARK_COLOUR: Final = CATEGORIES["batch"]


class Line(NamedTuple):
    """A line; it may have fewer values than there are places."""

    name: str
    values: Sequence[float]
    colour: str


class Axis(NamedTuple):
    """An axis: its title (of y the chart's own title may tell), log or not (then values are above 0), its ends."""

    title: str = ""
    log: bool = False
    ends: tuple[float, float] | None = None


class Mark(NamedTuple):
    """A dotted line with a name, at a value of the axis "x" or "y"."""

    name: str
    axis: str
    value: float


def lines_chart(
    title: str, places: Sequence[float], lines: Sequence[Line], x: Axis, y: Axis, marks: Sequence[Mark] = ()
) -> go.Figure:
    """At most three lines over ``places``."""
    looks = zip(lines, DASHES, MARKERS, strict=False)
    layout = titled(title, HEIGHT, t=TITLE_AND_LEGEND) | {
        "showlegend": len(lines) > 1,
        "legend": LEGEND,
        "xaxis": _axis(x, places),
        "yaxis": _axis(y, [value for line in lines for value in line.values]),
        "shapes": [_shape(mark) for mark in marks],
    }
    return go.Figure([_trace(line, places, dash, marker) for line, dash, marker in looks], layout)


def _trace(line: Line, places: Sequence[float], dash: str, marker: str) -> dict[str, Any]:
    mode = "lines+markers" if len(line.values) <= MOST_MARKERS else "lines"
    look, some = {"color": line.colour, "dash": dash, "width": 2}, places[: len(line.values)]
    marks = {"symbol": marker, "size": 7}
    return traces.line(line.name, some, line.values, look, "%{x:.4g}: %{y:.4g}", mode=mode, marker=marks)


def _axis(axis: Axis, values: Sequence[float]) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": axis.title}, "automargin": True, "zeroline": False}
    if axis.log:
        decades = math.log10(max(values) / min(values))
        made |= {"type": "log", "exponentformat": "power", "dtick": max(1, math.ceil(decades / MOST_TICKS))}
    else:
        made["rangemode"] = "tozero"
    return made | ({"range": list(axis.ends)} if axis.ends else {})


def _shape(mark: Mark) -> dict[str, Any]:
    other = "y" if mark.axis == "x" else "x"
    ends = {f"{mark.axis}0": mark.value, f"{mark.axis}1": mark.value, f"{other}0": 0, f"{other}1": 1}
    # inside the chart: beside the top of an upright line, above the start of a level one
    place = ("end", "left", "top") if mark.axis == "x" else ("start", "left", "bottom")
    label = dict(zip(("textposition", "xanchor", "yanchor"), place, strict=True)) | {"text": mark.name, "textangle": 0}
    return {
        "type": "line",
        f"{other}ref": f"{other} domain",
        **ends,
        "line": {"color": MARK_COLOUR, "dash": "dot", "width": 1.5},
        "label": label,
    }
