"""What a visitor of the Explore page does, in a real Chromium on a real server."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import WebSocketRoute, expect

from llm_explorer import units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig
from llm_explorer.ui.parts import WORD_JOINER
from tests.browser.screen import SLOW, SMALL, Screen, Server
from tests.waiting import until

pytestmark = pytest.mark.browser
OpenScreen = Callable[..., Screen]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of this file's own: its children are those of the runs asked for here."""
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


def parameters_of(**model: Any) -> str:
    return units.count(count_parameters(ModelConfig(**model)).total)


def start_slow_run(screen: Screen) -> None:
    """Press the button and wait until the model is being built or run."""
    screen.press("Build and time it")
    expect(screen.page.get_by_text(re.compile("^(building|warm-up|timing): "))).to_be_visible(timeout=60_000)


def test_the_first_page_shows_the_numbers_and_both_charts_and_asks_no_other_host(open_screen: OpenScreen) -> None:
    screen = open_screen()
    screen.expect_metric("163.0 M")  # 163,009,536: the book, chapter 4
    expect(screen.charts()).to_have_count(2)
    assert screen.sentence().startswith("163.0 M parameters, 621.8 MiB of weights; training it in fp32 with AdamW")
    assert "163.0 M parameters" in screen.chart_words()[0]
    assert "alive at the peak" in screen.chart_words()[1]
    screen.slider("Layers").press("ArrowRight")
    screen.settle()
    assert screen.errors == []
    assert [url for url in screen.requests if not url.startswith((screen.server.url, "data:", "blob:"))] == []


def test_a_key_press_on_a_slider_changes_the_charts_the_metrics_and_the_address(open_screen: OpenScreen) -> None:
    screen = open_screen("?hardware=24GiB")
    charts, metrics, sentence = screen.chart_words(), screen.metrics(), screen.sentence()
    screen.slider("Layers").press("ArrowRight")
    screen.expect_metric(parameters_of(n_layers=13))
    screen.settle()
    assert all(after != before for after, before in zip(screen.metrics()[:3], metrics, strict=False))
    assert all(after != before for after, before in zip(screen.chart_words(), charts, strict=True))
    assert screen.sentence() != sentence
    until(lambda: "n_layers=13" in screen.page.url)
    expect(screen.number("Layers (L)")).to_have_value("13")


def test_thirty_fast_key_presses_lose_nothing(open_screen: OpenScreen) -> None:
    screen = open_screen()
    slider = screen.slider("Layers")
    slider.focus()
    for _ in range(30):
        slider.press("ArrowRight")
    screen.expect_metric(parameters_of(n_layers=42))
    until(lambda: "n_layers=42" in screen.page.url)
    expect(screen.number("Layers (L)")).to_have_value("42")


def test_a_typed_number_moves_the_slider_and_stays_exact(open_screen: OpenScreen) -> None:
    screen = open_screen()
    thumb = screen.page.locator(".st-key-vocab_size__slider").get_by_test_id("stSliderThumbValue")
    for typed, shown in (("50000", "50,000"), ("50257", "50,257")):
        screen.number("Vocab size (V)").fill(typed)
        screen.number("Vocab size (V)").press("Enter")
        expect(thumb).to_have_text(shown)
        screen.expect_metric(parameters_of(vocab_size=int(typed)))


def test_a_share_link_shows_the_same_on_a_freshly_started_server(open_screen: OpenScreen, fresh_server: Server) -> None:
    screen = open_screen("?hardware=24GiB&precision=autocast")
    screen.slider("Layers").press("ArrowRight")
    screen.settle()
    screen.number("Vocab size (V)").fill("50000")
    screen.number("Vocab size (V)").press("Enter")
    screen.settle()
    settings = screen.page.get_by_role("textbox", name="Other settings")
    settings.fill("qkv_bias=true hidden_dim=2000")
    settings.press("Enter")
    expected = parameters_of(n_layers=13, vocab_size=50000, qkv_bias=True, hidden_dim=2000)
    screen.expect_metric(expected)
    until(lambda: "hidden_dim" in screen.page.url)
    screen.settle()
    address = screen.page.url.partition("?")[2]
    other = open_screen(f"?{address}", on=fresh_server)
    assert other.sentence() == screen.sentence()
    assert other.metrics() == screen.metrics()
    assert other.chart_words() == screen.chart_words()
    assert "From the address" not in other.words()


