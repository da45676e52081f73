"""The lesson on backpropagation, from the first to the last step in a real Chromium."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from llm_explorer.texts import backprop as texts
from tests.browser.screen import SMALL, Screen

pytestmark = pytest.mark.browser
STEPS = 9
GUESSES = {step: text.options[text.right] for step, text in enumerate(texts.GUESSES.values(), 1)} | {8: "the weights"}


def test_a_learner_walks_from_the_first_step_to_the_last(open_screen: Callable[..., Screen]) -> None:
    screen = open_screen(f"backprop{SMALL}")
    page, main = screen.page, screen.page.get_by_test_id("stMain")
    for step, option in GUESSES.items():
        expect(page.get_by_text(f"{step} of {STEPS} ·")).to_be_visible()
        main.get_by_role("radiogroup").get_by_text(option, exact=True).first.click()
        expect(main.get_by_test_id("stAlert").first).to_be_visible()
        if step == 2:
            page.get_by_role("button", name="Run 10 whole steps").click()
            expect(page.get_by_text("Parameters after this step", exact=True)).to_be_visible()
        if step == 3:
            page.get_by_role("button", name="Take the step").click()
            expect(page.get_by_text("Nearly as promised")).to_be_visible()
            page.get_by_role("slider", name="Learning rate lr").press("End")  # the largest rate
            expect(page.get_by_text("Less than half of what was promised")).to_be_visible()
        if step == 4:
            page.get_by_role("button", name="neuron 1").press("Enter")
            expect(page.get_by_text("Now: neurons 1, 4, 5.")).to_be_visible()
        page.get_by_role("button", name="Next:").click()
    expect(page.get_by_text(f"{STEPS} of {STEPS} ·")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    # the browser looks for the server below the page's own name first: that is no error of the page
    assert [error for error in screen.errors if "404" not in error] == []
