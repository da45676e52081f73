"""Charts that change in place and sliders whose drag is felt, seen from the server."""

import json
from typing import Any

import pytest

from llm_explorer.ui.parts.live import chart, drag
from llm_explorer.worker.queue import MeasuringQueue
from tests.ui.app_visit import Visit


@pytest.fixture(autouse=True)
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_LIVE", "1")


def browser_parts(visit: Visit) -> list[dict[str, Any]]:
    return [json.loads(part.proto.json) for part in visit.page.get("bidi_component")]


def charts(visit: Visit) -> list[dict[str, Any]]:
    return [part for part in browser_parts(visit) if "figure" in part]


def move(visit: Visit, message: object) -> Visit:
    """As the browser tells of a drag."""
    visit.page.session_state[drag.KEY] = {"drag": message}
    return visit.run()


def layers(value: object, number: object = 1, field: object = "n_layers") -> dict[str, object]:
    return {"field": field, "value": value, "number": number}


def test_every_chart_goes_to_the_part_that_keeps_it_with_alt_text_and_height() -> None:
    visit = Visit()
    parts = charts(visit)
    assert visit.page.get("plotly_chart") == []
    assert ["163.0 M parameters" in part["alt"] for part in parts] == [True, False]
    for part in parts:
        figure = json.loads(part["figure"])
        assert figure["layout"]["height"] == part["height"]
        assert len(part["figure"]) < 2000, "the theme is put on in the browser"


@pytest.mark.parametrize("off", ["by setting", "no script", "failed in the browser"])
def test_without_the_part_charts_are_streamlit_s_own(off: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if off == "by setting":
        monkeypatch.setenv("LLM_EXPLORER_LIVE", "0")
    if off == "no script":
        monkeypatch.setattr(chart, "SCRIPT", chart.SCRIPT.with_name("missing.js"))
    visit = Visit()
    if off == "failed in the browser":
        visit.page.session_state["live_chart_failed"] = True
        visit.run()
    assert len(visit.page.get("plotly_chart")) == 2
    assert charts(visit) == []


def test_while_a_slider_is_dragged_everything_but_the_field_follows() -> None:
    visit = move(Visit(), layers(24))
    assert visit.metrics()["Parameters"] == "248.0 M"  # 163,009,536 + 12 x 7,085,568
    assert "248.0 M parameters" in charts(visit)[0]["alt"]
    assert visit.number("n_layers") == 12
    assert visit.slider("n_layers") == 12


def test_what_a_drag_passes_is_not_kept_for_undo() -> None:
    visit = Visit()
    for number, value in enumerate((13, 14, 15), 1):
        move(visit, layers(value, number))
    assert next(button for button in visit.page.button if button.key == "undo").disabled


def test_when_it_is_let_go_the_value_is_the_slider_s_and_the_drag_is_over() -> None:
    visit = move(Visit(), layers(24))
    visit.slide("n_layers", 20)
    assert visit.number("n_layers") == 20
    assert visit.metrics()["Parameters"] == "219.7 M"
    assert visit.type("n_layers", 2).metrics()["Parameters"] == "92.2 M", "the last message of the drag is forgotten"


def test_let_go_where_it_began_the_browser_says_that_it_is_over() -> None:
    visit = move(move(Visit(), layers(24)), None)
    assert visit.metrics()["Parameters"] == "163.0 M"


def test_an_invalid_combination_on_the_way_is_told_and_the_charts_stay() -> None:
    visit = move(Visit(), layers(800, field="emb_dim"))
    assert "n_heads=12 does not divide emb_dim=800" in visit.words().replace("\\", "")
    assert "163.0 M parameters" in charts(visit)[0]["alt"]


def test_the_browser_is_answered_with_what_it_told() -> None:
    visit = move(Visit(), layers(24, 7))
    (part,) = [part for part in browser_parts(visit) if "options" in part]
    assert part["heard"]["number"] == 7
    assert part["options"]["n_heads"][:4] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "message",
    [
        "text",
        7,
        [],
        {},
        layers("24"),
        layers(24, "1"),
        layers(24, field="seed"),
        layers(24, field=["n_layers"]),
        layers(None),
        {"field": "n_layers"},
    ],
)
def test_what_a_stranger_tells_of_a_drag_changes_nothing(message: object) -> None:
    assert move(Visit(), message).metrics()["Parameters"] == "163.0 M"


def test_a_value_out_of_range_told_of_a_drag_is_a_sentence() -> None:
    assert "n_layers=-5 is not a whole number" in move(Visit(), layers(-5)).words().replace("\\", "")


def test_a_drag_starts_no_job(queue: MeasuringQueue) -> None:
    visit = Visit(n_layers="1", emb_dim="64", n_heads="4", vocab_size="65", context_length="64")
    visit.page.toggle(key="every_change").set_value(True)
    visit.run().until(lambda: not queue._waiting and queue._running is None)
    measured = len(queue._finished)
    move(visit, layers(2))
    assert (queue._waiting, queue._running, len(queue._finished)) == ([], None, measured)


def test_the_number_of_before_typed_after_a_sliders_move_is_a_change() -> None:
    visit = Visit().slide("n_layers", 20)
    assert visit.type("n_layers", 12).slider("n_layers") == 12
