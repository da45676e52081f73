"""Charts that change in place and sliders whose drag is felt, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.screen import Screen
from tests.waiting import until

pytestmark = pytest.mark.browser
OpenScreen = Callable[..., Screen]

# every different text of the charts' titles, as the eye sees them: once a frame
WATCH = """() => {
  window.seen = []; let last = '';
  const look = () => {
    const now = [...document.querySelectorAll('.live-chart .gtitle')].map((title) => title.textContent).join('|');
    if (now !== last) { last = now; window.seen.push(now); }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
TITLE = ".live-chart .gtitle"


def thumb(page: Page, name: str) -> tuple[float, float]:
    """The middle of a slider's thumb."""
    shown = page.locator(f".st-key-{name}__slider [data-testid=stSliderThumbValue]")
    box = shown.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] + 8


def drag(page: Page, name: str, by: int, steps: int = 30) -> None:
    """Press on a slider's thumb and move it, without letting go."""
    x, y = thumb(page, name)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(x + by * step / steps, y)
        page.wait_for_timeout(30)


def title(page: Page) -> Locator:
    return page.locator(TITLE).first


@pytest.mark.parametrize("field", ["vocab_size", "context_length", "emb_dim", "n_layers", "n_heads", "drop_rate"])
def test_charts_follow_the_hand_and_the_address_changes_when_it_lets_go(open_screen: OpenScreen, field: str) -> None:
    page = open_screen().page
    expect(title(page)).to_have_text("163.0 M parameters")
    page.evaluate(WATCH)
    address = page.url
    drag(page, field, by=-40 if field == "n_heads" else 40)
    # heads and dropout change no parameter, but what is alive at the peak; heads may change nothing on the screen
    until(lambda: len(page.evaluate("window.seen")) > (0 if field in ("n_heads", "drop_rate") else 3))
    assert page.url == address
    page.mouse.up()
    page.wait_for_url(re.compile(rf"{field}="))
    value = page.locator(f".st-key-{field}__slider [data-testid=stSliderThumbValue]").inner_text().replace(",", "")
    assert f"{field}={value}" in page.url
    expect(page.locator(f".st-key-{field} input")).to_have_value(value)


def test_a_drag_draws_what_follows_the_hand_and_not_the_frame(open_screen: OpenScreen) -> None:
    received: list[bytes] = []

    def hear(message: bytes | str) -> None:
        received.append(message if isinstance(message, bytes) else message.encode())

    def listen(page: Page) -> None:
        page.on("websocket", lambda socket: socket.on("framereceived", hear))

    page = open_screen(before=listen).page
    expect(title(page)).to_have_text("163.0 M parameters")
    label = b"exact value"  # of the numbers in the sidebar
    assert any(label in message for message in received)
    received.clear()
    drag(page, "n_layers", by=60)
    expect(title(page)).not_to_have_text("163.0 M parameters")
    assert any(b"M parameters" in message for message in received)
    assert not any(label in message for message in received)
    page.mouse.up()
    page.wait_for_url(re.compile("n_layers="))
    assert any(label in message for message in received)


def test_a_release_that_the_browser_sends_together_with_the_last_of_the_drag_is_not_lost(
    open_screen: OpenScreen,
) -> None:
    page = open_screen().page
    expect(title(page)).to_have_text("163.0 M parameters")
    # what Streamlit's browser part gathers within setTimeout(0) is one message
    page.evaluate("const real = setTimeout; window.setTimeout = (call, ms, ...rest) => real(call, ms || 300, ...rest)")
    drag(page, "n_layers", by=60)
    page.wait_for_timeout(1000)  # nothing is on its way
    x, y = thumb(page, "n_layers")
    page.mouse.move(x + 20, y)
    page.wait_for_timeout(100)
    page.mouse.up()
    page.wait_for_url(re.compile("n_layers="))
    value = page.locator(".st-key-n_layers__slider [data-testid=stSliderThumbValue]").inner_text()
    expect(page.locator(".st-key-n_layers input")).to_have_value(value)


def test_a_drag_back_to_where_it_began_changes_nothing(open_screen: OpenScreen) -> None:
    page = open_screen().page
    expect(title(page)).to_have_text("163.0 M parameters")
    address = page.url
    drag(page, "n_layers", by=60)
    expect(title(page)).not_to_have_text("163.0 M parameters")
    x, y = thumb(page, "n_layers")
    page.mouse.move(x - 60, y, steps=20)
    page.mouse.up()
    expect(title(page)).to_have_text("163.0 M parameters")
    assert page.url == address


def test_the_plot_is_kept_with_its_zoom_when_a_slider_moves(open_screen: OpenScreen) -> None:
    page = open_screen().page
    expect(title(page)).to_have_text("163.0 M parameters")
    page.evaluate("document.querySelector('.live-chart').kept = true")
    box = page.locator(".live-chart .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 90, steps=5)
    page.mouse.up()
    zoomed = "document.querySelector('.live-chart').layout.xaxis.range"
    until(lambda: page.evaluate(zoomed)[0] > 0, 5)
    before = page.evaluate(zoomed)
    page.get_by_role("slider", name="Layers").press("ArrowRight")
    expect(title(page)).to_have_text("170.1 M parameters")
    assert page.evaluate("document.querySelector('.live-chart').kept") is True
    assert page.evaluate(zoomed) == before


def test_a_plot_taken_away_while_it_is_drawn_is_no_failure(open_screen: OpenScreen) -> None:
    page = open_screen().page
    expect(title(page)).to_have_text("163.0 M parameters")
    # Plotly draws in steps; a purge between them ends in an error
    page.evaluate(
        """() => {
          const react = window.Plotly.react;
          window.Plotly.react = async (plot, ...rest) => {
            await react(plot, ...rest);
            await new Promise((done) => setTimeout(done, 1500));
            if (!plot._fullLayout) { window.gone = true; throw new TypeError("purged"); }
          };
        }"""
    )
    page.get_by_role("slider", name="Layers").press("ArrowRight")
    expect(title(page)).to_have_text("170.1 M parameters")
    page.get_by_role("link", name="Parameters").click()
    until(lambda: page.evaluate("window.gone"), 5)
    expect(page.locator(".live-chart .main-svg").first).to_be_visible()
    page.wait_for_timeout(500)
    assert page.locator(".live-chart").count() > 0
    assert page.get_by_test_id("stPlotlyChart").count() == 0


def test_charts_follow_the_theme_at_once(open_screen: OpenScreen) -> None:
    page = open_screen(color_scheme="light").page
    expect(title(page)).to_have_text("163.0 M parameters")
    colour = "() => getComputedStyle(document.querySelector('.live-chart .gtitle')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    until(lambda: page.evaluate(colour) != light, 10)


def test_charts_are_figures_with_words_that_the_keyboard_reaches(open_screen: OpenScreen) -> None:
    page = open_screen().page
    figure = page.get_by_role("figure", name="163.0 M parameters")
    expect(figure).to_be_visible()
    figure.focus()
    assert page.evaluate("document.activeElement.className.includes('live-chart')")


def test_a_chart_is_downloaded_as_png_and_as_svg(open_screen: OpenScreen) -> None:
    page = open_screen().page
    expect(title(page)).to_have_text("163.0 M parameters")
    page.locator(".live-chart").first.hover()
    for ending in ("PNG", "SVG"):
        with page.expect_download() as started:
            page.locator(f".live-chart .modebar-btn[data-title='Download {ending}']").first.click()
        assert started.value.suggested_filename == f"parameters_chart.{ending.lower()}"


def test_where_plotly_s_script_does_not_arrive_streamlit_draws_the_charts(open_screen: OpenScreen) -> None:
    screen = open_screen(before=lambda page: page.route("**/plotly.min.js", lambda route: abort(route)))
    expect(screen.page.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=20_000)
    expect(screen.page.locator(".live-chart")).to_have_count(0)
    screen.errors.clear()  # the browser tells that the script did not arrive


def test_on_a_touch_screen_of_420_pixels_a_slider_can_be_dragged(open_screen: OpenScreen) -> None:
    screen = open_screen(viewport={"width": 420, "height": 800}, has_touch=True, is_mobile=True)
    page = screen.page
    page.get_by_test_id("stExpandSidebarButton").tap()
    page.locator(".st-key-n_layers__slider").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    x, y = thumb(page, "n_layers")
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, at: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": at, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", x)
    for step in range(20):
        touch("touchMove", x + 3 * step)
        page.wait_for_timeout(30)
    touch("touchEnd", x)
    page.wait_for_url(re.compile("n_layers="))


def abort(route: Route) -> None:
    route.abort()
