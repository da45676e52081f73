"""A matrix product row by column, and an addition with both sides stretched to one shape."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.grids import GROUPS, Cell, Note, board, matrix, number

A_COLOUR, B_COLOUR, C_COLOUR = GROUPS[:3]
PRODUCT_SIZE: Final = (9.0, 7.6)
SUM_SIZE: Final = (15.0, 4.2)
TOP: Final = 0.8


def product_board(product: Mapping[str, Any], done: int) -> go.Figure:
    """A left, B above, their product C where A's rows and B's columns cross; ``done`` cells of C are filled.

    The row and the column of the newest cell stand out.
    """
    a, b = product["a"], product["b"]
    left, top = len(a[0]) + 1.0, len(b) + 1.2
    newest = product["cells"][done - 1] if done else {"row": -1, "column": -1}
    cells = [cell._replace(strong=cell.y - top == newest["row"]) for cell in matrix(a, 0, top, A_COLOUR, "A")]
    cells += [cell._replace(strong=cell.x - left == newest["column"]) for cell in matrix(b, left, 0.6, B_COLOUR, "B")]
    for count, each in enumerate(product["cells"], 1):
        place, x, y = f"C[{each['row']}, {each['column']}]", left + each["column"], top + each["row"]
        if count > done:
            cells.append(Cell(x, y, "", f"{place} is not computed yet", ghost=True))
        else:
            value = number(each["sum"])
            cells.append(Cell(x, y, value, f"{place} = {value}", C_COLOUR, strong=count == done))
    words = [Note(0, top - 0.4, f"A {_shape(a)}"), Note(left, 0.2, f"B {_shape(b)}")]
    if product["cells"]:
        words.append(Note(left + len(b[0]) + 0.1, top + 0.45, "C = A @ B"))
    return board("Row of A times column of B", cells, words, PRODUCT_SIZE)


def sum_board(a: Any, b: Any, result: Any, shapes: Sequence[Sequence[int]]) -> go.Figure:
    """a + b = result, all as (rows, columns); ``shapes`` are a's and b's own: what is repeated is drawn as a ghost."""
    width = len(result[0]) + 1.2
    cells = [*matrix(result, 2 * width, TOP, C_COLOUR, "c")]
    notes = [Note(2 * width, TOP - 0.4, f"a + b {_shape(result)}")]
    for place, (name, values, colour) in enumerate((("a", a, A_COLOUR), ("b", b, B_COLOUR))):
        rows, columns = [1, 1, *shapes[place]][-2:]
        x = place * width
        cells += [
            cell._replace(ghost=cell.y - TOP >= rows or cell.x - x >= columns)
            for cell in matrix(values, x, TOP, colour, name)
        ]
        notes.append(Note(x, TOP - 0.4, f"{name} {tuple(shapes[place])}"))
        notes.append(Note(x + width - 0.75, TOP + len(result) / 2, "+="[place]))
    return board("Dotted cells are read again, not stored", cells, notes, SUM_SIZE)


def _shape(rows: Sequence[Sequence[float]]) -> tuple[int, int]:
    return len(rows), len(rows[0])
