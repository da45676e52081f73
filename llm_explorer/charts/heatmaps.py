"""Numbers as cells, each the stronger the larger it is."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from llm_explorer.charts.palette import ONE_SIGN, TWO_SIGNS

GAPS: Final = {"hoverongaps": False, "xgap": 1, "ygap": 1}  # cells that stand apart, some of them empty

Rows = Sequence[Sequence[float | None]]


def heatmap(rows: Rows, low: float, high: float, hover: str, **more: Any) -> dict[str, Any]:
    """Rows from the top, of values from ``low`` to ``high``: blue above zero, orange below it; None has no cell."""
    return {
        "type": "heatmap",
        "z": [list(row) for row in rows],
        "zmin": low,
        "zmax": high,
        "colorscale": TWO_SIGNS if low < 0 else ONE_SIGN,
        "showscale": False,
        "hovertemplate": hover,
        **more,
    }


def on_cells(rows: Rows, write: Callable[[float], str]) -> dict[str, Any]:
    """Words on the cells in the theme's own text colour: a heat map's own text is made for a white background."""
    cells = [(x, y, value) for y, row in enumerate(rows) for x, value in enumerate(row) if value is not None]
    words = [(x, y, text) for x, y, value in cells if (text := write(value))]
    return {
        "type": "scatter",
        "mode": "text",
        "x": [x for x, _y, _text in words],
        "y": [y for _x, y, _text in words],
        "text": [text for _x, _y, text in words],
        "hoverinfo": "skip",  # the cell has it
    }
