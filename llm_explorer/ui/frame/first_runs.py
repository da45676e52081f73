"""What the first runs of a server do for all that follow."""

import gc
import itertools
import threading
from typing import Final

from llm_explorer import machine
from llm_explorer.ui import streamlit_private

# libraries go on importing inside the first runs; what the first visits leave in cycles stays, once
FREEZING_RUNS: Final = 3

_lock = threading.Lock()
_runs = itertools.count(1)


def prepare() -> None:
    """For all sessions of this server; after the first runs again makes no difference."""
    streamlit_private.install()
    machine.raise_file_limit()
    with _lock:
        if next(_runs) <= FREEZING_RUNS:
            _freeze()


def _freeze() -> None:
    """Keep what is imported out of the garbage collector's way, in the first runs only.

    A collection over all objects of pandas, plotly and streamlit itself costs 70 ms of processor time (measured
    2026-11: 83 against 20 ms a rerun on a full page, when Streamlit still ended each with one; see config.toml).
    Frozen, they are not looked at; later freezing would keep the garbage of visitors for ever.
    """
    gc.collect()
    gc.freeze()
