"""A tensor as a grid above the flat strip of memory in which its numbers lie."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.grids import GROUPS, MIDDLE, Cell, Line, Note, board, number

ROW: Final = 4  # numbers of a row of the first tensor: each row keeps its colour wherever it goes
SIZE: Final = (13.0, 9.6)
GRID_BOTTOM: Final = 4.9
STRIP_TOPS: Final = (6.0, 7.9)  # one below the other
SHARING_SIZE: Final = (8.0, 2.0)


def storage_board(state: Mapping[str, Any], strips: Sequence[Sequence[float]], followed: int) -> go.Figure:
    """The state of a walk: its grid, the first strip, the strip it reads now, and where one number lies.

    ``followed`` is the place of a number in reading order. The colours are those of the first tensor's rows.
    """
    shown = sorted({0, state["strip"]})
    drawn = {strip: _strip(strips[strip], top) for strip, top in zip(shown, STRIP_TOPS, strict=False)}
    here = drawn[state["strip"]]
    grid = _grid(state, here)
    position = state["places"][followed]["position"]
    here[position] = here[position]._replace(strong=True)
    grid[followed] = grid[followed]._replace(strong=True)
    notes = [Note(0, min(cell.y for cell in grid) - 0.4, f"x, shape {tuple(state['shape'])}")]
    notes += [Note(0, cells[0].y + 1.3, _strip_words(strip, state)) for strip, cells in drawn.items()]
    cells = [*grid, *(cell for strip in drawn.values() for cell in strip)]
    lines = [] if state["strip"] else [_line(grid[followed], here[position])]
    return board("The grid you see, and the strip it is read from", cells, notes, SIZE, lines)


def sharing_board(array: Sequence[float], tensor: Sequence[float], *, shared: bool) -> go.Figure:
    """A NumPy array and a tensor over one strip where they share it, else over two."""
    colours = GROUPS[:2]
    cells = [
        Cell(place, 0.8, number(value), f"a[{place}] = {number(value)}", colours[0])
        for place, value in enumerate(array)
    ]
    if shared:
        notes = [Note(0, 0.4, "a and t: one strip")]
    else:
        notes = [Note(0, 0.4, "a"), Note(4.5, 0.4, "t: a strip of its own")]
        cells += [
            Cell(4.5 + place, 0.8, number(value), f"t[{place}] = {number(value)}", colours[1])
            for place, value in enumerate(tensor)
        ]
    return board("Whose memory is it?", cells, notes, SHARING_SIZE)


def _strip(values: Sequence[float], top: float) -> list[Cell]:
    return [
        Cell(place, top, number(value), f"position {place} holds {number(value)}", _colour(value))
        for place, value in enumerate(values)
    ]


def _line(cell: Cell, place: Cell) -> Line:
    """From below the cell's column to its place in the first strip; to the second it would cross the first."""
    return Line((cell.x + MIDDLE, GRID_BOTTOM), (place.x + MIDDLE, place.y), cell.colour)


def _grid(state: Mapping[str, Any], strip: Sequence[Cell]) -> list[Cell]:
    """One cell a number, matrices of a 3-D tensor side by side, the last row just above the strip."""
    shape = state["shape"]
    rows, columns = (shape[-2] if len(shape) > 1 else 1), shape[-1]
    cells = []
    for place in state["places"]:
        index, position = place["index"], place["position"]
        block = index[0] if len(index) == 3 else 0
        x = block * (columns + 0.6) + index[-1]
        y = GRID_BOTTOM - rows + (index[-2] if len(index) > 1 else 0)
        hover = f"x[{', '.join(map(str, index))}] is at position {position}"
        cells.append(Cell(x, y, strip[position].text, hover, strip[position].colour))
    return cells


def _strip_words(strip: int, state: Mapping[str, Any]) -> str:
    if strip == state["strip"]:
        return f"Strip {strip + 1}, read by x" + (f": a copy, +{state['bytes']} bytes" if strip else ": 48 bytes")
    return "Strip 1: x does not read it any more"


def _colour(value: float) -> str:
    return GROUPS[int(value) // ROW]
