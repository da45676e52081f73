"""The visitor's state: which widgets hold the config, how it is read and written.

The address is the state: every field in BOUND is a widget bound to a query parameter of its own name, all other fields
travel in the one bound text ``set``. Pages never read these keys; they get the two configs.
"""

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from llm_explorer.accounting.fit import DEFAULT_RESERVE
from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig
from llm_explorer.formats import Configs, apply_settings, to_settings
from llm_explorer.formats.address import BOUND as BOUND
from llm_explorer.formats.address import RUN_FIELDS as RUN_FIELDS
from llm_explorer.formats.address import SETTINGS as SETTINGS
from llm_explorer.formats.address import SLIDERS as SLIDERS
from llm_explorer.ui.parts.live import drag

RESERVE: Final = "reserve"  # bound too, but of the page: no config has it
STEP: Final = "step"  # of a lesson
IN_FRAME: Final = (*BOUND, SETTINGS, RESERVE)  # all that is bound

_DEFAULTS: Final = {SETTINGS: "", RESERVE: round(100 * DEFAULT_RESERVE)}
_MOVED: Final = "moved"
_CHANGE: Final = "change_before_next_run"


def keep(key: str, value: object) -> None:
    """Have the visit keep a value; from a callback."""
    st.session_state[key] = value


def default_of(field: str) -> Any:
    """A field's default, in whichever config it is, or that of another bound widget."""
    if field in _DEFAULTS:
        return _DEFAULTS[field]
    fields = ModelConfig.model_fields | RunConfig.model_fields
    return fields[field].default


def held(key: str) -> Any:
    """What a widget of the frame holds; its default where a message, which a stranger may make up, left it out."""
    return st.session_state.get(key, default_of(key))


def slider_key(field: str) -> str:
    """The key of the slider beside a field's number: the number is the truth, the slider one way to change it."""
    return f"{field}__slider"


def read() -> Configs:
    """The two configs as the widgets have them, a slider that is being dragged with its value there.

    ConfigError with every problem.
    """
    values = {field: held(field) for field in BOUND}
    moving = drag.dragged()
    if moving and moving[0] in SLIDERS:
        field, value = moving
        st.session_state[_MOVED] = field
        values[field] = value
    others = held(SETTINGS).split()
    problems = [_has_own_control(text) for text in others if text.partition("=")[0] in BOUND]
    settings = [text for text in others if text.partition("=")[0] not in BOUND]
    try:
        configs = apply_settings(ModelConfig(), RunConfig(), [*(f"{name}={values[name]}" for name in BOUND), *settings])
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return configs


def write(model: ModelConfig, run: RunConfig) -> None:
    """Put two configs into the widgets; only from a callback, before the widgets are drawn."""
    values = model.model_dump() | run.model_dump()
    for field in BOUND:
        st.session_state[field] = values[field]
    rest = [text for text in to_settings(model, run) if text.partition("=")[0] not in BOUND]
    st.session_state[SETTINGS] = " ".join(rest)


def in_widgets() -> tuple[Any, ...]:
    """What the widgets of the frame hold, valid or not."""
    return tuple(held(field) for field in (*BOUND, SETTINGS))


def change(changes: dict[str, Any]) -> None:
    """Set some fields and leave the rest, valid or not, as it is; only from a callback."""
    for field, value in changes.items():
        if field in BOUND:
            st.session_state[field] = value
        else:
            change_setting(field, value)


def change_before_next_run(change: Callable[..., None], args: tuple[object, ...]) -> None:
    """Call ``change`` when the page is next drawn, before its widgets: the browser hears of a value only so."""
    st.session_state[_CHANGE] = (change, args)


def make_change() -> None:
    """Call what was left to be called before the widgets are drawn."""
    waiting = st.session_state.pop(_CHANGE, None)
    if waiting is not None:
        change, args = waiting
        change(*args)


def change_setting(field: str, value: Any) -> None:
    """Set one of the fields that travel in the text ``set``; its default is not written."""
    kept = [text for text in held(SETTINGS).split() if text.partition("=")[0] != field]
    if value != default_of(field):
        kept.append(f"{field}={str(value).lower() if isinstance(value, bool) else value}")
    st.session_state[SETTINGS] = " ".join(kept)


def remove_setting(problem: Problem) -> None:
    """Take what a problem is about out of the text ``set``; from a callback."""
    texts = held(SETTINGS).split()
    st.session_state[SETTINGS] = " ".join(text for text in texts if not _is_about(problem, text))


def is_setting(problem: Problem) -> bool:
    """Whether a problem is about something in the text ``set``."""
    return any(_is_about(problem, text) for text in held(SETTINGS).split())


def moved() -> str | None:
    """The field that was moved last, by its slider or its number."""
    return st.session_state.get(_MOVED)


def take_slider(field: str) -> None:
    """A slider was let go or stepped: its value becomes the field's; from its callback."""
    st.session_state[field] = st.session_state.get(slider_key(field), held(field))
    take_number(field)


def take_number(field: str) -> None:
    """A number was typed; from its callback."""
    drag.finish()
    st.session_state[_MOVED] = field


def _has_own_control(text: str) -> Problem:
    told = f"{text[:60]} stands among the other settings, but that field has its own control"
    return Problem(SETTINGS, text, told)


def _is_about(problem: Problem, text: str) -> bool:
    return problem.field == text.partition("=")[0][:40] or problem.value == text
