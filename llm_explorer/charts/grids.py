"""Grids of numbers: every cell a square with its number in it, drawn side by side on one board."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go

from llm_explorer.charts.layout import around
from llm_explorer.charts.palette import CATEGORIES, glass

CELL: Final = 38  # pixels of a cell where the page is wide enough
GAP: Final = 0.08  # of a cell, between two
MIDDLE: Final = (1 - GAP) / 2  # of a cell, from its corner
GREY: Final = CATEGORIES["batch"]
BLUE: Final = CATEGORIES["parameters"]
GROUPS: Final = (BLUE, CATEGORIES["gradients"], CATEGORIES["activations"], CATEGORIES["optimizer state"])


class Cell(NamedTuple):
    """One number at a place on the board, in cells from the upper left; a ghost is only thought to be there."""

    x: float
    y: float
    text: str
    hover: str
    colour: str = GREY
    strong: bool = False
    ghost: bool = False


class Note(NamedTuple):
    """A line of words on the board, its left end at a place."""

    x: float
    y: float
    text: str


class Line(NamedTuple):
    """A line from one place on the board to another."""

    start: tuple[float, float]
    end: tuple[float, float]
    colour: str


def board(
    title: str, cells: Sequence[Cell], notes: Iterable[Note], size: tuple[float, float], lines: Iterable[Line] = ()
) -> go.Figure:
    """Cells and notes on a board of ``size`` (columns, rows): squares at any width, always of the same height."""
    columns, rows = size
    numbers = {
        "type": "scatter",
        "mode": "text",
        "x": [cell.x + MIDDLE for cell in cells],
        "y": [cell.y + MIDDLE for cell in cells],
        "text": [f"<b>{cell.text}</b>" if cell.strong else cell.text for cell in cells],
        "textfont": {"size": 14},
        "hovertext": [cell.hover for cell in cells],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
    }
    layout = around(title, round(CELL * rows), r=0) | {
        "showlegend": False,
        "hovermode": "closest",
        "shapes": [*map(_line, lines), *map(_square, cells)],
        "annotations": [_words(note) for note in notes],
        "xaxis": _axis([-GAP, columns]) | {"constraintoward": "left"},
        "yaxis": _axis([rows, 0]) | {"constraintoward": "top", "scaleanchor": "x"},
    }
    return go.Figure([numbers], layout)


def matrix(rows: Sequence[Sequence[Any]], x: float, y: float, colour: str = GREY, name: str = "") -> Iterator[Cell]:
    """The cells of a matrix whose upper left corner is at (x, y); ``name`` stands before the index in the hover."""
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            yield Cell(x + j, y + i, number(value), f"{name}[{i}, {j}] = {number(value)}", colour)


def tensor_board(title: str, values: Any, shape: Sequence[int], size: tuple[float, float]) -> go.Figure:
    """A tensor of up to four dimensions: matrices side by side for the third, below one another for the fourth."""
    rows, columns = [1, 1, *shape][-2:]
    cells: list[Cell] = []
    notes: list[Note] = []
    for index, block, (across, down) in blocks(values, shape):
        x, y = across * (columns + 0.6), down * (rows + 1) + 0.7
        name = "x" + "".join(f"[{place}]" for place in index)
        cells += matrix(as_rows(block, len(shape)), x, y, GROUPS[(across + down) % len(GROUPS)], name)
        notes += [Note(x, y - 0.35, name)] if index else []
    return board(title, cells, notes, size)


def extent(shape: Sequence[int]) -> tuple[float, float]:
    """The (columns, rows) of the board that a tensor of up to four dimensions needs."""
    outer, inner, rows, columns = [1, 1, 1, 1, *shape][-4:]
    return inner * (columns + 0.6), outer * (rows + 1)


def blocks(values: Any, shape: Sequence[int]) -> Iterator[tuple[tuple[int, ...], Any, tuple[int, int]]]:
    """The matrices of a tensor: the index before the last two dimensions, the numbers, (place across, place down)."""
    if len(shape) <= 2:
        yield (), values, (0, 0)
    elif len(shape) == 3:
        for i, block in enumerate(values):
            yield (i,), block, (i, 0)
    else:
        for i, outer in enumerate(values):
            for j, block in enumerate(outer):
                yield (i, j), block, (j, i)


def as_rows(block: Any, dimensions: int) -> list[list[Any]]:
    """A number, a vector or a matrix as rows to draw."""
    if dimensions == 0:
        return [[block]]
    return [block] if dimensions == 1 else block


def number(value: float) -> str:
    """A number short enough for a cell: 3.0 -> '3', 0.25 -> '0.25', 1234567 -> '1e+06'."""
    return str(value) if isinstance(value, bool) else f"{value:.3g}" if abs(value) >= 10_000 else f"{value:.4g}"


def _square(cell: Cell) -> dict[str, Any]:
    width = 3 if cell.strong else 1.5
    return {
        "type": "rect",
        "layer": "below",
        "x0": cell.x,
        "x1": cell.x + 1 - GAP,
        "y0": cell.y,
        "y1": cell.y + 1 - GAP,
        "fillcolor": glass(cell.colour, 0 if cell.ghost else 0.45 if cell.strong else 0.18),
        "line": {"color": cell.colour, "width": width, "dash": "dot" if cell.ghost else "solid"},
    }


def _line(line: Line) -> dict[str, Any]:
    (x0, y0), (x1, y1) = line.start, line.end
    place = {"x0": x0, "y0": y0, "x1": x1, "y1": y1}
    return {"type": "line", "layer": "below", **place, "line": {"color": line.colour, "width": 2.5}}


def _words(note: Note) -> dict[str, Any]:
    place = {"x": note.x, "y": note.y, "xanchor": "left", "yanchor": "middle"}
    return {**place, "text": note.text, "showarrow": False, "font": {"size": 13}}


def _axis(extent: list[float]) -> dict[str, Any]:
    return {"visible": False, "range": extent, "constrain": "domain", "fixedrange": True}
