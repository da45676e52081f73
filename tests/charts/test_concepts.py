from itertools import pairwise

import pytest

from llm_explorer.charts import concepts
from llm_explorer.charts.palette import ONE_SIGN, PAIR, TWO_SIGNS

ROWS: list[list[float | None]] = [[1.0, -2.0, 0.0], [0.5, None, None]]


def test_each_row_is_drawn_against_its_own_largest_value_and_told_as_it_is() -> None:
    cells, signs = concepts.vectors("title", ROWS, ["a", "a"], across="entry").data
    assert [list(row) for row in cells.z] == [[0.5, -1.0, 0.0], [1.0, None, None]]
    assert [[pair[1] for pair in row] for row in cells.customdata] == ROWS
    assert (cells.zmin, cells.zmax) == (-1, 1)
    assert list(zip(signs.x, signs.y, signs.text, strict=True)) == [(0, 0, "+"), (1, 0, "−"), (0, 1, "+")]


def test_rows_of_the_same_name_stay_apart() -> None:
    layout = concepts.vectors("title", ROWS, ["a", "a"], across="entry").layout
    assert list(layout.yaxis.tickvals) == [0, 1]
    assert list(layout.yaxis.ticktext) == ["a", "a"]


def test_a_row_of_zeros_can_be_drawn() -> None:
    assert list(concepts.vectors("title", [[0.0, 0.0]], ["a"], across="entry").data[0].z[0]) == [0, 0]


def test_signs_are_left_out_where_they_could_not_be_read() -> None:
    assert len(concepts.vectors("title", [[1.0] * 256], ["a"], across="entry").data) == 1


def test_groups_of_bars_differ_in_colour_and_in_pattern() -> None:
    first, second = concepts.bars("title", {"before": [1.0, 2.0], "after": [0.0, 4.0]}, across="value").data
    assert list(first.y) == [1, 2]
    assert list(second.y) == [0, 4]
    assert (first.marker.color, second.marker.color) == PAIR
    assert first.marker.pattern.shape != second.marker.pattern.shape


def test_the_histogram_has_a_bar_around_each_middle() -> None:
    (bar,) = concepts.histogram("title", [-1.0, 0.0, 1.0], [1, 5, 2], across="value").data
    assert list(bar.x) == [-1, 0, 1]
    assert list(bar.y) == [1, 5, 2]


def test_likelihoods_keep_their_order_and_tell_their_share() -> None:
    figure = concepts.likelihoods("title", ["a", "b"], [0.005, 0.0041])
    assert list(figure.data[0].text) == ["0.50%", "0.41%"]
    assert list(figure.layout.yaxis.ticktext) == ["a", "b"]
    assert figure.layout.yaxis.autorange == "reversed"


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_each_head_has_a_square_of_its_own_from_zero_to_one(heads: int) -> None:
    figure = concepts.attention("title", [[[1.0, 0.0], [0.5, 0.5]]] * heads)
    assert len(figure.data) == heads
    domains = [figure.layout[f"xaxis{number}" if number > 1 else "xaxis"].domain for number in range(1, heads + 1)]
    assert all(left < right for left, right in domains)
    assert all(before[1] < after[0] for before, after in pairwise(domains))
    assert all((trace.zmin, trace.zmax) == (0, 1) for trace in figure.data)


def test_zero_is_the_background_in_both_themes() -> None:
    assert [colour for place, colour in TWO_SIGNS if place == 0.5] == ["rgba(217, 99, 30, 0)", "rgba(59, 127, 196, 0)"]
    assert ONE_SIGN[0][1].endswith(", 0)")
    strongest = [colour for place, colour in TWO_SIGNS if place in (0, 1)]
    pair = [tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5)) for colour in PAIR]
    assert [f"rgba{(*channels, 1)}" for channels in reversed(pair)] == strongest


def test_every_figure_has_the_same_fixed_height_and_a_hover() -> None:
    figures = [
        concepts.vectors("title", ROWS, ["a", "b"], across="entry"),
        concepts.bars("title", {"one": [1.0]}, across="entry"),
        concepts.histogram("title", [0.0], [1], across="entry"),
        concepts.likelihoods("title", ["a"], [1.0]),
        concepts.attention("title", [[[1.0]]]),
    ]
    for figure in figures:
        assert figure.layout.height == concepts.HEIGHT
        assert "%{" in figure.data[0].hovertemplate
