"""Back, Forward and reload: one entry of the browser's history a page, and the screen is what its address says."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from llm_explorer.config import ModelConfig
from llm_explorer.texts.fields import FIELDS
from llm_explorer.ui.frame.shell import PAGES
from llm_explorer.ui.visit.state import SLIDERS
from tests.browser.screen import SLOW, SMALL, Screen, Server
from tests.browser.test_explore import start_slow_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
OpenScreen = Callable[..., Screen]
DEEP = "?n_layers=3&emb_dim=256&n_heads=4"
# what its link says -> its path below the server's
PATHS = {label: "" if path == "streamlit_app.py" else path[len("pages/") : -len(".py")] for path, label in PAGES}
OTHERS = dict(zip(PATHS, (*list(PATHS)[1:], "Explore"), strict=True))


@pytest.fixture(scope="module")
def window(browser: Browser, server: Server) -> Iterator[Screen]:
    """One for all pages: what is asked is counted from the entry that an address makes."""
    opened = Screen(browser, server)
    yield opened
    opened.close()


def entries(screen: Screen) -> int:
    return int(screen.page.evaluate("history.length"))


def in_address(screen: Screen) -> dict[str, float]:
    """The sliders' fields by the address: what is not there has its default."""
    asked = parse_qs(urlsplit(screen.page.url).query)
    assert all(len(values) == 1 for values in asked.values()), asked
    defaults = ModelConfig().model_dump()
    return {field: float(asked.get(field, [defaults[field]])[0]) for field in SLIDERS}


def on_screen(screen: Screen) -> dict[str, float]:
    return {field: float(screen.number(FIELDS[field].label).input_value()) for field in SLIDERS}


def expect_layers(screen: Screen, layers: int) -> None:
    """Both the screen and the address have so many, and agree in the other fields."""
    screen.quiet()
    assert on_screen(screen) == in_address(screen)
    assert on_screen(screen)["n_layers"] == layers
    options = screen.page.locator(".st-key-n_layers__slider").get_by_test_id("stSliderThumbValue")
    expect(options).to_have_text(str(layers))


def go(screen: Screen, label: str) -> None:
    screen.page.get_by_test_id("stPageLink-NavLink").get_by_text(label, exact=True).click(delay=80)  # as a hand does
    screen.quiet()
    assert urlsplit(screen.page.url).path == f"/{PATHS[label]}"


def back(screen: Screen) -> None:
    screen.page.go_back()


def type_layers(screen: Screen, layers: int) -> None:
    screen.number(FIELDS["n_layers"].label).fill(str(layers))
    screen.number(FIELDS["n_layers"].label).press("Enter")
    screen.quiet()


@pytest.mark.parametrize("label", PATHS)
def test_each_page_is_one_entry_and_back_forward_and_reload_bring_what_was_on_it(window: Screen, label: str) -> None:
    other = OTHERS[label]
    window.page.goto(window.server.url + PATHS[label] + DEEP)
    expect_layers(window, 3)
    before = entries(window)
    go(window, other)
    expect_layers(window, 3)
    back(window)
    expect_layers(window, 3)
    assert on_screen(window)["emb_dim"] == 256
    type_layers(window, 5)
    expect_layers(window, 5)
    window.slider("Layers").press("ArrowRight")
    expect_layers(window, 6)
    window.page.reload()
    expect_layers(window, 6)
    go(window, other)
    expect_layers(window, 6)
    type_layers(window, 9)
    assert entries(window) == before + 1
    back(window)
    expect_layers(window, 6)
    window.page.go_forward()
    expect_layers(window, 9)
    assert entries(window) == before + 1


def test_neither_a_slider_nor_a_preset_nor_undo_makes_an_entry(open_screen: OpenScreen) -> None:
    screen = open_screen()
    before = entries(screen)
    for layers in (13, 14, 15):
        screen.slider("Layers").press("ArrowRight")
        expect_layers(screen, layers)
    go(screen, "Memory")
    preset = screen.page.get_by_role("combobox", name="Preset")
    preset.fill("class 0.1M")
    preset.press("Enter")
    expect_layers(screen, 2)
    assert on_screen(screen)["emb_dim"] == 64
    screen.press("Undo")
    expect_layers(screen, 15)
    screen.press("Undo")
    expect_layers(screen, 14)
    back(screen)
    expect_layers(screen, 15)
    screen.press("Undo")
    expect_layers(screen, 14)
    assert entries(screen) == before + 1


