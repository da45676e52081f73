"""The pinned configs of a visit, kept for comparing, and the address's parameter that has them."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import streamlit as st

from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig
from llm_explorer.formats import apply_settings, to_settings
from llm_explorer.presets import title_of

PIN: Final = "pin"  # as often as there are pins, each in the syntax of the text ``set``
MOST_PINS: Final = 4

_PINS: Final = "pins"
_SETTING: Final = re.compile(r"\s+(?=[a-z_]+=)")  # before each setting: a size such as "24 GiB" has a space in it


class Pin(NamedTuple):
    """A config kept for comparing."""

    label: str
    model: ModelConfig
    run: RunConfig


def pinned() -> list[Pin]:
    """The pinned configs of the whole app, oldest first."""
    kept: list[Pin] = st.session_state.setdefault(_PINS, [])
    return kept


def pin(label: str, model: ModelConfig, run: RunConfig) -> None:
    """Pin a config; of more than four the oldest goes."""
    kept = pinned()
    kept.append(Pin(label, model, run))
    del kept[:-MOST_PINS]


def unpin(number: int | None = None) -> None:
    """Forget one of the pins, all of them unless told which."""
    kept = pinned()
    del kept[slice(None) if number is None else slice(number, number + 1)]


def pin_text(kept: Pin) -> str:
    """A pin as the address has it, in the syntax of the text ``set``: 'n_layers=24 qkv_bias=true'."""
    return " ".join(to_settings(kept.model, kept.run)) or f"n_layers={kept.model.n_layers}"


def write_pins() -> None:
    """Have the pins in the address, where they are not yet: only after a change, so that no fast key press is lost."""
    texts = [pin_text(kept) for kept in pinned()]
    if st.query_params.get_all(PIN) != texts:
        if texts:
            st.query_params[PIN] = texts
        else:
            del st.query_params[PIN]


def take_pins(texts: Sequence[str]) -> tuple[Problem, ...]:
    """Pin the configs of an address; what of it is no config."""
    wrong = []
    for number, text in enumerate(texts, 1):
        try:
            if number > MOST_PINS:
                raise ConfigError([Problem(PIN, text, f"more than the {MOST_PINS} that are kept")])
            model, run = apply_settings(ModelConfig(), RunConfig(), _SETTING.split(text.strip()))
        except ConfigError as error:
            told = "; ".join(problem.message for problem in error.problems)
            wrong.append(Problem(PIN, text, f"pin number {number}: {told[:300]}"))
        else:
            pin(title_of(model), model, run)
    return tuple(wrong[: MOST_PINS + 1])
