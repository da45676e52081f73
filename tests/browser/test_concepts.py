"""The lesson on the parts of a config, from the first to the last step in a real Chromium."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from llm_explorer.texts import concepts as texts
from tests.browser.screen import SMALL, Screen

pytestmark = pytest.mark.browser
STEPS = 13


def test_a_learner_walks_from_the_first_step_to_the_last(open_screen: Callable[..., Screen]) -> None:
    screen = open_screen(f"concepts{SMALL}")
    page = screen.page
    page.get_by_text("17.5 billion").click()
    expect(page.get_by_text("about 1,400 times GPT-2 small")).to_be_visible()
    expect(page.get_by_text("Parameters in published models")).to_be_visible()
    for step, card in enumerate([*texts.CARDS.values()][1:], 2):
        page.get_by_role("button", name="Next:").click()
        expect(page.get_by_role("heading", name=f"{step} of {STEPS} · {card.title}")).to_be_visible()
        expect(screen.charts().first).to_be_visible()
    page.get_by_role("button", name="Next:").click()
    page.locator(".st-key-mark_n_layers_Parameters").get_by_role("radio").first.press("Space")
    page.get_by_role("button", name="Show the real numbers").click()
    expect(page.get_by_text("1 of 1 marks are right")).to_be_visible()
    page.get_by_role("button", name="Next:").click()
    page.get_by_role("button", name="Use it in the whole app").click()
    expect(screen.number("Layers (L)")).to_have_value("12")
    page.get_by_role("button", name="Next:").click()
    expect(page.get_by_text("1 × 12 × 50,257")).to_be_visible()
    page.get_by_role("button", name="Next:").click()
    page.get_by_placeholder("1.5 M").first.fill("7.09 M")
    page.get_by_placeholder("1.5 M").first.press("Enter")
    expect(page.get_by_text("Right: 7.1 M")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    # the browser looks for the server below the page's own name first: that is no error of the page
    assert [error for error in screen.errors if "404" not in error] == []