def test_build_and_time_shows_measured_times_beside_what_was_computed(open_screen: OpenScreen) -> None:
    screen = open_screen(SMALL)
    screen.press("Build and time it")
    expect(screen.page.get_by_text("Measured: really run here")).to_be_visible(timeout=60_000)
    screen.settle()
    table = [row.inner_text().split() for row in screen.page.get_by_role("row").all()]
    rows = {words[0]: " ".join(words) for words in table if words}
    assert rows["Parameters"].count("108,352") == 2  # V D + C D + L (12 D^2 + 13 D) + 2 D
    for phase in ("Forward", "Backward", "Whole"):
        assert re.search(r"not yet predicted\s+[\d.,]+ (µs|ms|s) ± ", rows[phase]), rows
    expect(screen.charts()).to_have_count(3)
    assert screen.errors == []


def test_cancel_ends_the_run_and_its_process(open_screen: OpenScreen, server: Server) -> None:
    screen = open_screen(SLOW)
    start_slow_run(screen)
    running = server.children()
    assert running
    screen.press("Cancel")
    until(lambda: not any(child in server.children() for child in running), 10)
    expect(screen.page.get_by_text("Not measured: Cancelled")).to_be_visible(timeout=15_000)
    expect(screen.page.get_by_role("button", name="Build and time it")).to_be_visible()


def test_closing_the_tab_ends_the_run_and_its_process(open_screen: OpenScreen, server: Server) -> None:
    screen = open_screen(SLOW)
    start_slow_run(screen)
    running = server.children()
    assert running
    screen.close()
    until(lambda: not any(child in server.children() for child in running), 15)


def test_a_killed_server_leaves_no_process_behind(open_screen: OpenScreen, fresh_server: Server) -> None:
    screen = open_screen(SLOW, on=fresh_server)
    start_slow_run(screen)
    children = fresh_server.children()
    assert children
    fresh_server.kill()
    until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), 2)


