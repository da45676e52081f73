from typing import Any

import pytest

from llm_explorer.charts.axes import bytes_axis
from llm_explorer.charts.palette import CATEGORIES as COLOURS
from llm_explorer.charts.timeline import ORDER, operation_name, timeline_chart, totals
from llm_explorer.parts import CATEGORIES
from llm_explorer.tracing.result import Points


def timeline(forward: int = 10, backward: int = 10, optimizer: int = 10) -> Points:
    """Activations rise and fall, gradients come, the weights stay; the peak is at the end of forward."""
    points = forward + backward + optimizer
    sizes = {name: [0] * points for name in CATEGORIES}
    sizes["parameters"] = [1024] * points
    sizes["activations"] = [*range(forward), *reversed(range(backward)), *[0] * optimizer]
    sizes["gradients"] = [0] * forward + [1] * (points - forward)
    return Points(
        categories=sizes,
        part=["attention"] * points,
        op=["aten.mm.default"] * points,
        phase=["forward"] * forward + ["backward"] * backward + ["optimizer"] * optimizer,
        operations=3 * points,
        peak_at=forward,
    )


def drawn(**lengths: int) -> dict[str, Any]:
    return dict(timeline_chart(timeline(**lengths), ["peak 1.0 KiB", "backward"]).to_plotly_json())


def test_areas_are_stacked_to_the_sum_of_all_categories() -> None:
    areas = [trace for trace in drawn()["data"] if trace.get("stackgroup")]
    assert [sum(sizes) for sizes in zip(*(area["y"] for area in areas), strict=True)] == totals(timeline())
    assert {area["name"]: area["fillcolor"] for area in areas} == {
        name: COLOURS[name] for name in ("parameters", "gradients", "activations")
    }


def test_every_category_has_its_place() -> None:
    assert sorted(ORDER) == sorted(CATEGORIES)


def test_the_peak_is_marked_where_it_is_and_away_from_the_nearer_edge() -> None:
    peak = drawn()["layout"]["annotations"][-1]
    assert (peak["x"], peak["y"]) == (10, max(totals(timeline())))
    assert peak["text"] == "peak 1.0 KiB<br>backward"
    assert peak["xanchor"] == "left"
    late = drawn(forward=30)["layout"]["annotations"][-1]
    assert late["xanchor"] == "right"


def test_phases_are_parted_and_named_where_there_is_room() -> None:
    layout = drawn()["layout"]
    assert [shape["x0"] for shape in layout["shapes"]] == [10, 20]
    assert [name["text"] for name in layout["annotations"][:-1]] == [
        "<b>forward</b>",
        "<b>backward</b>",
        "<b>optimizer</b>",
    ]
    narrow = drawn(forward=2, backward=50, optimizer=1)["layout"]["annotations"][:-1]
    assert [name["text"] for name in narrow] == ["<b>backward</b>", "<b>optimizer</b>"]
    assert narrow[-1]["xanchor"] == "right"  # or it would stand beside the chart


def test_hover_tells_the_operation_and_its_part() -> None:
    whole = drawn()["data"][-1]
    assert whole["customdata"][0] == "1.0 KiB: forward, attention, mm"
    assert operation_name("aten.add_.Tensor") == "add_.Tensor"


@pytest.mark.parametrize("top", [1, 12, 1000, 2_835_956_272, 10**15])
def test_ticks_are_powers_of_two_up_to_the_top(top: int) -> None:
    axis = bytes_axis(top)
    step = axis["tickvals"][1]
    assert step & (step - 1) == 0
    assert top - step < axis["tickvals"][-1] <= top < axis["range"][1]
    assert 2 <= len(axis["tickvals"]) <= 9


def test_bytes_read_as_such_on_the_axis() -> None:
    assert bytes_axis(2_835_956_272)["ticktext"] == ["0 B", "512.0 MiB", "1.0 GiB", "1.5 GiB", "2.0 GiB", "2.5 GiB"]
