"""What this server computes in other processes, and this visit as one that waits for it."""

import functools
import threading
import uuid
from collections.abc import Callable
from typing import Final, TypeVar

import streamlit as st

from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import Measured
from llm_explorer.worker.queue import Devices, Job, MeasuringQueue
from llm_explorer.worker.resident import Resident
from llm_explorer.worker.task import remove_abandoned
from llm_explorer.worker.traces import Traces

DEVICES_AFTER_S: Final = 3.0  # importing torch must not compete with the first page that is drawn

_T = TypeVar("_T")
_making = threading.RLock()  # visitors ask at once, and who makes the traces asks for the lessons


def _one_a_server(make: Callable[[], _T]) -> Callable[[], _T]:
    """Make it once, and keep it where no message of a browser can drop it, as it can what Streamlit keeps."""
    made = functools.cache(make)

    @functools.wraps(make)
    def get() -> _T:
        with _making:
            return made()

    return get


@_one_a_server
def queue() -> MeasuringQueue:
    """The one queue of this server; soon it asks a child for the devices, which then stays as the warm spare.

    What servers that were killed have left behind of training runs goes now.
    """
    remove_abandoned()
    made = MeasuringQueue()
    asking = threading.Timer(DEVICES_AFTER_S, made.devices)
    asking.daemon = True
    asking.start()
    return made


@st.cache_resource(scope="session", max_entries=1, show_spinner=False, on_release=lambda name: queue().leave_all(name))
def watcher() -> str:
    """This visit's name in the queue; when the visit ends, it waits for nothing any more."""
    return uuid.uuid4().hex


@_one_a_server
def lessons() -> Resident:
    """The one child of this server that computes lessons."""
    return Resident()


@_one_a_server
def traces() -> Traces:
    """The traces of this server; a public server's one child for lessons makes them too."""
    return Traces(lessons() if limits().children_take_turns else Resident())


def devices() -> Devices:
    """Names and titles of the devices that are known to exist here."""
    return queue().known_devices


def measured(model: ModelConfig, run: RunConfig) -> Measured | None:
    """The newest measurement of exactly this config on this server."""
    job = queue().find(model, run)
    result = None if job is None else job.result
    return result if isinstance(result, Measured) else None


def watched() -> Job | None:
    """The measurement that this visit looks at."""
    return kept("job")


def kept(key: str) -> Job | None:
    """The job under a key of this visit; None also while it goes on for others only."""
    job: Job | None = st.session_state.get(key)
    return None if job is None or job.goes_on_without(watcher()) else job


def watch(job: Job, key: str = "job") -> None:
    """Look at another job; the one before is left, and cancelled if nobody else waits for it."""
    before = kept(key)
    if before is not None and before is not job:
        before.leave(watcher())
    st.session_state[key] = job
