import math

from llm_explorer import units
from llm_explorer.charts.magnitudes import error_curves, magnitude_bars

SIZES = {"finite differences": 5e9, "autograd": 0.02}


def test_each_bar_has_its_size_and_its_words() -> None:
    figure = magnitude_bars("time", SIZES, units.duration)
    bar = figure.data[0]
    assert dict(zip(bar.y, bar.x, strict=True)) == SIZES
    assert list(bar.text) == ["158 years", "20 ms"]
    assert bar.marker.color[0] != bar.marker.color[1]


def test_the_axis_is_logarithmic_and_holds_all_bars_with_room_for_their_words() -> None:
    axis = magnitude_bars("time", SIZES, units.duration).layout.xaxis
    assert axis.type == "log"
    assert axis.range[0] < math.log10(0.02)
    assert axis.range[1] > math.log10(5e9) + 1


def test_the_curves_have_their_values_and_no_place_for_an_error_of_zero() -> None:
    figure = error_curves("errors", [0.1, 0.01], {"fp32": [1e-3, 0.0], "fp64": [1e-3, 1e-5]})
    assert [list(line.y) for line in figure.data] == [[1e-3, None], [1e-3, 1e-5]]
    assert all(list(line.x) == [0.1, 0.01] for line in figure.data)
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")


def test_the_two_curves_differ_in_more_than_colour_and_tell_their_numbers() -> None:
    one, other = error_curves("errors", [0.1], {"fp32": [1e-3], "fp64": [1e-4]}).data
    assert one.marker.symbol != other.marker.symbol
    assert one.line.color != other.line.color
    for line in (one, other):
        assert "%{x" in line.hovertemplate
        assert line.name in line.hovertemplate
