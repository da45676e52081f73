from llm_explorer.charts.answers import answers_chart
from llm_explorer.charts.lines import Axis, Line, Mark, lines_chart

PAIR = (Line("predicted", [1.0, 10.0, 1000.0], "#111111"), Line("actual", [1.0, 2.0], "#222222"))


def test_lines_differ_in_more_than_colour_and_one_may_end_early() -> None:
    first, second = lines_chart("title", [1, 2, 3], PAIR, Axis("x"), Axis()).data
    assert (list(first.x), list(first.y)) == ([1, 2, 3], [1.0, 10.0, 1000.0])
    assert (list(second.x), list(second.y)) == ([1, 2], [1.0, 2.0])
    assert first.line.dash != second.line.dash
    assert first.marker.symbol != second.marker.symbol
    assert "predicted" in first.hovertemplate


def test_a_long_line_has_no_markers_and_a_line_alone_no_legend() -> None:
    figure = lines_chart("title", range(26), [Line("long", [1.0] * 26, "#111111")], Axis(), Axis())
    assert figure.data[0].mode == "lines"
    assert figure.layout.showlegend is False
    assert lines_chart("title", [1, 2, 3], PAIR, Axis(), Axis()).data[0].mode == "lines+markers"


def test_a_log_axis_has_few_ticks_at_powers_of_ten_and_another_starts_at_zero() -> None:
    wide = [Line("wide", [1e-17, 1.0], "#111111")]
    assert lines_chart("title", [1, 2], wide, Axis(), Axis(log=True)).layout.yaxis.dtick == 3  # 17 decades, 6 ticks
    figure = lines_chart("title", [1, 2, 3], PAIR, Axis(ends=(0, 4)), Axis(log=True))
    assert (figure.layout.yaxis.type, figure.layout.yaxis.dtick) == ("log", 1)
    assert (figure.layout.xaxis.rangemode, figure.layout.xaxis.range) == ("tozero", (0, 4))


def test_marks_run_across_the_whole_chart_at_their_value() -> None:
    marks = (Mark("here", "x", 0.1), Mark("all", "y", 5.0))
    upright, level = lines_chart("title", [1, 2, 3], PAIR, Axis(), Axis(), marks).layout.shapes
    assert (upright.x0, upright.x1, upright.y0, upright.y1, upright.yref) == (0.1, 0.1, 0, 1, "y domain")
    assert (level.y0, level.y1, level.x0, level.x1, level.xref) == (5.0, 5.0, 0, 1, "x domain")
    assert (upright.label.text, level.label.text) == ("here", "all")


def test_answers_stand_in_the_middle_of_their_bins_and_differ_in_more_than_colour() -> None:
    one, other = answers_chart("title", "output", {"one": [3, 0, 1, 0], "other": [0, 0, 0, 4]}).data
    assert list(one.x) == [0.125, 0.375, 0.625, 0.875]
    assert (list(one.y), list(other.y)) == ([3, 0, 1, 0], [0, 0, 0, 4])
    assert one.marker.color != other.marker.color
    assert one.marker.pattern.shape != other.marker.pattern.shape
