"""Text from outside is shown as the signs that it is, wherever it gets onto a page."""

import json
import re
import string
from collections.abc import Iterator, Sequence

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.charts.training import escaped
from llm_explorer.texts.concepts import CARDS
from llm_explorer.ui.parts import WORD_JOINER, plain
from tests.ui.app_visit import Visit

PAYLOADS = (
    "**bold** _it_ ~~gone~~ `code`",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[a](javascript:alert(1)) ![b](https://example.org/x.png)",
    "$x^2$ $$y$$",
    ":red[z] :tada: :material/home: :streamlit:",
    "https://example.org www.example.org someone@example.org",
    "# title\n- point\n1. first\n> said\n---\n| a | b |",
    "a -> b <- c -- d <= e >= f != g",
    "https&colon;//example.org https&#58;//example.org www&period;example.org",
    "someone&commat;example.org xmpp:someone@example.org xmpp:someone&commat;example.org",
    "&lt;- &#x2d;- &ast;&ast;bold&ast;&ast; &colon;tada&colon; &amp;colon;",
    "[^1] ::x :::x :help[x] :small[x] :red-badge[x]",
)
# what must stand nowhere in what goes to the browser
ACTIVE = ("**bold**", "`code`", "<script", "<img", "](javascript", "![b]", "$x", ":red[z", ":tada:", ":material/home",
          "https://example", "www.example", "someone@example", "\n# ", "\n- ", "-> b", "<- c", "-- d",
          "&colon;", "&#", "&period;", "&commat;", "&lt;", "&ast;", "&amp;", "[^1]", "::x", ":help[", ":small[",
          ":red-badge[")  # fmt: skip
# what Streamlit 1.67 looks for in text when all backslashes and entities are read (StreamlitMarkdown.js)
LOOKED_FOR = re.compile(
    r"https?://[-.\w]|www\.[-.\w]|[-.\w+]@[-\w]+\.|:material_\w+:|:streamlit:|:[\w+-]+:|"
    r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
    re.IGNORECASE | re.ASCII,
)
# fields of Streamlit's messages that are not drawn as Markdown: what is typed, code, the app's own links, and charts,
# which tests/charts is about
SHOWN_AS_IT_IS = {
    *("TextInput.value", "TextInput.default", "TextArea.value", "TextArea.default", "Selectbox.raw_value"),
    *("Code.code_text", "PageLink.query_string", "PlotlyChart.spec", "PlotlyChart.alt"),
}
WORDS = ("https", "www.", "a@b.co", "://", ":material_home:", ":tada:", " -> ", "&colon;", "&#58;", "material/", "\\")
SIGNS = st.text(st.sampled_from(string.punctuation + "aw1 \n\tſ") | st.characters(), max_size=30)


def acting(text: str) -> list[str]:
    """What stands in a text without a backslash before it."""
    return [active for active in ACTIVE if re.search(rf"(?<!\\){re.escape(active)}", text)]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_of_it_acts(payload: str) -> None:
    assert acting(plain(payload)) == []
    assert plain(payload).replace("\\", "").replace(WORD_JOINER, "") == " ".join(payload.split())


@given(st.lists(SIGNS | st.sampled_from(WORDS)).map("".join))
def test_every_sign_of_any_text_is_a_sign_and_nothing_is_left_to_find(text: str) -> None:
    markdown = plain(text)
    assert not set(string.punctuation) & set(re.sub(r"\\[!-/:-@\[-`{-~]", "", markdown))
    read = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)
    assert read.replace(WORD_JOINER, "") == " ".join(text.split()).replace(WORD_JOINER, "")
    assert LOOKED_FOR.search(read) is None


@pytest.mark.parametrize("text", ["n_heads=10 does not divide 768: 768 / 10 = 76.8", "dropout 0.1, T=256", "12:30"])
def test_what_nothing_acts_on_gets_no_invisible_signs(text: str) -> None:
    assert WORD_JOINER not in plain(text)


def told(message: Message) -> Iterator[tuple[str, str]]:
    """All text of a message to the browser, each with its field."""
    for field, value in message.ListFields():
        for each in value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,):
            if isinstance(each, Message):
                yield from told(each)
            elif isinstance(each, str):
                yield f"{type(message).__name__}.{field.name}", each


def assert_inert(visit: Visit) -> None:
    """Whatever is sent to the browser and drawn there as Markdown: prose, labels, options, helps, cells."""
    tables = [text for table in visit.page.table for text in [*table.value, *table.value.to_numpy().flatten()]]
    texts = [("table", str(text)) for text in tables]
    for node in visit.page._tree:
        if getattr(node, "proto", None) is not None:
            texts += [(name, text) for name, text in told(node.proto) if name not in SHOWN_AS_IT_IS]
    assert {name: text[:200] for name, text in texts if acting(text)} == {}


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


TYPED = (  # page, step, the guess that is asked for there, a text box of it
    ("pretraining", 1, "moved_on", "pretraining_text"),
    ("pretraining", 3, "not_at_all", "pretraining_prompt"),
    ("concepts", [*CARDS].index("vocabulary") + 1, "1536", "concepts_text"),
    ("concepts", len(CARDS) + 3, "equal", "journey_text"),
    ("concepts", len(CARDS) + 4, "", "exercise_concepts_1"),
    ("tensors", 8, "transposed", "tensors_x"),
    ("tensors", 8, "transposed", "tensors_new_shape"),
    ("tensors", 8, "transposed", "tensors_b"),
    ("tensors", 9, "", "exercise_tensors_1"),
)


@pytest.mark.parametrize(("page", "step", "guess", "key"), TYPED)
def test_in_what_is_typed_into_a_lesson(page: str, step: int, guess: str, key: str) -> None:
    """All of one box in one visit: a new one would start the lessons' process anew."""
    visit = lesson(page, step)
    if guess:
        visit.page.radio[0].set_value(guess)
        visit.run()
    for payload in PAYLOADS:
        visit.page.text_input(key=key).set_value(payload)
        assert_inert(visit.run())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_in_a_text_to_train_on(payload: str) -> None:
    visit = lesson("pretraining", 6)
    visit.page.segmented_control(key="pretraining_corpus").set_value("paste")
    visit.run().page.text_area(key="pretraining_paste").set_value(payload)
    assert_inert(visit.run())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_in_a_config_written_on_the_page_of_concepts(payload: str) -> None:
    visit = lesson("concepts", len(CARDS) + 2)
    visit.page.text_area(key="concepts_config").set_value(json.dumps({"n_layers": payload, payload: 2}))
    assert_inert(visit.run())


def test_plotly_is_given_no_html() -> None:
    assert escaped('<a href="https://example.org">x</a> & <b>') == (
        '&lt;a href="https://example.org"&gt;x&lt;/a&gt; &amp; &lt;b&gt;'
    )
