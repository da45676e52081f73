"""The whole job without a mouse."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.screen import SMALL, Screen
from tests.waiting import until

pytestmark = pytest.mark.browser

MOST_TABS = 120  # from one end of the page to the other
# what has the focus, what it is called, and whether anything shows that it has it
FOCUSED = """() => {
    const element = document.activeElement;
    const name = element.getAttribute('aria-label') || element.innerText || '';
    const seen = [element, element.parentElement, element.parentElement?.parentElement].filter(Boolean).some((each) => {
        const style = getComputedStyle(each);
        return (style.outlineStyle !== 'none' && style.outlineWidth !== '0px') || style.boxShadow !== 'none';
    });
    return [element.tagName, element.type || '', name.trim(), seen];
}"""


def tab_to(screen: Screen, what: Callable[[str, str, str], bool], *, back: bool = False) -> None:
    """Press Tab until the focus is on it."""
    met = []
    for _ in range(MOST_TABS):
        screen.page.keyboard.press("Shift+Tab" if back else "Tab")
        tag, kind, name, seen = screen.page.evaluate(FOCUSED)
        met.append(f"{tag} {kind} {name}"[:40])
        if what(tag, kind, name):
            assert seen, "nothing shows where the focus is"
            return
    raise AssertionError(f"not met: {met}")


def test_a_slider_is_moved_and_the_model_built_and_timed(open_screen: Callable[..., Screen]) -> None:
    screen = open_screen(SMALL)
    before = screen.metrics()[0]
    tab_to(screen, lambda _tag, kind, name: kind == "range" and "Layers" in name)
    screen.page.keyboard.press("ArrowRight")
    until(lambda: screen.metrics()[0] != before)
    screen.settle()
    tab_to(screen, lambda tag, _kind, name: tag == "BUTTON" and "Build and time it" in name)
    screen.page.keyboard.press("Enter")
    expect(screen.page.get_by_text("Measured: really run here")).to_be_visible(timeout=60_000)
    screen.settle()
    assert screen.errors == []


def test_a_formula_is_opened_and_closed_and_another_page_reached(open_screen: Callable[..., Screen]) -> None:
    screen = open_screen()
    tab_to(screen, lambda tag, _kind, name: tag == "BUTTON" and "ormula" in name)
    screen.page.keyboard.press("Enter")
    expect(screen.page.get_by_test_id("stPopoverBody")).to_be_visible()
    screen.quiet()  # Streamlit (1.67) listens for Escape some 0.1 s after the popover has opened
    screen.page.keyboard.press("Escape")
    expect(screen.page.get_by_test_id("stPopoverBody")).to_have_count(0)
    tab_to(screen, lambda tag, _kind, name: tag == "A" and "Memory" in name, back=True)
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_url(re.compile("/memory"))
    screen.settle()
    assert screen.errors == []
