from llm_explorer import units
from llm_explorer.charts.components import components_chart

BARS = {"predicted": {"a": 1.0, "b": 3.0}, "measured": {"a": 2.0}}
COLOURS = {"predicted": "#111111", "measured": "#222222"}


def test_each_row_has_a_bar_of_each_with_its_label() -> None:
    figure = components_chart("title", ["a", "b"], BARS, COLOURS, units.seconds)
    predicted, measured = figure.data
    assert (list(predicted.y), list(predicted.x), list(predicted.text)) == (["a", "b"], [1.0, 3.0], ["1 s", "3 s"])
    assert (list(measured.x), list(measured.text)) == ([2.0, 0.0], ["2 s", ""])
    assert predicted.marker.color == "#111111"
    assert figure.layout.barmode == "group"


def test_stacked_bars_are_labelled_with_their_sum_once() -> None:
    figure = components_chart("title", ["a", "b"], BARS, COLOURS, units.seconds, stacked=True)
    assert figure.data[0].text is None
    assert list(figure.data[1].text) == ["3 s", "3 s"]
    assert figure.layout.barmode == "stack"


def test_the_height_is_that_of_its_rows() -> None:
    heights = [components_chart("", list("abc")[:n], BARS, COLOURS, str).layout.height for n in (1, 2, 3)]
    assert heights[2] - heights[1] == heights[1] - heights[0] > 0