def test_several_pages_deep_each_back_is_a_page_and_the_last_leaves_the_app(open_screen: OpenScreen) -> None:
    screen = open_screen(DEEP)
    tour = ("Memory", "Tensors", "Compute", "Compare")
    for layers, label in enumerate(tour, 4):
        go(screen, label)
        type_layers(screen, layers)
    for layers in (6, 5, 4, 3):
        back(screen)
        expect_layers(screen, layers)
    for layers in (4, 5, 6, 7):
        screen.page.go_forward()
        expect_layers(screen, layers)
    for _ in tour:
        back(screen)
    expect_layers(screen, 3)  # pressed without waiting for a page
    back(screen)
    assert screen.page.url == "about:blank"


def test_a_double_press_goes_two_pages_back(open_screen: OpenScreen) -> None:
    screen = open_screen(DEEP)
    go(screen, "Memory")
    type_layers(screen, 5)
    go(screen, "Compute")
    type_layers(screen, 7)
    screen.page.evaluate("() => { history.back(); setTimeout(() => history.back(), 60); }")
    screen.page.wait_for_url(lambda url: urlsplit(url).path == "/")
    expect_layers(screen, 3)
    screen.page.go_forward()
    expect_layers(screen, 5)


def test_what_was_typed_in_the_moment_of_the_click_is_in_both_addresses(open_screen: OpenScreen) -> None:
    screen = open_screen(DEEP)
    screen.number(FIELDS["n_layers"].label).fill("8")
    go(screen, "Memory")  # the box tells its value as it loses the focus
    expect_layers(screen, 8)
    back(screen)
    expect_layers(screen, 8)


def test_back_while_a_measurement_runs(open_screen: OpenScreen) -> None:
    screen = open_screen(f"memory{DEEP}")
    go(screen, "Explore")
    for name, value in (item.split("=") for item in SLOW[1:].split("&") if not item.startswith("batch")):
        screen.number(FIELDS[name].label).fill(value)
        screen.number(FIELDS[name].label).press("Enter")
        screen.quiet()
    start_slow_run(screen)
    back(screen)
    expect_layers(screen, 3)
    screen.page.go_forward()
    expect_layers(screen, 12)
    assert on_screen(screen)["emb_dim"] == 512


def test_a_step_of_a_lesson_and_what_was_guessed_there_are_found_again(open_screen: OpenScreen) -> None:
    screen = open_screen(f"tensors{SMALL}")
    page = screen.page
    before = entries(screen)
    page.get_by_text("48", exact=True).click()
    expect(page.get_by_text("Right. A shape multiplies")).to_be_visible()
    page.get_by_role("button", name="Next:").click()
    expect(page.get_by_role("heading", name="2 of 9")).to_be_visible()
    page.get_by_test_id("stMain").get_by_text("float64", exact=True).first.click()
    screen.quiet()
    go(screen, "Autograd")
    expect(page.get_by_role("heading", name="1 of 9")).to_be_visible()
    assert "step=" not in page.url
    back(screen)
    screen.quiet()
    assert "step=2" in page.url
    expect(page.get_by_role("heading", name="2 of 9")).to_be_visible()
    expect(page.get_by_text("Token ids are int64")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Back").click()
    expect(page.get_by_text("Right. A shape multiplies")).to_be_visible()
    assert entries(screen) == before + 1


def test_pins_stay_for_the_visit_and_the_address_goes_with_them(open_screen: OpenScreen) -> None:
    screen = open_screen(DEEP)
    before = entries(screen)
    go(screen, "Memory")
    screen.press("Pin")
    screen.quiet()
    assert "pin=" in screen.page.url
    back(screen)
    expect_layers(screen, 3)
    assert "pin=" in screen.page.url
    expect(screen.page.get_by_role("button", name="Unpin")).to_be_visible()
    assert entries(screen) == before + 1
