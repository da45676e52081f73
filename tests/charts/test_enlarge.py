"""Figures with larger words: every size grows alike, the data stays."""

from typing import Any

import pytest

from llm_explorer import units
from llm_explorer.charts.bars import parts_of_whole
from llm_explorer.charts.enlarge import enlarged
from llm_explorer.charts.receipt import receipt_figure

BARS = parts_of_whole("title", {"a": 3000, "b": 1000}, {"a": "#111111", "b": "#222222"}, units.exact)


def layout(figure: Any) -> dict[str, Any]:
    return dict(figure.to_dict()["layout"])


def test_every_size_of_a_chart_grows_and_its_data_stays() -> None:
    before, after = layout(BARS), layout(enlarged(BARS, 1.25))
    assert after["height"] == round(before["height"] * 1.25)
    assert after["margin"] == {edge: size * 1.25 for edge, size in before["margin"].items()}
    assert after["title"]["font"]["size"] == 15 * 1.25
    assert after["font"]["size"] == 15
    assert after["yaxis"]["autorange"] == "reversed"
    assert enlarged(BARS, 1.25).data == BARS.data


@pytest.mark.parametrize("axis", ["xaxis", "yaxis"])
def test_the_words_of_an_axis_are_told_so_that_no_theme_goes_before_them(axis: str) -> None:
    found = layout(enlarged(BARS, 1.25))[axis]
    assert found["tickfont"]["size"] == 15
    assert found["title"]["font"]["size"] == 16.25


def test_a_font_that_the_figure_says_grows_from_there() -> None:
    figure = BARS.update_layout(xaxis={"tickfont": {"size": 9}, "title": {"text": "x", "standoff": 8}})
    found = layout(enlarged(figure, 2))["xaxis"]
    assert found["tickfont"]["size"] == 18
    assert (found["title"]["text"], found["title"]["standoff"]) == ("x", 16)


def test_a_table_grows_with_its_rows_and_gets_no_axes() -> None:
    figure = receipt_figure("title", ["note"], {"what": ["peak"], "computed": ["1 GiB"]})
    after = enlarged(figure, 2)
    assert after.data[0].cells.height == 2 * figure.data[0].cells.height
    assert after.data[0].cells.font.size == 26
    assert after.layout.annotations[0].yshift == 2 * figure.layout.annotations[0].yshift
    assert "xaxis" not in layout(after)


def test_the_given_figure_is_left_as_it_is() -> None:
    before = BARS.to_json()
    enlarged(BARS, 3)
    assert BARS.to_json() == before
