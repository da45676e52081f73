"""What every rerun would do again and needs to do once."""

import gc
import itertools
import threading
from typing import Final

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from llm_explorer import machine

# libraries go on importing inside the first runs; what the first visits leave in cycles stays, once
FREEZING_RUNS: Final = 3

_lock = threading.Lock()
_runs = itertools.count(1)
_themes: dict[str, CustomThemeConfig] = {}
_read_theme = app_session._populate_theme_msg  # noqa: SLF001 - Streamlit has no other place for it


def start() -> None:
    """For all sessions of this server; again makes no difference."""
    app_session._populate_theme_msg = _put_theme  # noqa: SLF001
    machine.raise_file_limit()
    _freeze()


def _freeze() -> None:
    """Keep what is imported out of the garbage collector's way, in the first runs only.

    A collection over all objects of pandas, plotly and streamlit itself costs 70 ms of processor time (measured
    2026-11: 83 against 20 ms a rerun on a full page, when Streamlit still ended each with one; see config.toml).
    Frozen, they are not looked at; later freezing would keep the garbage of visitors for ever.
    """
    with _lock:
        if next(_runs) <= FREEZING_RUNS:
            gc.collect()
            gc.freeze()


def _put_theme(msg: CustomThemeConfig, section: str = "theme") -> None:
    """Streamlit (1.67) reads all its 300 options for each of six sections of the theme, at every rerun of anybody."""
    if section not in _themes:
        read = CustomThemeConfig()
        _read_theme(read, section)
        _themes[section] = read
    msg.MergeFrom(_themes[section])
