"""The memory of one training step over its operations: what is alive, stacked, with the peak marked."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.axes import bytes_axis
from llm_explorer.charts.layout import LEGEND
from llm_explorer.charts.palette import CATEGORIES
from llm_explorer.charts.traces import area
from llm_explorer.tracing.result import Points
from llm_explorer.units import byte_size

HEIGHT: Final = 440
# what stays the same all step at the bottom, so that what changes is not lifted by what does not
ORDER: Final = ("parameters", "optimizer state", "batch", "gradients", "activations", "temporary")
HEADROOM: Final = 1.28  # over the peak: its words and the names of the phases
NARROWEST: Final = 0.12  # of the width: a phase's name needs as much


def timeline_chart(timeline: Points, peak: Sequence[str]) -> go.Figure:
    """Areas of a trace's ``timeline``; ``peak`` is what stands beside its highest point, line by line."""
    top = max(totals(timeline))
    layout = {
        "height": HEIGHT,
        "margin": {"l": 0, "r": 8, "t": 30, "b": 4},
        "hovermode": "x unified",
        "legend": LEGEND | {"y": -0.1, "yanchor": "top", "traceorder": "normal"},
        "xaxis": {
            "title": {"text": f"operations of one step: {timeline.operations:,}", "standoff": 6},
            "showgrid": False,
            "zeroline": False,
            "showticklabels": False,
            "range": [0, len(timeline.phase) - 1],
        },
        "yaxis": bytes_axis(top, HEADROOM),
        "shapes": list(_borders(timeline)),
        "annotations": [*_names(timeline), _peak(timeline, top, peak)],
    }
    used = [name for name in ORDER if any(timeline.categories[name])]
    return go.Figure([*(_area(timeline, name) for name in used), _what(timeline)], layout)


def totals(timeline: Points) -> list[int]:
    """Bytes alive at each point."""
    return [sum(sizes) for sizes in zip(*timeline.categories.values(), strict=True)]


def operation_name(operation: str) -> str:
    """'aten.addmm.default' -> 'addmm'."""
    return operation.removeprefix("aten.").removesuffix(".default")


def _area(timeline: Points, name: str) -> dict[str, Any]:
    line = {"width": 0, "shape": "hv"}
    return area(name, timeline.categories[name], CATEGORIES[name], stackgroup="alive", line=line)


def _what(timeline: Points) -> dict[str, Any]:
    """The line over all areas; it tells the sum, the operation and its part."""
    sums = totals(timeline)
    columns = zip(sums, timeline.phase, timeline.part, timeline.op, strict=True)
    words = [f"{byte_size(size)}: {phase}, {part}, {operation_name(op)}" for size, phase, part, op in columns]
    return {
        "type": "scatter",
        "name": "in all",
        "y": sums,
        "mode": "lines",
        "line": {"width": 1, "shape": "hv", "color": CATEGORIES["batch"]},
        "customdata": words,
        "hovertemplate": "%{customdata}<extra>in all</extra>",
        "showlegend": False,
    }


def _stretches(timeline: Points) -> Iterator[tuple[str, int, int]]:
    """Each phase with its first point and that after its last."""
    start = 0
    for phase, points in groupby(timeline.phase):
        end = start + len(list(points))
        yield phase, start, end
        start = end


def _borders(timeline: Points) -> Iterator[dict[str, Any]]:
    for _phase, start, _end in _stretches(timeline):
        if start:
            line = {"color": CATEGORIES["batch"], "dash": "dot", "width": 1}
            yield {"type": "line", "x0": start, "x1": start, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _names(timeline: Points) -> Iterator[dict[str, Any]]:
    """The names of the phases along the top, where there is room; the last phase's ends at the edge."""
    points = len(timeline.phase)
    for phase, start, end in _stretches(timeline):
        wide, last = end - start > NARROWEST * points, end == points
        if wide or last:
            place = {"x": start, "xanchor": "left"} if wide else {"x": end - 1, "xanchor": "right"}
            yield place | {"text": f"<b>{phase}</b>", "y": 1, "yref": "paper", "yanchor": "top", "showarrow": False}


def _peak(timeline: Points, top: int, words: Sequence[str]) -> dict[str, Any]:
    """On the side where there is more room."""
    at = timeline.peak_at
    left = at < len(timeline.phase) / 2
    return {
        "x": at,
        "y": top,
        "text": "<br>".join(words),
        "align": "left" if left else "right",
        "xanchor": "left" if left else "right",
        "ax": 24 if left else -24,
        "ay": -22,
        "arrowhead": 2,
        "arrowwidth": 1.5,
        "borderpad": 2,
    }
