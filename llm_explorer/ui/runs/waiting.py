"""Waiting for what another process works on: one part of the page looks again, the rest stands still."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from llm_explorer.texts import runs as texts
from llm_explorer.worker.queue import Job, Snapshot

RUNNING_S: Final = 0.4
QUEUED_S: Final = 2.0  # behind runs of others


def until(is_over: Callable[[], bool], show: Callable[[], None], every: float | None) -> None:
    """Show how far it is, again after ``every`` seconds if at all; when it is over, draw the whole page once more."""

    def look() -> None:
        if is_over():
            st.rerun()
        show()

    st.fragment(look, run_every=every)()


def place(now: Snapshot) -> None:
    """Where in the queue a job is that has not begun."""
    st.markdown(texts.WAITING.format(place=now.place + 1))


def until_done(job: Job, show: Callable[[], None], is_over: Callable[[], bool] | None = None) -> None:
    """The same for a job of the queue; ``is_over`` where it is more than the end of this job."""
    now = job.snapshot()
    every = QUEUED_S if now.state == "queued" and now.place > 0 else RUNNING_S
    until(is_over or (lambda: job.result is not None), show, every)
