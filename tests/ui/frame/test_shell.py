"""Problems in words, undo and pins."""

from typing import Any

import psutil
import pytest

from llm_explorer import units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig
from tests.ui.app_visit import Visit


def test_heads_that_do_not_divide_show_both_numbers_and_go_on_with_the_last_valid_config() -> None:
    visit = Visit()
    before = visit.metrics(), visit.sentence()
    visit.type("n_heads", 10)
    assert "n_heads=10 does not divide emb_dim=768: 768 / 10 = 76.8; nearest that do: 8, 12" in visit.words()
    assert visit.metrics()["Parameters"] == before[0]["Parameters"]
    assert visit.number("n_heads") == 10, "what was typed is not taken away"


@pytest.mark.parametrize(
    ("fix", "n_heads", "emb_dim"), [("n_heads=8", 8, 768), ("n_heads=12", 12, 768), ("emb_dim=770", 10, 770)]
)
def test_each_fix_of_heads_that_do_not_divide_mends_it(fix: str, n_heads: int, emb_dim: int) -> None:
    visit = Visit().type("n_heads", 10).press(f"Use {fix}")
    assert "does not divide" not in visit.words()
    assert (visit.number("n_heads"), visit.number("emb_dim")) == (n_heads, emb_dim)
    total = count_parameters(ModelConfig(n_heads=n_heads, emb_dim=emb_dim)).total
    assert visit.metrics()["Parameters"] == units.count(total)


def test_back_to_it_brings_the_last_valid_config_into_the_widgets() -> None:
    visit = Visit().type("n_layers", 7).type("n_heads", 10).press("Back to it")
    assert (visit.number("n_layers"), visit.number("n_heads")) == (7, 12)
    assert "does not divide" not in visit.words()


def test_several_problems_are_shown_together() -> None:
    visit = Visit().type("n_heads", 10).write("hidden_dim=0 nonsense")
    for told in ("n_heads=10 does not divide", "hidden_dim=0 is not a whole number", "nonsense is not a setting"):
        assert told in visit.words()


def test_undo_goes_back_config_by_config_and_stops_at_the_first() -> None:
    visit = Visit()
    assert visit.page.button(key="undo").disabled
    visit.slide("n_layers", 13).type("batch_size", 5).write("qkv_bias=true")
    undone = []
    while not visit.page.button(key="undo").disabled:
        visit.press("Undo")
        settings = visit.page.text_input(key="set").value
        undone.append((visit.number("n_layers"), visit.number("batch_size"), settings))
    assert undone == [(13, 5, ""), (13, 2, ""), (12, 2, "")]


def test_undo_from_an_invalid_config_leads_to_the_last_valid_one() -> None:
    visit = Visit().type("n_layers", 7).type("n_heads", 10).press("Undo")
    assert "does not divide" not in visit.words()
    assert (visit.number("n_layers"), visit.number("n_heads")) == (7, 12)
    assert visit.press("Undo").number("n_layers") == 12
    first = Visit().type("n_heads", 10).press("Undo")
    assert first.number("n_heads") == 12


def test_the_newest_pin_is_what_the_metrics_are_compared_with() -> None:
    visit = Visit(hardware="h100-80gb").press("Pin").slide("n_layers", 13)
    # 12 D^2 + 10 D a block: 7,077,888 + 7,680 (no qkv bias)
    assert visit.changes()["Parameters"] == "+7.1 M"
    assert "Changes are against Book GPT-2 small" in visit.words()
    visit.press("Pin")
    assert visit.changes()["Parameters"] == "no change"
    visit.slide("n_layers", 12)
    assert visit.changes()["Parameters"] == "-7.1 M"
    visit.press("Unpin")
    assert set(visit.changes().values()) == {""}


def test_at_most_four_pins_are_kept() -> None:
    visit = Visit()
    for layers in range(1, 7):
        visit.type("n_layers", layers).press("Pin")
    pins = visit.page.session_state["pins"]
    assert [pin.model.n_layers for pin in pins] == [3, 4, 5, 6]


def test_what_is_wrong_among_the_other_settings_can_be_removed() -> None:
    visit = Visit().write("seed=1 colour=red")
    assert "colour" in visit.words()
    visit.press("Remove it from the other settings")
    assert visit.page.text_input(key="set").value == "seed=1"


def test_a_field_with_its_own_control_is_not_taken_from_the_other_settings() -> None:
    visit = Visit().write("n_layers=3")
    assert "has its own control" in visit.words()
    visit.press("Remove it from the other settings")
    assert visit.metrics()["Parameters"] == "163.0 M"


def test_heads_that_do_not_divide_leave_the_slider_when_they_are_mended() -> None:
    visit = Visit().type("emb_dim", 1600)
    visit.press("Use n_heads=16")
    assert "12" not in visit.options("n_heads")


def test_all_numbers_of_a_page_are_about_one_reading_of_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = Visit()
    read = psutil.virtual_memory
    readings: list[int] = []

    def look() -> Any:
        readings.append(read().available)
        return read()

    monkeypatch.setattr(psutil, "virtual_memory", look)
    visit.slide("n_layers", 24)  # which asks for a verdict, for what fits and for ways to fit
    assert len(readings) == 1
