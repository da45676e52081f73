"""Text from outside is shown as the signs that it is, wherever it gets onto a page."""

import json
import re

import pytest
from visit import Visit

from llm_explorer.charts.training import escaped
from llm_explorer.texts.concepts import CARDS
from llm_explorer.ui.parts import WORD_JOINER, plain

PAYLOADS = (
    "**bold** _it_ ~~gone~~ `code`",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[a](javascript:alert(1)) ![b](https://example.org/x.png)",
    "$x^2$ $$y$$",
    ":red[z] :tada: :material/home: :streamlit:",
    "https://example.org www.example.org someone@example.org",
    "# title\n- point\n1. first\n> said\n---\n| a | b |",
    "a -> b <- c -- d <= e >= f != g",
)
# what must stand nowhere in what goes to the browser
ACTIVE = ("**bold**", "`code`", "<script", "<img", "](javascript", "![b]", "$x", ":red[z", ":tada:", ":material/home",
          "https://example", "www.example", "someone@example", "\n# ", "\n- ", "-> b", "<- c", "-- d")  # fmt: skip


def acting(text: str) -> list[str]:
    """What stands in a text without a backslash before it."""
    return [active for active in ACTIVE if re.search(rf"(?<!\\){re.escape(active)}", text)]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_of_it_acts(payload: str) -> None:
    assert acting(plain(payload)) == []
    assert plain(payload).replace("\\", "").replace(WORD_JOINER, "") == " ".join(payload.splitlines())


@pytest.mark.parametrize("text", ["n_heads=10 does not divide 768: 768 / 10 = 76.8", "dropout 0.1, T=256", "12:30"])
def test_what_nothing_acts_on_gets_no_invisible_signs(text: str) -> None:
    assert WORD_JOINER not in plain(text)


def assert_inert(visit: Visit) -> None:
    assert acting(visit.raw_words()) == []


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("field", ["n_layers", "hardware", "precision", "set", "pin"])
def test_in_the_address(field: str, payload: str) -> None:
    assert_inert(Visit(**{field: payload}))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_in_the_other_settings(payload: str) -> None:
    assert_inert(Visit().write(f"n_layers={payload} {payload}"))


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("where", ["a value", "a key", "a family", "no config"])
def test_in_a_pasted_config(where: str, payload: str) -> None:
    texts = {
        "a value": json.dumps({"n_layers": payload, "vocab_size": 100}),
        "a key": json.dumps({payload: 1, "n_layers": 2}),
        "a family": json.dumps({"model_type": payload, "architectures": [payload], "hidden_size": 64}),
        "no config": payload,
    }
    visit = Visit().open("import")
    visit.page.text_area(key="import_text").set_value(texts[where])
    assert_inert(visit.run())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_in_the_name_of_a_file(payload: str) -> None:
    visit = Visit().open("import")
    visit.page.file_uploader(key="import_file").set_value((f"{payload}.json", b'{"n_layers": 2}', "application/json"))
    assert_inert(visit.run())


def lesson(page: str, step: int) -> Visit:
    visit = Visit(step=str(step))
    visit.page.switch_page(f"pages/{page}.py")
    visit.page.query_params["step"] = str(step)
    return visit.run()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_in_the_text_of_a_lesson(payload: str) -> None:
    visit = lesson("pretraining", 1)
    visit.page.text_input(key="pretraining_text").set_value(payload)
    visit.run()
    assert_inert(visit)
    assert [acting(each.label) for each in visit.page.radio] == [[]] * len(visit.page.radio)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_in_a_config_written_on_the_page_of_concepts(payload: str) -> None:
    visit = lesson("concepts", len(CARDS) + 2)
    visit.page.text_area(key="concepts_config").set_value(json.dumps({"n_layers": payload, payload: 2}))
    assert_inert(visit.run())


def test_plotly_is_given_no_html() -> None:
    assert escaped('<a href="https://example.org">x</a> & <b>') == (
        '&lt;a href="https://example.org"&gt;x&lt;/a&gt; &amp; &lt;b&gt;'
    )
