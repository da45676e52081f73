"""Times for the effect matrix: what has been measured on this server, and two measurements more on request."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from llm_explorer.accounting.fit import apply
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from llm_explorer.texts import concepts as texts
from llm_explorer.texts.fields import FIELDS
from llm_explorer.ui import jobs, parts
from llm_explorer.worker.queue import Job

POLL_S: Final = 1.0
_JOBS: Final = "concepts_times"


def step_timing(model: ModelConfig, run: RunConfig) -> dict[str, Any] | None:
    """The timing of a step on this server: median and iqr in seconds; None until it has been run."""
    for alike in _same_runs(model, run):
        job = jobs.queue().find(model, alike)
        if job and job.result and job.result["step_s"]:
            timing: dict[str, Any] = job.result["step_s"]
            return timing
    return None


def offer(model: ModelConfig, run: RunConfig, steps: Mapping[str, Any]) -> None:
    """A button for each knob that was marked; while its two runs are measured, where they stand."""
    st.markdown(texts.MEASURE, help=texts.MEASURE_HELP)
    with st.container(horizontal=True):
        for field, after in steps.items():
            st.button(
                FIELDS[field].label,
                icon=":material/timer:",
                key=f"time_{field}",
                on_click=_start,
                args=(model, run, field, after),
            )
    asked: list[Job] = st.session_state.get(_JOBS, [])
    if asked:
        waiting = any(job.result is None for job in asked)
        st.fragment(_progress, run_every=POLL_S if waiting else None)(asked, waiting=waiting)


def _start(model: ModelConfig, run: RunConfig, field: str, after: Any) -> None:
    pairs = [(model, run)]
    try:
        pairs.append(apply(model, run, {field: after}))
    except ConfigError:
        return  # the row of this knob says what is wrong
    queue = jobs.queue()
    st.session_state[_JOBS] = [queue.submit(*pair, jobs.watcher()) for pair in pairs]


def _progress(asked: list[Job], *, waiting: bool) -> None:
    """How far the runs are; when the last is done, the whole page is drawn once more, with their times."""
    if waiting and all(job.result is not None for job in asked):
        st.rerun()
    for job, words in zip(asked, ("Your config", "One step up"), strict=True):
        now = job.snapshot()
        if now.result is None:
            place = f"waiting, {now.place + 1} in the queue" if now.state == "queued" else "being built and timed"
            st.caption(f":material/hourglass: {words}: {place}")
        elif now.result["status"] != "ok":
            st.warning(f"{words}: {parts.plain(now.result['reason'])}", icon=":material/info:")


def _same_runs(model: ModelConfig, run: RunConfig) -> list[RunConfig]:
    """The run as it is, and with its sequence length left open where that is the same length."""
    left_open = replace(run, sequence_length=None)
    return [run, left_open] if left_open.sequence(model) == run.sequence(model) else [run]
