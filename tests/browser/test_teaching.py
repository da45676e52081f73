"""The teacher's kit in a real browser: the links of a class, hidden parts, larger type, a link's code, the guess."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from llm_explorer.texts import explore
from llm_explorer.texts import first_guess as guess
from tests.browser.screen import Screen
from tests.browser.test_explore import CUT_SHORT

pytestmark = pytest.mark.browser
OpenScreen = Callable[..., Screen]

TEACHING = (Path(__file__).parents[2] / "docs" / "TEACHING.md").read_text(encoding="utf-8")
# in the order of the class, each address once
LINKS = dict.fromkeys(re.findall(r"\[[^\]]+\]\(/([^)]*)\)", TEACHING))


def ready(page: Page) -> None:
    """Wait until the script has run; a page of a lesson may have no chart."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=30_000)
    page.wait_for_timeout(250)
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def go(screen: Screen, address: str) -> Page:
    screen.page.goto(screen.server.url + address)
    ready(screen.page)
    return screen.page


def test_every_link_of_a_class_opens_without_an_error(open_screen: OpenScreen) -> None:
    """One after the other in one browser, as in a class; the titles are asked of each step by tests/docs."""
    screen = open_screen()
    assert len(LINKS) > 10
    for address in LINKS:
        page = go(screen, address)
        step = re.search(r"step=(\d+)", address)
        heading = page.get_by_role("heading", name=re.compile(f"^{step[1]} of " if step else explore.TITLE[:-1]))
        expect(heading.first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_text("From the address:")).to_have_count(0)
        expect(page.get_by_text("The worker")).to_have_count(0)
    assert [error for error in screen.errors if "404" not in error] == []  # Streamlit asks below a page's path first
    assert "Traceback" not in screen.server.log.read_text()


def test_hidden_parts_are_off_the_screen_and_their_config_stays(open_screen: OpenScreen) -> None:
    screen = open_screen("?hide=sidebar,run,build&n_layers=24&batch_size=7&hardware=24GiB")
    page = screen.page
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator(".st-key-run_settings")).to_be_hidden()
    expect(page.get_by_role("button", name="Build and time it")).to_have_count(0)
    assert "B=7" in screen.sentence()
    expect(page.locator(".st-key-n_layers input")).to_have_value("24")
    main = page.get_by_test_id("stMain").bounding_box()
    assert main is not None
    assert main["x"] == 0
    screen.page.get_by_role("link", name="Memory").click()
    page.wait_for_url(re.compile("/memory"))
    ready(page)
    assert "hide=sidebar" in page.url
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator(".st-key-n_layers input")).to_have_value("24")
    assert "batch_size=7" in page.url


@pytest.mark.parametrize("width", [1400, 1000])
def test_larger_type_is_larger_and_nothing_is_cut_short(open_screen: OpenScreen, width: int) -> None:
    window = {"viewport": {"width": width, "height": 900}}
    usual, large = open_screen("?type=normal", **window), open_screen("?type=large", **window)
    sizes = (
        "() => ['stMetricValue', 'stMarkdownContainer'].map((name) => parseFloat(getComputedStyle("
        "document.querySelector(`[data-testid=stMain] [data-testid=${name}]`)).fontSize))"
    )
    letters = """() => [...document.querySelectorAll('.live-chart text')].map(
        (text) => parseFloat(getComputedStyle(text).fontSize))"""
    for script in (sizes, letters):
        before, after = usual.page.evaluate(script), large.page.evaluate(script)
        assert before
        assert after == pytest.approx([1.25 * size for size in before], rel=0.01)
    assert large.page.evaluate(CUT_SHORT) == []
    assert large.page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
    main = large.page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    for field in ("vocab_size", "drop_rate"):
        box = large.page.locator(f".st-key-{field} input")
        assert box.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_share_shows_the_code_of_the_address_in_the_bar(open_screen: OpenScreen) -> None:
    screen = open_screen("?hardware=24GiB&hide=receipt")
    screen.slider("Layers").press("ArrowRight")
    screen.page.wait_for_url(re.compile("n_layers=13"))
    screen.press("Pin")
    screen.page.wait_for_url(re.compile("pin="))
    screen.press("Share")
    dialog = screen.page.get_by_role("dialog")
    shown = dialog.get_by_test_id("stCode").first
    asked = "n => [...new URL(n).searchParams].sort().join()"
    expect(shown).to_contain_text("n_layers=13")
    assert screen.page.evaluate(asked, shown.inner_text().strip()) == screen.page.evaluate(asked, screen.page.url)
    code = dialog.get_by_role("img", name=re.compile("QR code"))
    box = code.bounding_box()
    assert box is not None
    assert box["width"] > 400
    assert box["width"] == pytest.approx(box["height"])
    before = code.get_attribute("src")
    dialog.get_by_text("Larger type").click()
    expect(shown).to_contain_text("type=large")
    expect(code).not_to_have_attribute("src", before or "")
    dialog.get_by_role("button", name="Sidebar").click()
    expect(shown).to_contain_text(re.compile("hide=(sidebar,receipt|receipt,sidebar)"))
    assert "type=large" not in screen.page.url
    link = dialog.get_by_role("link", name="Open it in a new tab")
    assert link.get_attribute("href") == shown.inner_text().strip()
    assert screen.errors == []


def test_the_first_visit_is_asked_once_and_for_all(open_screen: OpenScreen) -> None:
    screen = open_screen(first=True)
    page = screen.page
    ready(page)
    expect(page.get_by_text("This model's weights are 621.8 MiB")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_count(0)
    page.get_by_role("button", name=guess.SHOW).click()
    expect(page.get_by_text("2.6 GiB: 4.3 times the weights.")).to_be_visible()
    ready(page)
    place = page.locator(".st-key-n_layers__slider").bounding_box()
    page.get_by_role("button", name=guess.GO_ON).click()
    screen.settle()
    screen.expect_metric("163.0 M")
    assert page.locator(".st-key-n_layers__slider").bounding_box() == place
    page.reload()
    screen.settle()
    expect(page.get_by_text(guess.TITLE)).to_have_count(0)
    assert screen.errors == []


def test_skipping_the_guess_is_one_click_and_a_link_never_asks(open_screen: OpenScreen) -> None:
    screen = open_screen(first=True)
    screen.press(guess.SKIP)
    screen.settle()
    screen.page.reload()
    screen.settle()
    expect(screen.page.get_by_text(guess.TITLE)).to_have_count(0)
    other = open_screen("?n_layers=13", first=True)
    other.settle()
    other.expect_metric("170.1 M")
