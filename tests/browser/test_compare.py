"""Compare and Parameters in a real Chromium: pins travel in the address, charts change in place, nothing is cut."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from llm_explorer.texts import compare as texts
from tests.browser.screen import SMALL, Screen
from tests.browser.test_explore import CUT_SHORT
from tests.waiting import until

pytestmark = pytest.mark.browser
OpenScreen = Callable[..., Screen]


def assert_all_is_shown(screen: Screen) -> None:
    screen.settle()
    assert screen.page.evaluate(CUT_SHORT) == []
    main = screen.page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert screen.page.get_by_test_id("stException").count() == 0


def test_pins_are_in_the_address_and_a_link_to_it_shows_the_same_on_a_telephone(open_screen: OpenScreen) -> None:
    screen = open_screen(SMALL)
    screen.press("Pin")
    screen.page.wait_for_url(re.compile("pin="))
    screen.slider("Layers").press("ArrowRight")
    screen.page.wait_for_url(re.compile("n_layers=3"))
    screen.page.get_by_role("link", name="Compare").click()
    expect(screen.page.get_by_text(texts.DIFFERENCES)).to_be_visible(timeout=30_000)
    assert_all_is_shown(screen)
    address = screen.page.url.removeprefix(screen.server.url)
    assert "pin=" in address
    assert "n_layers=3" in address
    telephone: Any = {"viewport": {"width": 420, "height": 900}, "color_scheme": "dark"}
    other = open_screen(address, **telephone)
    expect(other.page.get_by_text(texts.DIFFERENCES)).to_be_visible()
    assert other.page.get_by_role("table").all_inner_texts() == screen.page.get_by_role("table").all_inner_texts()
    assert "From the address" not in other.words()
    assert_all_is_shown(other)


def test_a_key_press_changes_the_tree_and_the_drawing_in_place(open_screen: OpenScreen) -> None:
    screen = open_screen(f"parameters{SMALL}")
    tree = '.live-chart[data-name="tree_chart"]'
    expect(screen.page.locator(f"{tree} .slice").first).to_be_visible(timeout=30_000)
    screen.page.evaluate(f"document.querySelector('{tree}').kept = true")
    screen.slider("Layers").press("ArrowRight")
    until(lambda: "blocks × 3" in screen.page.locator(tree).inner_text())
    assert screen.page.evaluate(f"document.querySelector('{tree}').kept") is True
    expect(screen.page.locator('.live-chart[data-name="block_diagram"]')).to_contain_text("block × 3")
    screen.page.set_viewport_size({"width": 420, "height": 900})
    assert_all_is_shown(screen)
