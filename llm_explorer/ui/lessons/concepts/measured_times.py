"""Times for the effect matrix: what has been measured on this server, and two measurements more on request."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import streamlit as st

from llm_explorer.accounting.fit import apply
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from llm_explorer.measure.statistics import Timing
from llm_explorer.texts import concepts as texts
from llm_explorer.texts import fields as field_texts
from llm_explorer.ui import parts
from llm_explorer.ui.runs import waiting, workers
from llm_explorer.worker.queue import Job

_ASKED: Final = "concepts_times"


class Asked(NamedTuple):
    """The measurements of one knob that were asked for; a visit has one that waits, so ``then`` is asked for after."""

    jobs: tuple[Job, ...]
    then: tuple[ModelConfig, RunConfig] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        last = self.jobs[-1].result
        return last is not None and (self.then is None or last.status == "cancelled")


def step_timing(model: ModelConfig, run: RunConfig) -> Timing | None:
    """The timing of a step on this server; None until it has been run."""
    for alike in _same_runs(model, run):
        found = workers.measured(model, alike)
        if found and found.step_s:
            return found.step_s
    return None


def offer(model: ModelConfig, run: RunConfig, steps: Mapping[str, Any]) -> None:
    """A button for each knob that was marked; while its two runs are measured, where they stand."""
    st.markdown(texts.MEASURE, help=texts.MEASURE_HELP)
    with st.container(horizontal=True):
        for field, after in steps.items():
            st.button(
                field_texts.FIELDS[field].label,
                icon=":material/timer:",
                key=f"time_{field}",
                on_click=_start,
                args=(model, run, field, after),
            )
    asked: Asked | None = st.session_state.get(_ASKED)
    if asked and not asked.is_over:
        waiting.until_done(asked.jobs[-1], _progress, _is_over)
    elif asked:
        _progress()


def _start(model: ModelConfig, run: RunConfig, field: str, after: Any) -> None:
    try:
        then = apply(model, run, {field: after})
    except ConfigError:
        return  # the row of this knob says what is wrong
    st.session_state[_ASKED] = Asked((workers.queue().submit(model, run, workers.watcher()),), then)


def _is_over() -> bool:
    """Whether both runs are done; the second is asked for when the first is."""
    asked: Asked = st.session_state[_ASKED]
    if asked.then is not None and asked.jobs[-1].result is not None and not asked.is_over:
        asked = Asked((*asked.jobs, workers.queue().submit(*asked.then, workers.watcher())))
        st.session_state[_ASKED] = asked
    return asked.is_over


def _progress() -> None:
    """How far the runs are, and what went wrong with one."""
    asked: Asked = st.session_state[_ASKED]
    for job, words in zip(asked.jobs, ("Your config", "One step up"), strict=False):
        now = job.snapshot()
        if now.result is None:
            place = f"waiting, {now.place + 1} in the queue" if now.state == "queued" else "being built and timed"
            st.caption(f":material/hourglass: {words}: {place}")
        elif now.result.status != "ok":
            st.warning(f"{words}: {parts.plain(now.result.reason or '')}", icon=":material/info:")


def _same_runs(model: ModelConfig, run: RunConfig) -> list[RunConfig]:
    """The run as it is, and with its sequence length left open where that is the same length."""
    left_open = replace(run, sequence_length=None)
    return [run, left_open] if left_open.sequence(model) == run.sequence(model) else [run]
