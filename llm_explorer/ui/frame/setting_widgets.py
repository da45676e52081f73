"""Widgets for the fields that travel in the bound text ``set``, drawn when their popover is open."""

from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

import streamlit as st

from llm_explorer.config import ModelConfig, RunConfig, field_range
from llm_explorer.texts import fields as texts
from llm_explorer.ui.parts.words import next_step_words, value_words
from llm_explorer.ui.visit import state

FLOAT_STEPS: Final = {"rope_theta": 10_000.0, "rope_share": 0.05, "attention_softcap": 5.0, "logit_softcap": 5.0}
# fields that are about another one: they go when it does
GO_WITH: Final = {
    "n_experts": ("n_active_experts", "expert_hidden_dim", "n_shared_experts"),
    "sliding_window": ("full_attention_every",),
}


def follow(key: str, value: Any) -> None:
    """Have a widget show ``value``, and draw it with that as its default.

    Streamlit tells the browser once of a value that is set here. When the next run comes before the widget stands in
    the browser, the browser sees the second message only, in which nothing but the default is left of it.
    """
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def setting(field: str, model: ModelConfig, run: RunConfig) -> None:
    """One field with its explanation and, for a switch of the run, what switching it does."""
    config = model if field in ModelConfig.model_fields else run
    value = getattr(config, field)
    key = f"{field}__setting"
    follow(key, value)
    text = texts.FIELDS[field]
    if isinstance(state.default_of(field), bool):
        st.toggle(text.label, value, key=key, help=text.help, on_change=_take, args=(field, key))
        if config is run:
            st.caption(next_step_words(model, run, field, not value))
    elif options(field):
        look: dict[str, Any] = {"help": text.help, "format_func": value_words}
        known = options(field)
        st.selectbox(text.label, known, known.index(value), key=key, on_change=_take, args=(field, key), **look)
    else:
        _number(field, config, key)


def options(field: str) -> tuple[Any, ...]:
    """The values of a field that is a choice or a switch, None where it may be left to another field; () of a number.

    >>> options("residual"), options("mlp_bias"), options("n_layers")
    (('sequential', 'parallel', 'parallel_one_norm'), (None, True, False), ())
    """
    annotation = (ModelConfig.model_fields | RunConfig.model_fields)[field].annotation
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    kinds = {annotation, *get_args(annotation)}
    if bool not in kinds:
        return ()
    return (None, True, False) if NoneType in kinds else (True, False)


def _number(field: str, config: ModelConfig | RunConfig, key: str) -> None:
    low, high = field_range(type(config), field)
    text = texts.FIELDS[field]
    whole = isinstance(low, int)
    most = min(high, 2**53 - 1)  # a browser's numbers are exact up to there
    st.number_input(
        text.label,
        min_value=low,
        max_value=int(most) if whole else most,
        value=state.default_of(field),  # None is what makes it possible to empty the box
        step=1 if whole else FLOAT_STEPS[field],
        format="%d" if whole else "%.10g",
        key=key,
        help=text.help,
        placeholder="automatic",
        on_change=_take,
        args=(field, key),
    )


def _take(field: str, key: str) -> None:
    value: Any = st.session_state[key]
    state.change_setting(field, value)
    if value is None:
        for other in GO_WITH.get(field, ()):
            state.change_setting(other, state.default_of(other))
