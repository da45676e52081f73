"""The product cell by cell, and what broadcasting repeats."""

from typing import Any

import plotly.graph_objects as go
import pytest

from llm_explorer.charts.products import product_board, sum_board
from llm_explorer.lessons.tensors.basics import broadcast, product

MADE = product([3, 4])


def ghosts(figure: go.Figure) -> list[Any]:
    return [shape for shape in figure.layout.shapes if shape.line.dash == "dot"]


def strong(figure: go.Figure) -> list[str]:
    return [text for text in figure.data[0].text if text.startswith("<b>")]


@pytest.mark.parametrize("done", range(9))
def test_as_many_cells_are_filled_as_are_done(done: int) -> None:
    figure = product_board(MADE, done)
    assert len(ghosts(figure)) == 8 - done
    assert list(figure.data[0].text).count("") == 8 - done


def test_the_newest_cell_its_row_and_its_column_stand_out() -> None:
    figure = product_board(MADE, 6)  # the second of the second row
    row, column = MADE["a"][1], [b[1] for b in MADE["b"]]
    expected = [*row, *column, MADE["cells"][5]["sum"]]
    assert strong(figure) == [f"<b>{value}</b>" for value in expected]


def test_before_the_first_cell_nothing_stands_out() -> None:
    assert strong(product_board(MADE, 0)) == []


def test_a_product_that_is_refused_is_drawn_without_a_result() -> None:
    figure = product_board(product([4, 3]), 0)
    assert len(figure.layout.shapes) == 2 * 3 + 4 * 3
    assert [note.text for note in figure.layout.annotations] == ["A (2, 3)", "B (4, 3)"]


def test_what_is_read_again_is_dotted() -> None:
    made = broadcast([3, 4], [4])
    figure = sum_board(made["a"]["values"], made["b"]["values"], made["result"]["values"], ([3, 4], [4]))
    assert len(ghosts(figure)) == 2 * 4
    assert {"+", "=", "b (4,)"} <= {note.text for note in figure.layout.annotations}
