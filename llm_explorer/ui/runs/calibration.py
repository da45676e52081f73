"""What gives a config its times: calibrate the device, refine the prediction, measure; each through the queue."""

from typing import Final

import streamlit as st

from llm_explorer.speed import store
from llm_explorer.speed.predict import Refined
from llm_explorer.texts import compute as texts
from llm_explorer.texts import runs as run_texts
from llm_explorer.ui import parts
from llm_explorer.ui.runs import build_and_time, workers
from llm_explorer.ui.visit.page import Page
from llm_explorer.worker.queue import Job
from llm_explorer.worker.task import Calibration, Measurement, Refinement, RefinementResult, Task

_JOB: Final = "speed_job"  # the calibration or refinement that this visit waits for


def refined(page: Page) -> Refined | None:
    """What a refinement of exactly this config found on this server."""
    job = workers.queue().find_task(Refinement(page.model, page.run))
    found = None if job is None else job.result
    return found.refined if isinstance(found, RefinementResult) else None


def draw(page: Page, *, is_calibrated: bool, is_measured: bool) -> None:
    """The three buttons; while something that they started runs, how far it is."""
    job = _running(page)
    if job is not None:
        build_and_time.wait(job)
        return
    if not is_calibrated:
        _not_used(page)
    with st.container(horizontal=True, vertical_alignment="center"):
        if not is_calibrated:
            _calibrate(page, texts.CALIBRATE, "primary")
        _button(run_texts.MEASURE_AGAIN if is_measured else run_texts.MEASURE, Measurement(*page[:2]), "secondary")
        _button(texts.REFINE_AGAIN if refined(page) else texts.REFINE, Refinement(*page[:2]), "secondary")
        if is_calibrated:
            _calibrate(page, texts.CALIBRATE_AGAIN, "tertiary")
    _failures(page)


def offer_calibration(page: Page) -> None:
    """Only the button that calibrates, or how far it is: for pages with other things to do."""
    job = _running(page)
    if job is not None and isinstance(job.task, Calibration):
        build_and_time.wait(job)
    elif page.run.device != "meta":
        _not_used(page)
        _calibrate(page, texts.CALIBRATE, "secondary")
        _failures(page)


def _not_used(page: Page) -> None:
    """What is wrong with the calibration that there is; the button makes another in its place."""
    trouble = store.load(Calibration(*page[:2]).key).trouble
    if trouble is not None:
        st.warning(parts.plain(trouble), icon=":material/info:")


def _calibrate(page: Page, label: str, look: str) -> None:
    _button(label, Calibration(*page[:2]), look)


def _button(label: str, task: Task, look: str) -> None:
    kind = type(task).__name__.lower()
    st.button(
        label,
        icon=_ICONS[kind],
        type=look,  # type: ignore[arg-type]
        help=texts.HELPS.get(kind),
        key=f"start_{kind}",
        on_click=_start,
        args=(task,),
    )


_ICONS: Final = {
    "calibration": ":material/speed:",
    "refinement": ":material/target:",
    "measurement": ":material/play_arrow:",
}


def _start(task: Task) -> None:
    """From a callback; what has been found before is found anew."""
    if isinstance(task, Measurement):
        build_and_time.start(task.model, task.run, again=True)
    else:
        workers.watch(workers.queue().submit_task(task, workers.watcher(), again=True), _JOB)


def _running(page: Page) -> Job | None:
    """The job of this visit that will tell something of this config."""
    keys = {task.key for task in (Calibration(*page[:2]), Refinement(*page[:2]), Measurement(*page[:2]))}
    mine = (workers.kept(_JOB), workers.watched())
    return next((job for job in mine if job is not None and job.result is None and job.task.key in keys), None)


def _failures(page: Page) -> None:
    """What went wrong with the last of each kind, in words."""
    job = workers.kept(_JOB)
    if job is not None and job.result is not None and job.result.reason:
        st.warning(f"{type(job.task).__name__}: {parts.plain(job.result.reason)}", icon=":material/info:")
    watched = workers.watched()
    if watched is not None and watched.task.key == Measurement(*page[:2]).key:
        now = watched.snapshot()
        if now.result is not None and now.result.status != "ok":
            build_and_time.failure(now, now.result)
