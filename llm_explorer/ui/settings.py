"""Widgets for the fields that travel in the bound text ``set``, drawn when their popover is open."""

from typing import Any

import streamlit as st

from llm_explorer.config import ModelConfig, RunConfig, choices, field_range
from llm_explorer.texts.fields import FIELDS
from llm_explorer.ui import state
from llm_explorer.ui.words import next_step_words


def setting(field: str, model: ModelConfig, run: RunConfig) -> None:
    """One field with its explanation and, for a switch, what switching it does."""
    config = model if field in ModelConfig.model_fields else run
    value = getattr(config, field)
    key = f"{field}__setting"
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    text = FIELDS[field]
    if isinstance(value, bool):
        st.toggle(text.label, key=key, help=text.help, on_change=_take, args=(field, key))
        st.caption(next_step_words(model, run, field, not value))
    elif isinstance(state.default_of(field), str):
        st.selectbox(text.label, choices(field), key=key, help=text.help, on_change=_take, args=(field, key))
    else:
        _number(field, config, key)


def _number(field: str, config: ModelConfig | RunConfig, key: str) -> None:
    low, high = field_range(type(config), field)
    text = FIELDS[field]
    default = state.default_of(field)
    st.number_input(
        text.label,
        min_value=int(low),
        max_value=min(int(high), 2**53 - 1),  # a browser's numbers are exact up to there
        value=default,
        step=1,
        key=key,
        help=text.help,
        placeholder="automatic",
        on_change=_take,
        args=(field, key),
    )


def _take(field: str, key: str) -> None:
    value: Any = st.session_state[key]
    state.change_setting(field, value)
