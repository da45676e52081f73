"""Text of visitors in a real browser: it is shown as the signs that it is, and nothing is made of it."""

import json
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from llm_explorer import formats
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.texts import fields, pretraining, sharing
from llm_explorer.texts.concepts import CARDS
from llm_explorer.ui.parts import WORD_JOINER
from tests.browser.screen import Screen, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PAYLOADS: Final = (  # without spaces and "=", which part settings
    *(
        "https://evil.example/login",
        "https&colon;//evil.example/login",
        "https&#58;//evil.example",
        "HTTPS&#x3A;//a.bc",
    ),
    *(
        "www.evil.example",
        "www&period;evil.example",
        "a@evil.example",
        "a&commat;evil.example",
        "mailto:a@evil.example",
    ),
    *("xmpp:a&commat;evil.example", "<https://evil.example>", "[a](https://evil.example)", "![a](https://a.bc/x.png)"),
    *("<img/src/onerror>", "<b>x</b>", "&lt;b&gt;", "&amp;lt;", "&copy", "**bold**", "&ast;&ast;b&ast;&ast;", "_it_"),
    *("~~gone~~", "`code`", "$x^2$", "$$y$$", ":red[z]", ":red-badge[z]", ":small[z]", ":help[z]", "::x", ":::x"),
    *(":tada:", "&colon;tada&colon;", ":material/home:", "&colon;material/home:", ":material_home:", ":streamlit:"),
    *("->", "<-", "&lt;-", "--", "<->", "&minus;-", "[^1]", "[^1]:x", "#title", "-", "1.", "|a|b|", "\\", "\\&colon;"),
)
SHORT: Final = ("https&colon;//a.bc", "www&period;a.bc", "a&commat;a.bc", "![a](x.png)", "**b**")
CONFIG: Final = json.dumps(dict.fromkeys(PAYLOADS, 1))
# links to elsewhere, and pictures: the app has none
FOREIGN: Final = """own => [...document.querySelectorAll("a, img, iframe, object")]
    .filter(each => each.tagName != "A" || !each.href.startsWith(own)).map(each => each.outerHTML)"""


@pytest.fixture(scope="module")
def screen(browser: Browser, server: Server) -> Iterator[Screen]:
    """One window for all: each test goes to an address of its own."""
    opened = Screen(browser, server)
    yield opened
    opened.close()


def go(screen: Screen, address: str) -> None:
    screen.page.goto(screen.server.url + address)
    screen.quiet()


def messages_of(read: Callable[[], object]) -> list[str]:
    """What is wrong, in the words of whoever reads it."""
    with pytest.raises(ConfigError) as refused:
        read()
    return [problem.message for problem in refused.value.problems]


def assert_shown_as_it_is(screen: Screen, *texts: str) -> None:
    """Each text, sign for sign, and nothing made of it."""
    screen.quiet()
    words = " ".join(screen.page.inner_text("body").replace(WORD_JOINER, "").split())
    assert [text for text in texts if " ".join(text.split()) not in words] == []
    assert screen.page.evaluate(FOREIGN, screen.server.url) == []
    assert screen.page.get_by_test_id("stException").count() == 0


@pytest.mark.parametrize("page", ["", "memory", "tensors"])
def test_in_the_other_settings_of_a_link(screen: Screen, page: str) -> None:
    settings = quote(" ".join(PAYLOADS))
    go(screen, f"{page}?set={settings}")
    told = messages_of(lambda: formats.apply_settings(ModelConfig(), RunConfig(), PAYLOADS))
    assert len(told) == len(PAYLOADS)
    assert_shown_as_it_is(screen, *told)


@pytest.mark.parametrize("field", ["n_layers", "hardware", "device", "precision", "hide", "type", "pin"])
def test_in_the_fields_of_a_link(screen: Screen, field: str) -> None:
    for payload in SHORT:
        go(screen, f"?{field}={quote(payload, safe='')}")
        assert_shown_as_it_is(screen, payload)


def test_in_a_size_of_memory_that_is_typed(screen: Screen) -> None:
    go(screen, "?hardware=unknown")
    box = screen.page.get_by_role("combobox", name=fields.FIELDS["hardware"].label)
    for payload in SHORT:
        box.fill(payload)
        box.press("Enter")
        assert_shown_as_it_is(screen, f"hardware={payload}")


def test_in_a_config_that_is_pasted(screen: Screen) -> None:
    go(screen, "")
    screen.press("Import")
    box = screen.page.get_by_role("textbox", name=sharing.PASTE)
    box.fill(CONFIG)
    box.press("Control+Enter")
    assert_shown_as_it_is(screen, *messages_of(lambda: formats.read(CONFIG)))


def test_in_the_name_of_a_file(screen: Screen) -> None:
    go(screen, "")
    screen.press("Import")
    for payload in (each.replace("/", "") for each in SHORT):
        file: FilePayload = {"name": f"{payload}.json", "mimeType": "application/json", "buffer": b'{"n_layers": 2}'}
        screen.page.locator("input[type=file]").set_input_files(file)
        assert_shown_as_it_is(screen, f"{payload}.json")


def test_in_the_config_of_the_lesson_on_concepts(screen: Screen) -> None:
    go(screen, f"concepts?step={len(CARDS) + 2}")
    box = screen.page.get_by_label("Config", exact=True)
    box.fill(CONFIG)
    box.press("Control+Enter")
    assert_shown_as_it_is(screen, *messages_of(lambda: formats.parse(CONFIG)))


def test_in_a_text_to_read(screen: Screen) -> None:
    """It stands in the label of a choice, then in a chart."""
    go(screen, "pretraining")
    box = screen.page.get_by_label(pretraining.TARGETS_TEXT)
    for payload in PAYLOADS[:12]:
        box.fill(f"{payload[:38]}. ")
        box.press("Enter")
        assert_shown_as_it_is(screen, pretraining.TARGETS_GUESS.question.format(input=f"{payload[:38]}."))
    box.fill("<b>&lt;i></b>")
    box.press("Enter")
    screen.page.get_by_text(pretraining.TARGETS_GUESS.options["moved_on"]).click()
    assert_shown_as_it_is(screen, "input < b > & l t ; i > < / b")
    ticks = screen.page.locator(".js-plotly-plot .xtick")
    expect(ticks.first).to_be_visible(timeout=30_000)
    assert ticks.all_text_contents() == list("b>&lt;i></b>")
