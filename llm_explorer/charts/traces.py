"""What several charts draw: lines, lines with gaps, areas of bytes."""

from collections.abc import Sequence
from typing import Any

from llm_explorer.units import byte_size

Point = tuple[float, float]


def line(
    name: str, places: Sequence[float], values: Sequence[float | None], look: dict[str, Any], hover: str, **more: Any
) -> dict[str, Any]:
    """A line of a ``look`` (color, dash, width); ``hover`` is told of each point beside the name."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(places),
        "y": list(values),
        "line": look,
        "hovertemplate": f"{hover}<extra>{name}</extra>",
        **more,
    }


def area(name: str, sizes: Sequence[int], colour: str, **more: Any) -> dict[str, Any]:
    """Bytes as an area, on those of the same ``stackgroup``."""
    return {
        "type": "scatter",
        "name": name,
        "y": list(sizes),
        "mode": "lines",
        "line": {"width": 0},
        "fillcolor": colour,
        "customdata": [byte_size(size) for size in sizes],
        "hovertemplate": f"%{{customdata}}<extra>{name}</extra>",
        **more,
    }


def segments(ends: Sequence[tuple[Point, Point]], look: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Many straight lines of one look as one line with gaps, of which nothing is told."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [x for (x0, _y0), (x1, _y1) in ends for x in (x0, x1, None)],
        "y": [y for (_x0, y0), (_x1, y1) in ends for y in (y0, y1, None)],
        "line": look,
        "hoverinfo": "skip",
        **more,
    }
