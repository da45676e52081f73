"""Keep what is imported out of the garbage collector's way.

Streamlit ends every rerun with a full collection. Over all objects of pandas, plotly and streamlit itself that costs
70 ms of processor time (measured 2026-11: 83 against 20 ms a rerun on a full page); frozen, they are not looked at.
"""

import gc
import itertools
import threading
from typing import Final

# libraries go on importing inside the first runs; what the first visits leave in cycles stays, once
FREEZING_RUNS: Final = 3

_lock = threading.Lock()
_runs = itertools.count(1)


def freeze() -> None:
    """Freeze all objects alive, in the first runs only: later it would keep the garbage of visitors for ever."""
    with _lock:
        if next(_runs) <= FREEZING_RUNS:
            gc.collect()
            gc.freeze()
