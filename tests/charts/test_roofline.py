import pytest

from llm_explorer.charts.palette import PARTS
from llm_explorer.charts.roofline import Point, Roof, roofline_chart

ROOF = Roof("a device", 1e15, 2e12)
POINTS = [
    Point("attention", "backward", 800.0, 9e14, 0.5, True, "a product"),
    Point("norms", "forward", 0.125, 1e11, 0.02, False, "a norm"),
]


def test_the_roof_rises_with_the_bandwidth_to_the_ridge_and_is_flat_from_there() -> None:
    roof = roofline_chart(POINTS, ROOF).data[0]
    left, ridge, right = roof.x
    assert ridge == ROOF.ridge == 500
    assert list(roof.y) == pytest.approx([left * 2e12, 1e15, 1e15])
    assert left < 0.125
    assert right > 800


def test_points_stand_where_they_are_told_and_look_like_what_they_are() -> None:
    _, norm, attention = roofline_chart(POINTS, ROOF).data  # in the order of the palette
    assert (attention.name, list(attention.x), list(attention.y)) == ("attention", [800.0], [9e14])
    assert attention.marker.color == PARTS["attention"]
    assert list(attention.marker.symbol) == ["diamond"]
    assert list(norm.marker.symbol) == ["circle-open"]
    assert attention.marker.size[0] > norm.marker.size[0]
    assert list(attention.customdata) == ["a product"]


def test_both_axes_are_logarithmic_with_powers_of_ten_in_words() -> None:
    layout = roofline_chart(POINTS, ROOF).layout
    assert (layout.xaxis.type, layout.yaxis.type) == ("log", "log")
    assert list(layout.xaxis.ticktext) == ["0.1", "1", "10", "100", "1000"]
    assert list(layout.yaxis.ticktext) == ["100 GFLOP/s", "1 TFLOP/s", "10 TFLOP/s", "100 TFLOP/s", "1 PFLOP/s"]