def test_a_connection_that_is_cut_comes_back_with_everything_as_it_was(open_screen: OpenScreen) -> None:
    sockets: list[WebSocketRoute] = []

    def keep(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    screen = open_screen(before=lambda page: page.route_web_socket(re.compile("_stcore/stream"), keep))
    screen.slider("Layers (L)").press("ArrowRight")
    screen.page.wait_for_url(re.compile("n_layers=13"))
    sockets[-1].close(code=1001)
    while len(sockets) < 2:
        screen.page.wait_for_timeout(100)  # not until(): what goes over the socket passes through this thread
    screen.settle()
    expect(screen.number("Layers (L)")).to_have_value("13")
    screen.expect_metric("170.1 M")
    screen.slider("Layers (L)").press("ArrowRight")
    screen.page.wait_for_url(re.compile("n_layers=14"))
    screen.settle()
    screen.expect_metric("177.2 M")


def test_heads_that_do_not_divide_are_told_and_one_click_mends_it(open_screen: OpenScreen) -> None:
    screen = open_screen()
    screen.number("Heads (N)").fill("10")
    screen.number("Heads (N)").press("Enter")
    message = screen.page.get_by_text("n_heads=10 does not divide emb_dim=768: 768 / 10 = 76.8")
    expect(message).to_be_visible()
    screen.expect_metric("163.0 M")
    screen.press("Use n_heads=8")
    expect(message).to_have_count(0)
    until(lambda: "n_heads=8" in screen.page.url)
    expect(screen.number("Heads (N)")).to_have_value("8")


COLOURS = """() => {
    const of = (element) => getComputedStyle(element);
    const app = document.querySelector('[data-testid=stApp]');
    const number = document.querySelector('[data-testid=stMetricValue]');
    return [of(app).backgroundColor, of(number).color];
}"""


# the numbers, their labels, and the parts of the charts that are wider than what is seen of them
CUT_SHORT = """() => {
    const seen = [...document.querySelectorAll('[data-testid=stMetricValue] *, [data-testid=stMetricLabel] *')];
    const cut = seen.filter((element) => element.clientWidth && element.scrollWidth > element.clientWidth + 1);
    const outside = [...document.querySelectorAll('.js-plotly-plot')].flatMap((plot) => {
        const edge = plot.getBoundingClientRect().right;
        return [...plot.querySelectorAll('text')].filter((text) => text.getBoundingClientRect().right > edge + 1);
    });
    return [...cut, ...outside].map((element) => element.textContent);
}"""


def brightness(colour: str) -> float:
    red, green, blue = (int(channel) for channel in re.findall(r"\d+", colour)[:3])
    return (299 * red + 587 * green + 114 * blue) / 1000  # W3C, Techniques for accessibility evaluation, 2.2


@pytest.mark.parametrize("width", [1366, 800])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_are_readable_and_nothing_overflows(open_screen: OpenScreen, theme: Any, width: int) -> None:
    screen = open_screen(viewport={"width": width, "height": 768}, color_scheme=theme)
    background, text = screen.page.evaluate(COLOURS)
    assert (brightness(background) > 128) == (theme == "light")
    assert abs(brightness(background) - brightness(text)) > 125  # the same source: the least that reads well
    assert screen.page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
    assert screen.page.evaluate(CUT_SHORT) == []
    main = screen.page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert screen.errors == []


@pytest.mark.parametrize("size", ["normal", "large"])
def test_four_metrics_never_stand_three_over_one(open_screen: OpenScreen, size: str) -> None:
    screen = open_screen(f"?type={size}")
    metrics = screen.page.get_by_test_id("stMetric")
    seen = set()
    for width in (420, 700, 1000, 1100, 1239, 1240, 1439, 1440, 1920):
        screen.page.set_viewport_size({"width": width, "height": 768})
        screen.page.wait_for_timeout(300)  # the sidebar opens and closes
        tops = [round(box["y"]) for metric in metrics.all() if (box := metric.bounding_box())]
        assert len(tops) == 4
        rows = sorted(tops.count(top) for top in {*tops})
        assert rows in ([1, 1, 1, 1], [2, 2], [4]), width
        seen.add(len(rows))
    assert seen >= {1, 2}
    assert screen.errors == []


HOSTILE = (
    "?n_layers=500000&emb_dim=%3Cscript%3Ealert(1)%3C/script%3E&batch_size=1e999&device=tpu&precision=fp8"
    "&hardware=**x**%3Cimg%20src=x%20onerror=alert(1)%3E&set=%5Bx%5D(javascript:alert(1))%20n_heads=nan&n_heads=12.5"
)


def test_a_hostile_address_is_told_in_words(open_screen: OpenScreen) -> None:
    screen = open_screen(HOSTILE)
    for told in (
        "n_layers=500000 is not a whole number from 1 to 10,000",
        "emb_dim='<script>alert(1)</script>' is not a whole number",
        "batch_size=inf is not a whole number",
        "device=tpu is not a device",
        "precision=fp8: use one of",
        "hardware=**x**<img src=x onerror=alert(1)> is not known",
        "[x](javascript:alert(1)) is not a setting",
    ):
        expect(screen.page.get_by_text(told)).to_be_visible()
    assert len(screen.metrics()) == 4
    assert "Traceback" not in screen.words()
    assert screen.page.locator("img[src=x]").count() == 0
    screen.press("Back to it")
    expect(screen.page.get_by_text("is not a setting")).to_have_count(0)
    assert "Traceback" not in screen.server.log.read_text()


LURES = (
    "https://example.org",
    "www.example.org",
    "a@example.org",
    ":material/home:",
    ":tada:",
    "->",
    "--",
    "<-",
    "<b>",
)


def test_text_of_the_address_becomes_no_link_icon_or_arrow(open_screen: OpenScreen) -> None:
    screen = open_screen(f"?{urlencode({'set': ' '.join(LURES)})}")
    told = screen.page.locator("strong", has_text="is not a setting").all_inner_texts()
    assert [text.replace(WORD_JOINER, "").split(" is ")[0] for text in told] == [*LURES]
    assert screen.page.locator("[data-testid=stMarkdownContainer] a[href*=example]").count() == 0
    assert screen.page.get_by_label("home icon").count() == 0


def test_ten_kilobytes_in_the_address_are_told(open_screen: OpenScreen) -> None:
    screen = open_screen("?n_layers=" + "9" * 10_000 + "&n_heads=16")
    expect(screen.page.get_by_text("n_layers='9999")).to_be_visible()
    expect(screen.number("Heads (N)")).to_have_value("16")
