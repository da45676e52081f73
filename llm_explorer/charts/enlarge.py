"""A figure for the projector: the same with larger words, in as much more room."""

import re
from typing import Any, Final

import plotly.graph_objects as go

FONT, TITLE_FONT, HOVER_FONT = 12, 13, 13  # what Streamlit's theme, ours and Plotly have where a figure says nothing
PIXELS: Final = ("size", "height", "thickness", "pad", "standoff", "xshift", "yshift", "ax", "ay")
EDGES: Final = ("l", "r", "t", "b")
AXIS: Final = re.compile(r"[xy]axis\d*")
ON_AXES: Final = ("bar", "scatter", "heatmap")


def enlarged(figure: go.Figure, factor: float) -> go.Figure:
    """The figure with every size in pixels times ``factor``: fonts, height, margins, marks; its width stays free."""
    told = figure.to_dict()
    layout = told["layout"]
    drawn = {trace["type"] for trace in told["data"]}
    if drawn & {*ON_AXES}:
        layout |= {axis: layout.get(axis, {}) for axis in ("xaxis", "yaxis")}
    for name in [name for name in layout if AXIS.fullmatch(name)]:
        layout[name] = _with_fonts(layout[name])
    layout["font"] = {"size": FONT} | layout.get("font", {})
    layout["hoverlabel"] = {"font": {"size": HOVER_FONT}} | layout.get("hoverlabel", {})
    larger = _times(layout, factor)
    return go.Figure(_times(told["data"], factor), larger | {"height": round(larger["height"])})


def _with_fonts(axis: dict[str, Any]) -> dict[str, Any]:
    """An axis that says its fonts: those of a theme would go before the figure's."""
    title = axis.get("title", {})
    return axis | {
        "tickfont": {"size": FONT} | axis.get("tickfont", {}),
        "title": title | {"font": {"size": TITLE_FONT} | title.get("font", {})},
    }


def _times(part: Any, factor: float) -> Any:
    if isinstance(part, dict):
        sized = {name for name in part if name in PIXELS or (name in EDGES and isinstance(part[name], int | float))}
        return {
            name: _scaled(value, factor) if name in sized else _times(value, factor) for name, value in part.items()
        }
    if isinstance(part, list | tuple) and part and isinstance(part[0], dict):
        return [_times(each, factor) for each in part]
    return part


def _scaled(value: Any, factor: float) -> Any:
    """A size, or a list of sizes; what is neither, such as padding by edge, is looked into."""
    if isinstance(value, int | float):
        return value * factor
    if isinstance(value, list | tuple) and value and isinstance(value[0], int | float):
        return [each * factor for each in value]
    return _times(value, factor)
