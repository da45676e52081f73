import re
from typing import Any

import pytest

from llm_explorer.charts.palette import PAIR
from llm_explorer.charts.training import Curve, heads_chart, losses_chart, next_chart, shown, steps_chart, targets_chart

HEADS = [[[[100], [40, 60]], [[100], [0, 100]]]]  # one layer of two heads over two characters


def everything() -> dict[str, Any]:
    curve = {"step": [1.0, 2.0], "loss": [4.0, 3.0], "gradient_norm": [2.0, 1.0], "learning_rate": [1e-3, 2e-3]}
    lines = [Curve("training", [0, 10], [4.0, 2.0], PAIR[0]), Curve("validation", [0, 10], [4.1, 2.5], PAIR[1], "dash")]
    return {
        "losses": losses_chart("Losses", lines, 10, 100),
        "steps": steps_chart(curve, 1, 2),
        "next": next_chart("Next", ["e", " "], {"probability": [0.7, 0.2]}),
        "targets": targets_chart("Targets", ["h", "e"], {"untrained": [0.01, 0.01], "trained": [0.9, 0.8]}),
        "heads": heads_chart("Heads", HEADS, "ab"),
    }


@pytest.mark.parametrize("name", everything())
def test_every_chart_has_a_title_a_fixed_height_and_a_hover_on_every_trace(name: str) -> None:
    figure = everything()[name]
    assert figure.layout.title.text
    assert figure.layout.height > 100
    assert figure.data
    assert all(trace.hovertemplate for trace in figure.data)


def test_the_chosen_step_is_marked_and_the_axis_is_that_of_the_whole_run() -> None:
    figure = everything()["losses"]
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (10, 10)
    assert tuple(figure.layout.xaxis.range) == (0, 100)
    assert not losses_chart("Losses", [], None).layout.shapes


def test_two_lines_differ_in_more_than_colour() -> None:
    looks = {(trace.line.color, trace.line.dash) for trace in everything()["losses"].data}
    assert len({dash for _, dash in looks}) == 2
    patterns = [trace.marker.pattern.shape for trace in everything()["targets"].data]
    assert patterns[0] != patterns[1]


def test_a_head_s_row_is_the_character_that_looks_and_the_future_is_empty() -> None:
    first = everything()["heads"].data[0]
    assert [list(row) for row in first.z] == [[100, None], [40, 60]]
    assert first.customdata[1][0][0] == "b"
    assert first.customdata[1][0][1] == "a"
    names = [annotation.text for annotation in everything()["heads"].layout.annotations]
    assert names == ["layer 1, head 1", "layer 1, head 2"]


def test_characters_that_cannot_be_seen_are_shown() -> None:
    assert [shown(character) for character in " \n\t<a"] == ["␣", "↵", "⇥", "<", "a"]


def test_no_character_of_a_text_is_markup_in_a_chart() -> None:
    text = "<&>"
    charts = (
        next_chart("next", text, {"probability": [0.5, 0.3, 0.2]}),
        targets_chart("targets", text, {"untrained": [0.1] * 3, "trained": [0.2] * 3}),
        heads_chart("heads", [[[[100], [50, 50], [20, 30, 50]]]], text),
    )
    for figure in charts:
        axis = figure.layout.yaxis if figure.layout.yaxis.ticktext else figure.layout.xaxis
        assert axis.ticktext == ("&lt;", "&amp;", "&gt;")
        assert not re.search("[<>]", str(figure.data[0].customdata))
