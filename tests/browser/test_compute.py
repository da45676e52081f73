"""The Compute page in a real Chromium: calibrate, and every number has its time."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from llm_explorer.texts import compute as texts
from tests.browser.screen import SMALL, Screen, Server

pytestmark = pytest.mark.browser


def test_a_visitor_calibrates_and_sees_times_and_the_roofline(
    open_screen: Callable[..., Screen], fresh_server: Server
) -> None:
    screen = open_screen(f"compute{SMALL}", on=fresh_server)
    page = screen.page
    expect(page.get_by_text("Nothing is known of the speed of this device")).to_be_visible()
    screen.press(texts.CALIBRATE)
    expect(page.get_by_role("button", name=texts.CALIBRATE_AGAIN)).to_be_visible(timeout=60_000)
    screen.settle()
    assert "unknown" not in screen.metrics()[:4]
    assert any("Roofline of this device" in words for words in screen.chart_words())
    page.get_by_role("spinbutton", name=texts.PLAN_TOKENS).fill("2000")
    page.get_by_role("spinbutton", name=texts.PLAN_TOKENS).press("Enter")
    expect(page.get_by_text("2.0 B tokens at the predicted")).to_be_visible()
    page.get_by_role("link", name="Explore", exact=False).first.click()
    expect(page.get_by_text("a step here is predicted to take")).to_be_visible()
    expect(page.get_by_text("2.0 B tokens at the predicted")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
