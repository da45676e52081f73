"""The config as people write it: a text to edit, every key explained, applied to the whole app."""

import re
from typing import Any, Final

import streamlit as st

from llm_explorer import formats, units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig, check
from llm_explorer.texts import concepts as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.concepts.cards import COLUMN
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import config_buttons, state
from llm_explorer.ui.visit.page import Page

TEXT: Final = "concepts_config"


def draw(page: Page) -> None:
    """The guess, then the text beside its keys, and what is wrong with it or the button that applies it."""
    st.markdown(texts.CONFIG_INTRO)
    is_told = lesson.guessed(TEXT, texts.CONFIG_GUESS)
    left, right = appearance.two(COLUMN)
    with left:
        text = st.text_area(
            "Config", texts.BOOK_CONFIG, height=270, max_chars=20_000, key=TEXT, persist_state="session"
        )
        try:
            model, run = read(text or "", page.run)
        except ConfigError as error:
            for problem in error.problems:
                _problem(problem)
        else:
            _good(page.model, model, run, told=is_told)
    with right:
        st.markdown(_keys())
        st.caption(texts.CONFIG_KEYWORD)


def read(text: str, own: RunConfig) -> formats.Configs:
    """The model of a text, and the run: the text's where it has one, else the visitor's own.

    ConfigError with every problem, as when the visitor's sequence is longer than the text's context.
    """
    model, run = formats.parse(text)
    if run == RunConfig():
        run = own
    check(model, run)
    return model, run


def with_value(text: str, field: str, value: Any) -> str:
    """The text with one value changed, comments and all else as they were; a key that it lacks is added.

    >>> with_value('{"n_heads": 10, "n_layers": 12}', "n_heads", 12)
    '{"n_heads": 12, "n_layers": 12}'
    """
    pair = re.compile(rf"""(["']{re.escape(field)}["']\s*:\s*)("[^"\n]*"|'[^'\n]*'|[^,}}\s/#]+)""")
    if pair.search(text):
        return pair.sub(lambda found: f"{found[1]}{_literal(value)}", text, count=1)
    return text.replace("{", f'{{\n    "{field}": {_literal(value)},', 1)


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _good(shown: ModelConfig, model: ModelConfig, run: RunConfig, *, told: bool) -> None:
    """What the text describes, and the button that puts it into the app; its count only after the guess."""
    if told:
        st.markdown(f":material/check_circle: A model of **{units.exact(count_parameters(model).total)}** parameters")
    else:
        st.markdown(":material/check_circle: A model that can be built")
    look = {"icon": ":material/publish:", "type": "primary", "key": "concepts_apply"}
    config_buttons.button("Use it in the whole app", state.write, (model, run), **look)
    if shown == model:
        st.caption("This is the config of the app now: its sliders are in the sidebar.")
        lesson.link("streamlit_app.py", texts.EXPLORE)


def _problem(problem: Problem) -> None:
    with st.container(border=True):
        st.markdown(f":material/error: :red[**{parts.plain(problem.message)}**]")
        with st.container(horizontal=True):
            for field, value in problem.fixes:
                st.button(
                    f"Write {field}: {value}",
                    key=f"write_{problem.field}_{field}_{value}",
                    on_click=_mend,
                    args=(field, value),
                )


def _mend(field: str, value: Any) -> None:
    st.session_state[TEXT] = with_value(st.session_state.get(TEXT) or texts.BOOK_CONFIG, field, value)


def _keys() -> str:
    """A line a key: what it means, and its name at Hugging Face."""
    lines = ["| key | what it is · its name in Hugging Face's GPT-2 |", "|---|---|"]
    lines += [f"| `{name}` | {key.meaning} · {key.hugging_face} |" for name, key in texts.KEYS.items()]
    return "\n".join(lines)
