"""Build and time: the same numbers, measured, beside what was computed."""

import time
from datetime import datetime
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting import process
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.sibling import smaller_by
from llm_explorer.budget import limits
from llm_explorer.charts.timings import samples_chart
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats import to_settings
from llm_explorer.measure import recorded
from llm_explorer.measure.result import Measured, Result
from llm_explorer.receipt import products_of
from llm_explorer.speed.explanations import noise
from llm_explorer.texts import compute as compute_texts
from llm_explorer.texts import explore as texts
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance, words
from llm_explorer.ui.parts.live import drag
from llm_explorer.ui.runs import sibling, waiting, workers
from llm_explorer.ui.runs.computed_beside_measured import comparison
from llm_explorer.ui.visit import config_buttons
from llm_explorer.worker.queue import Job, Snapshot
from llm_explorer.worker.task import Measurement

EVERY_CHANGE_FLOPS: Final = 10**10

_RUNS: Final = "runs"


def draw(model: ModelConfig, run: RunConfig) -> None:
    """The button, the run while it runs, its result, and the earlier runs of this visit."""
    if appearance.hides("build"):
        return
    with st.container(border=True):
        st.markdown(f"**{texts.BUILD_TITLE}**", help=texts.BUILD_INTRO)
        _controls(model, run)
        job = workers.watched()
        if job is not None:
            _job(job, model, run)
        _earlier_runs()
        if limits().is_hosted:
            sibling.limits_of_server(run)


def _controls(model: ModelConfig, run: RunConfig) -> None:
    way = process.sibling(model, run) if limits().is_hosted else None
    with st.container(horizontal=True, vertical_alignment="center"):
        if way is None:
            known = _start_button("Build and time it", model, run)
        else:
            known = _start_button(sibling.label(way), way.model, way.run, key="build_sibling")
        if known and known.finished_at and known is not workers.watched():
            ago = units.duration(max(1, round(time.monotonic() - known.finished_at)))
            st.button(f"Show the run of {ago} ago", on_click=workers.watch, args=(known,))
        if not limits().is_hosted and step_flops(model, run) < EVERY_CHANGE_FLOPS:
            every = st.toggle("Run on every change", key="every_change", help=texts.EVERY_CHANGE_HELP)
            if every and not drag.dragged() and not _is_newest(model, run):
                start(model, run)
    if way is not None:
        sibling.why(model, run, way)
        sibling.recorded_run(model, run)


def _start_button(label: str, model: ModelConfig, run: RunConfig, key: str | None = None) -> Job | None:
    """The button that starts a run, and the run of the same that there is already."""
    known = workers.queue().find(model, run)
    again = bool(known and known.result)
    label = f"{label} again" if again and key is None else label
    st.button(
        label,
        type="primary",
        icon=":material/play_arrow:",
        on_click=start,
        args=(model, run),
        kwargs={"again": again},
        key=key,
    )
    return known


def start(model: ModelConfig, run: RunConfig, *, again: bool = False) -> None:
    """Have it measured, or look at the measurement that there is; from a callback."""
    workers.watch(workers.queue().submit(model, run, workers.watcher(), again=again))


def _is_newest(model: ModelConfig, run: RunConfig) -> bool:
    job = workers.watched()
    return job is not None and (job.model, job.run) == (model, run)


def wait(job: Job) -> None:
    """How far a job is, until it is done and, if it measured, is written down."""

    def is_over() -> bool:
        now = job.snapshot()
        if isinstance(job.task, Measurement):
            _note(now)
        return now.result is not None

    waiting.until_done(job, lambda: _progress(job, job.snapshot()), is_over)


