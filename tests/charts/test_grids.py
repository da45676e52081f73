"""Grids of numbers: where each cell is, what it says, and how it looks."""

import pytest

from llm_explorer.charts.grids import (
    BLUE,
    CELL,
    GROUPS,
    Cell,
    Line,
    Note,
    as_rows,
    board,
    extent,
    matrix,
    number,
    tensor_board,
)
from llm_explorer.charts.palette import CATEGORIES


def test_a_cell_is_a_square_with_its_number_and_a_hover() -> None:
    figure = board("A board", [Cell(1, 2, "7", "x[0] = 7", BLUE)], [Note(0, 0.5, "words")], (4, 3))
    (square,) = figure.layout.shapes
    assert (square.x0, square.y0) == (1, 2)
    assert square.x1 - square.x0 == square.y1 - square.y0
    assert list(figure.data[0].text) == ["7"]
    assert list(figure.data[0].hovertext) == ["x[0] = 7"]
    assert figure.layout.annotations[0].text == "words"


def test_a_strong_cell_and_a_ghost_differ_in_more_than_colour() -> None:
    cells = [Cell(0, 0, "1", ""), Cell(1, 0, "2", "", strong=True), Cell(2, 0, "3", "", ghost=True)]
    figure = board("A board", cells, [], (3, 1))
    plain, strong, ghost = figure.layout.shapes
    assert strong.line.width > plain.line.width
    assert (plain.line.dash, ghost.line.dash) == ("solid", "dot")
    assert list(figure.data[0].text) == ["1", "<b>2</b>", "3"]


def test_the_height_is_that_of_the_board_whatever_is_on_it() -> None:
    heights = {board("A board", cells, [], (5, 4)).layout.height for cells in ([], [Cell(0, 0, "1", "")])}
    assert len(heights) == 1
    assert min(heights) > 4 * CELL


def test_a_line_goes_from_place_to_place() -> None:
    line = board("A board", [], [], (5, 4), [Line((0, 1), (2, 3), BLUE)]).layout.shapes[0]
    assert (line.type, line.x0, line.y0, line.x1, line.y1) == ("line", 0, 1, 2, 3)


def test_a_matrix_is_read_row_by_row() -> None:
    cells = list(matrix([[1, 2], [3, 4]], 10, 20, BLUE, "A"))
    assert [(cell.x, cell.y, cell.text) for cell in cells] == [
        (10, 20, "1"),
        (11, 20, "2"),
        (10, 21, "3"),
        (11, 21, "4"),
    ]
    assert cells[2].hover == "A[1, 0] = 3"


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        (1, []),
        ([1, 2], [2]),
        ([[1, 2], [3, 4]], [2, 2]),
        ([[[1, 2]], [[3, 4]], [[5, 6]]], [3, 1, 2]),
        ([[[[1], [2]]], [[[3], [4]]]], [2, 1, 2, 1]),
    ],
)
def test_a_tensor_has_one_cell_a_number_inside_its_extent_and_none_on_another(values: object, shape: list[int]) -> None:
    columns, rows = extent(shape)
    figure = tensor_board("x", values, shape, (columns, rows))
    places = {(square.x0, square.y0) for square in figure.layout.shapes}
    assert len(places) == len(figure.data[0].text)
    assert [int(text) for text in figure.data[0].text] == list(range(1, len(places) + 1))
    assert all(square.x1 <= columns and square.y1 <= rows for square in figure.layout.shapes)


@pytest.mark.parametrize("dimensions", [0, 1, 2])
def test_a_number_and_a_vector_are_drawn_as_rows(dimensions: int) -> None:
    value = [7, [7], [[7]]][dimensions]
    assert as_rows(value, dimensions) == [[7]]


@pytest.mark.parametrize(
    ("value", "written"),
    [(3.0, "3"), (0.25, "0.25"), (-1.5, "-1.5"), (1_234_567, "1.23e+06"), (True, "True"), (9999, "9999")],
)
def test_a_number_is_short_enough_for_a_cell(value: float, written: str) -> None:
    assert number(value) == written


def test_the_colours_are_of_the_palette_whose_contrast_is_tested() -> None:
    assert set(GROUPS) <= set(CATEGORIES.values())
