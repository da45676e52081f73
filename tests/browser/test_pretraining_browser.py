"""The lesson on pre-training, from the first to the last step in a real Chromium."""

import re

import pytest
from playwright.sync_api import Browser, expect

from llm_explorer.texts import pretraining as texts
from tests.browser.screen import Server

pytestmark = pytest.mark.browser
STEPS = {
    "A run to scrub": "About 4.6",
    "Let it write": texts.WRITE_GUESS.options["not_at_all"],
    "Dropout": texts.DROPOUT_GUESS.options["one_each"],
    "Fine-tuning and forgetting": texts.TUNING_GUESS.options["rises"],
    "Your own run": "",
    "Exercises": "",
}


def test_a_learner_walks_from_the_first_step_to_the_last(browser: Browser, server: Server) -> None:
    # not a Screen: that waits for a chart, and here there is none before the first guess
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server.url}pretraining")
    charts = page.locator(".js-plotly-plot .main-svg:first-child")
    page.get_by_text(texts.TARGETS_GUESS.options["moved_on"]).click(timeout=30_000)
    expect(page.get_by_text("Every position is an exercise")).to_be_visible(timeout=30_000)  # torch is imported
    expect(charts.first).to_be_visible()
    for number, (title, guess) in enumerate(STEPS.items(), 2):
        page.get_by_role("button", name="Next:").click()
        expect(page.get_by_role("heading", name=f"{number} of 7 · {title}")).to_be_visible()
        if guess:
            page.get_by_text(guess).first.click()
            # anchored: what the model writes is chance, and has had "oright: " in it
            expect(page.get_by_text(re.compile("^Right: "))).to_be_visible()
            expect(charts.first).to_be_visible()
    page.get_by_placeholder("3.5").fill("10.82")
    page.get_by_placeholder("3.5").press("Enter")
    expect(page.get_by_text("Right: 10.82")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    assert errors == []
    page.close()