def _progress(job: Job, now: Snapshot) -> None:
    """Its place in the queue, or how far it is, and the button that ends it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if now.state == "queued":
            waiting.place(now)
        else:
            progress = now.progress
            text = f"{progress.phase}: {progress.text}" if progress else "starting"
            st.progress((progress.fraction or 0.0) if progress else 0.0, text=text)
        st.button("Cancel", icon=":material/close:", on_click=job.leave, args=(workers.watcher(),))


def _job(job: Job, model: ModelConfig, run: RunConfig) -> None:
    """A job that runs, or its result, which is written down once; ``model`` and ``run`` are on the screen."""
    now = job.snapshot()
    if now.result is None:
        wait(job)
        return
    assert isinstance(now.result, Measured)
    if _note(now):
        st.rerun()
    if now.result.status == "ok":
        _result(now, now.result, smaller_by(model, run, now.model, now.run))
        return
    failure(now, now.result)
    if now.result.status in ("refused", "out_of_memory") and not limits().is_hosted:
        _instead(now.model, now.run)


def _instead(model: ModelConfig, run: RunConfig) -> None:
    """Beside the changes that would make it fit: a sibling that does, and the whole as it was once measured."""
    way = process.sibling(model, run)
    if way is None:
        return
    _start_button(sibling.label(way), way.model, way.run, key="build_sibling")
    sibling.why(model, run, way)
    if recorded.find(model, run) is not None:
        sibling.recorded_run(model, run)


def _result(now: Snapshot, result: Measured, smaller: dict[str, Any] | None) -> None:
    clock = datetime.fromisoformat(result.environment.time).strftime("%H:%M")
    step = result.step_s
    repeats = f", n={step.n}" if step else ""
    what = _what(now.model, now.run)
    if smaller:
        what = f"{texts.OF_A_SIBLING.format(changes=words.change_words(smaller))} · {what}"
    st.markdown(f":material/check_circle: **Measured: really run here, {clock}{repeats}** · {what}")
    left, right = st.columns([3, 2])
    with left:
        told = {"really": "measured", "unpredicted": texts.NOT_PREDICTED}
        st.table(pd.DataFrame(comparison(now.model, result, result.predicted, **told)), hide_index=True)
    with right:
        samples = {phase: getattr(result, f"{phase}_s") for phase in ("forward", "backward", "optimizer", "step")}
        timed = {phase: [*timing.samples] for phase, timing in samples.items() if timing}
        if timed:
            figure = samples_chart(timed)
            parts.chart(figure, key="samples_chart", alt="Each timing sample of forward, backward, optimizer and step")
    warn_of_noise(result)
    st.caption(_details(now.run, result))


def warn_of_noise(result: Measured) -> None:
    """Beside measured times: how far they can be trusted, when that is not far."""
    spread = noise(result.step_s)
    if spread is not None:
        st.warning(compute_texts.NOISE.format(spread=units.share(spread / 2)), icon=":material/warning:")


def failure(now: Snapshot, result: Result) -> None:
    """What happened, in words; for what does not fit, the buttons that make it fit."""
    st.warning(f"{texts.STATUS_WORDS[result.status]} {parts.plain(result.reason or '')}", icon=":material/info:")
    if result.status in ("refused", "out_of_memory"):
        config_buttons.ways(process.ways(now.model, now.run), key="refusal_way")


def _what(model: ModelConfig, run: RunConfig) -> str:
    return f"{units.count(count_parameters(model).total)}, B={run.batch_size}, T={run.sequence(model)}, {run.precision}"


def _details(run: RunConfig, result: Measured) -> str:
    """The numbers of a run that have no computed partner, and where it was made."""
    made = result.environment
    told = [
        f"built in {units.seconds(result.init_s)}" if result.init_s else "",
        f"{result.tokens_per_s:,.0f} tokens/s" if result.tokens_per_s else "",
        f"process memory {units.byte_size(result.process_rss_bytes)}" if result.process_rss_bytes else "",
        f"{made.device_name or made.device}, threads: {made.threads}, PyTorch {made.torch}",
        f"{made.allocator} allocator settings",
        products_of(run, made),
    ]
    return " · ".join(text for text in told if text)


def _note(now: Snapshot) -> bool:
    """Write a finished job down once; whether it was new."""
    runs = st.session_state.setdefault(_RUNS, {})
    key = (now.model, now.run, now.finished_at)
    if key in runs or not isinstance(now.result, Measured):
        return False
    runs[key] = _run_record(now, now.result)
    return True


def _run_record(now: Snapshot, result: Measured) -> dict[str, Any]:
    timings = {"forward (s)": result.forward_s, "backward (s)": result.backward_s, "step (s)": result.step_s}
    return {
        "time": result.environment.time,
        "config": " ".join(to_settings(now.model, now.run)) or "defaults",
        "status": result.status,
        "parameters": result.parameters,
        "computed peak (bytes)": result.predicted.peak_bytes,
        "measured peak (bytes)": result.peak_bytes,
        **{name: timing and timing.median for name, timing in timings.items()},
        "tokens/s": result.tokens_per_s,
    }


def _earlier_runs() -> None:
    runs = list(st.session_state.get(_RUNS, {}).values())
    if not runs:
        return
    # the same words whatever it holds: with a new label it would be a new expander, and closed
    columns = {name: [run[name] for run in runs] for name in runs[0]}
    table = partial(parts.data_table, columns, file_name="runs.csv", key="runs")
    parts.folded("Runs of this visit", table, key="runs_open", icon=":material/history:")
