"""The grid above the strip: numbers keep their colour, the strip keeps its place."""

from typing import Any

import plotly.graph_objects as go
import pytest

from llm_explorer.charts.storage import sharing_board, storage_board
from llm_explorer.lessons.tensors.storage import walk

TRANSPOSE: tuple[str, list[int]] = ("transpose", [])


def drawn(*steps: Any, followed: int = 1) -> go.Figure:
    walked = walk(list(steps))
    return storage_board(walked["states"][-1], walked["strips"], followed)


def squares(figure: go.Figure) -> list[Any]:
    return [shape for shape in figure.layout.shapes if shape.type == "rect"]


def words(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def numbers(figure: go.Figure) -> list[str]:
    return [text.removeprefix("<b>").removesuffix("</b>") for text in figure.data[0].text]


def test_at_first_grid_and_strip_are_in_the_same_order() -> None:
    figure = drawn()
    assert numbers(figure) == [str(value) for value in range(12)] * 2
    assert words(figure) == ["x, shape (3, 4)", "Strip 1, read by x: 48 bytes"]


def test_transposing_moves_the_grid_and_not_the_strip() -> None:
    before, after = drawn(), drawn(TRANSPOSE)
    assert numbers(after)[:12] == ["0", "4", "8", "1", "5", "9", "2", "6", "10", "3", "7", "11"]
    assert numbers(after)[12:] == numbers(before)[12:]
    assert [(square.x0, square.y0) for square in squares(after)[12:]] == [
        (square.x0, square.y0) for square in squares(before)[12:]
    ]


def test_a_copy_is_a_second_strip_with_its_bytes_and_the_first_stays() -> None:
    figure = drawn(TRANSPOSE, ("reshape", [12]))
    assert "Strip 2, read by x: a copy, +48 bytes" in words(figure)
    assert "Strip 1: x does not read it any more" in words(figure)
    assert len(squares(figure)) == 3 * 12


def test_of_several_copies_the_first_and_the_newest_strip_are_drawn() -> None:
    figure = drawn(TRANSPOSE, ("reshape", [3, 4]), TRANSPOSE, ("reshape", [12]))
    assert "Strip 3, read by x: a copy, +48 bytes" in words(figure)
    assert len(squares(figure)) == 3 * 12


def test_a_number_has_the_same_colour_in_the_grid_and_in_every_strip() -> None:
    figure = drawn(TRANSPOSE, ("reshape", [2, 2, 3]))
    colours: dict[str, set[str]] = {}
    for text, square in zip(numbers(figure), squares(figure), strict=True):
        colours.setdefault(text, set()).add(square.line.color)
    assert all(len(found) == 1 for found in colours.values())
    assert len({next(iter(found)) for found in colours.values()}) == 3  # one a row of the first tensor


@pytest.mark.parametrize("followed", [0, 1, 11])
def test_the_number_followed_stands_out_in_the_grid_and_in_the_strip(followed: int) -> None:
    figure = drawn(TRANSPOSE, followed=followed)
    strong = [text for text in figure.data[0].text if text.startswith("<b>")]
    assert len(strong) == 2
    assert strong[0] == strong[1]


def test_every_state_has_the_same_height() -> None:
    heights = {drawn(*steps).layout.height for steps in ([], [("view", [12])], [TRANSPOSE, ("reshape", [12])])}
    assert len(heights) == 1


def test_what_is_shared_is_one_strip_and_what_is_copied_two() -> None:
    assert len(sharing_board([9, 1, 1], [9, 1, 1], shared=True).layout.shapes) == 3
    figure = sharing_board([9, 1, 1], [1, 1, 1], shared=False)
    assert numbers(figure) == ["9", "1", "1", "1", "1", "1"]
