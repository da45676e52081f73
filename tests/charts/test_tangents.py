import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.charts.tangents import (
    FACTORS_HEIGHT,
    HEIGHT,
    LARGEST,
    SMALLEST,
    curve_with_tangent,
    factor_chain,
    marker_size,
    marker_symbol,
)

SQUARE = ([-2.0, 0.0, 2.0], [4.0, 0.0, 4.0])


def test_the_line_touches_the_curve_and_has_the_slope() -> None:
    figure = curve_with_tangent("x squared", ("x", "y"), SQUARE, (1.0, 1.0, 2.0))
    curve, line, point = figure.data
    assert (list(curve.x), list(curve.y)) == SQUARE
    (x0, x1), (y0, y1) = line.x, line.y
    assert (y1 - y0) / (x1 - x0) == pytest.approx(2.0)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((1.0, 1.0))
    assert (point.x[0], point.y[0]) == (1.0, 1.0)


def test_the_axes_stay_while_the_point_moves() -> None:
    figures = [curve_with_tangent("t", ("w", "L"), SQUARE, (x, x * x, 2 * x)) for x in (-2.0, 0.3)]
    assert figures[0].layout.xaxis == figures[1].layout.xaxis
    assert figures[0].layout.yaxis == figures[1].layout.yaxis
    assert [figure.layout.height for figure in figures] == [HEIGHT, HEIGHT]
    assert (figures[0].layout.xaxis.title.text, figures[0].layout.yaxis.title.text) == ("w", "L")


def test_a_flat_curve_has_an_axis_too() -> None:
    low, high = curve_with_tangent("flat", ("x", "y"), ([0.0, 1.0], [3.0, 3.0]), (0.5, 3.0, 0.0)).layout.yaxis.range
    assert low < 3 < high


def test_every_trace_tells_its_numbers_under_the_pointer() -> None:
    for trace in curve_with_tangent("t", ("x", "y"), SQUARE, (1.0, 1.0, 2.0)).data:
        assert "%{x" in trace.hovertemplate
        assert "%{y" in trace.hovertemplate


def test_the_chain_shows_each_factor_its_value_and_the_product() -> None:
    figure = factor_chain({"dL/da": -1.0889, "da/dz": 0.075}, ("w.grad", -0.0817))
    markers, names, values, signs = figure.data
    assert list(names.text) == ["dL/da", "da/dz", "w.grad"]
    assert list(values.text) == ["<b>-1.0889</b>", "<b>0.0750</b>", "<b>-0.0817</b>"]
    assert list(signs.text) == ["×", "="]
    assert list(markers.marker.symbol) == ["triangle-down", "triangle-up", "triangle-down"]
    assert markers.marker.color[2] != markers.marker.color[0] == markers.marker.color[1]
    assert "%{customdata" in markers.hovertemplate
    assert figure.layout.height == FACTORS_HEIGHT


@given(st.floats(-1e6, 1e6), st.floats(1.0, 100.0))
def test_a_larger_factor_never_has_a_smaller_marker(value: float, times: float) -> None:
    assert SMALLEST <= marker_size(value) <= marker_size(value * times) <= LARGEST
    assert marker_size(value) == marker_size(-value)


def test_a_hundred_times_is_eighteen_pixels_and_the_sign_is_told_by_the_form() -> None:
    assert marker_size(1.0) - marker_size(0.01) == pytest.approx(18)
    assert [marker_symbol(value) for value in (0.1, -0.1, 0.0)] == ["triangle-up", "triangle-down", "circle-open"]
