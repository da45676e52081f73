"""The guess that the first visit opens with."""

import pytest

from llm_explorer.texts import first_guess as texts
from llm_explorer.ui.explore import first_guess
from tests.ui.app_visit import Visit


class FirstVisit(Visit):
    has_been_here = False


def asks(visit: Visit) -> bool:
    return any(slider.label == texts.LABEL for slider in visit.page.slider)


def test_a_first_visit_is_asked_before_anything_is_told() -> None:
    visit = FirstVisit()
    assert asks(visit)
    assert "This model's weights are **621.8 MiB**" in visit.words()
    assert visit.metrics() == {}
    assert "4.3" not in visit.words()


def test_the_answer_is_computed_and_says_why() -> None:
    visit = FirstVisit()
    visit.page.slider[0].set_value(1.0)
    words = visit.run().press(texts.SHOW).words()
    # 621.8 MiB of weights; the peak of the book's GPT-2 small at B=2, T=256 is 2.6 GiB: docs/ACCURACY.md
    assert "**2.6 GiB: 4.3 times the weights.** Your guess was 1.0 GiB." in words
    assert "1.2 GiB in all" in words
    assert visit.chart("2.6 GiB alive at the peak")
    assert visit.press(texts.GO_ON).metrics()["Parameters"] == "163.0 M"
    assert not asks(visit)


def test_one_click_skips_it_and_has_the_browser_remember() -> None:
    visit = FirstVisit().press(texts.SKIP)
    assert not asks(visit)
    assert len(visit.metrics()) == 4
    assert any(first_guess.COOKIE in part.proto.json for part in visit.page.get("bidi_component"))


@pytest.mark.parametrize("address", [{"n_layers": "12"}, {"hide": "run"}, {"type": "large"}, {"pin": ["n_layers=3"]}])
def test_a_link_with_parameters_opens_as_it_is(address: dict[str, str | list[str]]) -> None:
    visit = FirstVisit(**address)
    assert not asks(visit)
    assert len(visit.metrics()) == 4


def test_a_slider_that_is_moved_ends_it_for_the_visit() -> None:
    visit = FirstVisit().slide("n_layers", 13)
    assert visit.metrics()["Parameters"] == "170.1 M"
    assert not asks(visit.press("Undo"))


def test_other_pages_do_not_ask() -> None:
    visit = FirstVisit()
    visit.page.switch_page("pages/parameters.py")
    assert not asks(visit.run())
