"""The lesson on automatic differentiation, from the first to the last step in a real Chromium."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from llm_explorer.texts import autograd as texts
from tests.browser.screen import SMALL, Screen

pytestmark = pytest.mark.browser
STEPS = 9
GUESSES = {
    1: texts.CHAIN_GUESS.options["product"],
    2: texts.NEURON_OPTIONS["lowers"],
    3: texts.GRAPH_GUESS.options["sum"],
    4: "close to 0",
    5: "years",
    6: texts.STEP_GUESS.options["root_of_rounding"],
    7: "an error",
    8: texts.ENGINE_GUESS.options["all"],
}


def test_a_learner_walks_from_the_first_step_to_the_last(open_screen: Callable[..., Screen]) -> None:
    screen = open_screen(f"autograd{SMALL}")
    page = screen.page
    main = page.get_by_test_id("stMain")
    for step, option in GUESSES.items():
        expect(page.get_by_text(f"{step} of {STEPS} ·")).to_be_visible()
        main.get_by_role("radiogroup").get_by_text(option).first.click()
        expect(main.get_by_test_id("stAlert").first).to_be_visible()
        if step == 3:
            page.get_by_role("slider", name=texts.GRAPH_STEP).press("ArrowRight")
            expect(page.get_by_text("BinaryCrossEntropyBackward0")).to_be_visible()
        if step == 4:
            page.get_by_role("slider", name=texts.TANGENT_SLIDER).press("ArrowLeft")
            expect(page.get_by_text("Loss at w = 2.1: 0.0946, w.grad = -0.0993")).to_be_visible()
        page.get_by_role("button", name="Next:").click()
    expect(page.get_by_text(f"{STEPS} of {STEPS} ·")).to_be_visible()
    page.get_by_placeholder("1.5 M").fill("36.1 K")
    page.get_by_placeholder("1.5 M").press("Enter")
    expect(page.get_by_text("Right: 36.1 K")).to_be_visible()  # (108,352 parameters + 1) / 3
    assert page.get_by_test_id("stException").count() == 0
    for width in (1366, 1000):  # at 1000 they do not all fit beside the title
        page.set_viewport_size({"width": width, "height": 768})
        boxes = [page.get_by_role("button", name=name).bounding_box() for name in ("Pin", "Undo", "Share")]
        assert len({box and box["y"] for box in boxes}) == 1, boxes
    # the browser looks for the server below the page's own name first: that is no error of the page
    assert [error for error in screen.errors if "404" not in error] == []
