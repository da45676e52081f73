"""The Memory page in a real Chromium: it never blocks, follows the sliders, and its links lead to lessons and back."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from llm_explorer.texts import memory as texts
from llm_explorer.ui.memory import tables
from tests.browser.screen import SMALL, Screen
from tests.browser.test_explore import CUT_SHORT
from tests.waiting import until

pytestmark = pytest.mark.browser
OpenScreen = Callable[..., Screen]
TIMELINE = '.live-chart[data-name="timeline_chart"]'


def traced(screen: Screen) -> str:
    """The sentence with the traced peak, once it is there."""
    sentence = screen.page.get_by_text("Traced: ").first
    expect(sentence).to_be_visible(timeout=60_000)
    expect(screen.page.locator(TIMELINE)).to_be_visible(timeout=30_000)
    return sentence.inner_text()


def test_the_timeline_comes_by_itself_and_follows_a_slider(open_screen: OpenScreen) -> None:
    screen = open_screen(f"memory{SMALL}")
    before = traced(screen)
    screen.page.evaluate(f"document.querySelector('{TIMELINE}').kept = true")
    screen.slider("Layers").press("ArrowRight")
    screen.page.wait_for_url(re.compile("n_layers=3"))
    until(lambda: "Traced: " in screen.words() and traced(screen) != before)
    assert screen.page.evaluate(f"document.querySelector('{TIMELINE}').kept") is True
    assert screen.page.get_by_test_id("stException").count() == 0


def test_sliders_that_come_late_to_the_browser_show_what_the_address_says(open_screen: OpenScreen) -> None:
    def hold(page: Page) -> None:
        def until_traced(route: Route) -> None:
            page.get_by_text("Traced: ").first.wait_for(timeout=60_000)  # the page has been drawn twice by then
            route.continue_()

        page.route("**/Slider.*.js", until_traced)

    page = open_screen(f"memory{SMALL}", before=hold).page
    for field, value in {"context_length": "64", "emb_dim": "64", "n_heads": "4", "n_layers": "2"}.items():
        expect(page.locator(f".st-key-{field}__slider").get_by_test_id("stSliderThumbValue")).to_have_text(value)
    page.locator(".st-key-drop_rate__slider").get_by_role("slider").press("ArrowRight")
    page.wait_for_url(re.compile("drop_rate=0.05"))
    assert "context_length=64" in page.url


def test_a_config_that_the_address_brought_goes_along_to_a_page_that_is_drawn_twice(open_screen: OpenScreen) -> None:
    page = open_screen("?n_layers=7&batch_size=3&set=seed%3D5").page
    page.get_by_role("link", name="Memory").click()
    expect(page.locator(TIMELINE)).to_be_visible(timeout=60_000)  # the second time
    page.wait_for_timeout(1000)
    for field, value in {"n_layers": "7", "batch_size": "3", "set": "seed=5"}.items():
        expect(page.locator(f".st-key-{field} input")).to_have_value(value)
    assert re.search(r"memory\?.*n_layers=7", page.url)
    assert "batch_size=3" in page.url


def test_a_drag_changes_the_sentence_at_once_and_the_trace_when_it_is_let_go(open_screen: OpenScreen) -> None:
    # a config of its own: what has been traced before is shown as soon as a drag comes by
    screen = open_screen(f"memory{SMALL}&accumulation=2")
    traced(screen)
    screen.settle()
    thumb = screen.page.locator(".st-key-n_layers__slider [data-testid=stSliderThumbValue]").bounding_box()
    assert thumb is not None
    x, y = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] + 8
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    for step in range(20):
        screen.page.mouse.move(x + 3 * step, y)
        screen.page.wait_for_timeout(30)
    expect(screen.page.get_by_text("Traced when the slider is let go")).to_be_visible()
    expect(screen.page.get_by_text("The chart is still of Class 0.1 M")).to_be_visible()
    screen.page.mouse.up()
    traced(screen)
    expect(screen.page.get_by_text("The chart is still of")).to_have_count(0)


def test_a_button_makes_the_change_and_the_address_has_it(open_screen: OpenScreen) -> None:
    screen = open_screen(f"memory{SMALL}")
    traced(screen)
    screen.page.locator(".st-key-help_checkpointing").get_by_role("button").click()
    screen.page.wait_for_url(re.compile("checkpointing%3Dtrue"))
    expect(screen.page.locator(".st-key-help_checkpointing").get_by_role("button")).to_be_disabled()


def test_a_link_opens_the_step_of_a_lesson_and_leads_back(open_screen: OpenScreen) -> None:
    screen = open_screen(f"memory{SMALL}")
    traced(screen)
    page = "pages/autograd.py"
    screen.page.get_by_role("link", name=texts.TAUGHT[page]).click()
    expect(screen.page.get_by_text(re.compile(f"^{tables.TAUGHT[page]} of "))).to_be_visible(timeout=30_000)
    screen.page.get_by_role("link", name=texts.MEMORY_LINK).click()
    traced(screen)
    assert "emb_dim=64" in screen.page.url
    assert "step" not in screen.page.url


def test_the_receipt_is_downloaded_as_png_and_as_markdown(open_screen: OpenScreen) -> None:
    screen = open_screen(f"memory{SMALL}")
    traced(screen)
    with screen.page.expect_download() as started:
        screen.press(texts.MARKDOWN)
    text = started.value.path().read_text(encoding="utf-8")
    assert "| parameters | 108,352 |" in text
    assert re.search(r"<http://127\.0\.0\.1:\d+/memory\?\S*emb_dim=64\S*>", text)
    screen.page.get_by_text(texts.PICTURE).click()
    picture = screen.page.locator('.live-chart[data-name="receipt"]')
    expect(picture.locator(".table")).to_be_visible()
    picture.hover()
    with screen.page.expect_download() as started:
        picture.locator(".modebar-btn[data-title='Download PNG']").click()
    assert started.value.suggested_filename == "receipt.png"
    assert started.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("width", [1366, 420])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_and_a_narrow_screen_show_all_of_it(open_screen: OpenScreen, theme: Any, width: int) -> None:
    screen = open_screen(f"memory{SMALL}", viewport={"width": width, "height": 900}, color_scheme=theme)
    traced(screen)
    screen.settle()
    assert screen.page.evaluate(CUT_SHORT) == []
    main = screen.page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
