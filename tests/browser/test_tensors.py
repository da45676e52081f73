"""The lesson on tensors, from the first to the last step in a real Chromium."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from llm_explorer.texts import tensors as texts
from tests.browser.screen import SMALL, Screen

pytestmark = pytest.mark.browser
STEPS = 9


def test_a_learner_walks_from_the_first_step_to_the_last(open_screen: Callable[..., Screen]) -> None:
    screen = open_screen(f"tensors{SMALL}")
    page = screen.page

    def go_to(step: int, right: str) -> None:
        page.get_by_role("button", name="Next:").click()
        expect(page.get_by_role("heading", name=f"{step} of {STEPS}")).to_be_visible()
        page.get_by_test_id("stMain").get_by_text(right, exact=True).first.click()

    page.get_by_text("48", exact=True).click()
    expect(page.get_by_text("Right. A shape multiplies")).to_be_visible()
    go_to(2, "float64")
    expect(page.get_by_text("Token ids are int64")).to_be_visible()
    go_to(3, "none")
    page.get_by_role("button", name="Transpose: x.T").click()
    page.get_by_role("button", name="x.view(12,)").click()
    expect(page.get_by_text("RuntimeError: view size is not compatible")).to_be_visible()
    page.get_by_role("button", name="x.reshape(12,)").click()
    expect(page.locator(".js-plotly-plot").get_by_text("a copy, +48 bytes")).to_be_visible()
    go_to(4, "(2, 4)")
    slider = page.get_by_role("slider", name="Cells computed")
    slider.press("ArrowRight")
    expect(page.get_by_text("Row 0 times column 1")).to_be_visible()
    go_to(5, "shape (3, 3)")
    expect(page.locator(".js-plotly-plot").get_by_text("Dotted cells are read again")).to_be_visible()
    go_to(6, "1 to 10%")
    expect(page.get_by_text("Built on the meta device")).to_be_visible()
    go_to(7, "[9, 1, 1]")
    page.get_by_role("button", name="Time it").click()
    expect(page.get_by_text("10 products each, in turn")).to_be_visible()
    go_to(8, texts.PLAY_GUESS.options["transposed"])
    expect(page.get_by_text("# a new strip")).to_be_visible()
    page.get_by_role("button", name="Next:").click()
    page.get_by_placeholder("1.5 GiB").first.fill("16640 B")
    page.get_by_placeholder("1.5 GiB").first.press("Enter")
    expect(page.get_by_text("Right: 16.2 KiB")).to_be_visible()  # 65 tokens, 64 numbers of 4 bytes
    assert page.get_by_test_id("stException").count() == 0
