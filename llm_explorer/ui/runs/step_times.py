"""The times of one step: predicted, refined, measured; how to get them; and what is said of them on other pages."""

from typing import NamedTuple

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.flops import count_flops
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.hardware import find
from llm_explorer.machine import default_threads
from llm_explorer.measure.result import Measured
from llm_explorer.measure.statistics import Timing
from llm_explorer.speed.calibration import Calibration
from llm_explorer.speed.explanations import NOISY
from llm_explorer.speed.predict import Prediction, Refined, Span, calibration_for, predict_with, roofline_of
from llm_explorer.speed.training_run import Pace, dense_peak, model_flops_per_token
from llm_explorer.texts import compute as texts
from llm_explorer.texts import names
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs import build_and_time, workers
from llm_explorer.ui.runs import calibration as compute_jobs
from llm_explorer.ui.visit.page import Page

PHASES = ("forward", "backward", "step")


class Times(NamedTuple):
    """What is known of the speed of a config on its device; None where nothing is."""

    model: ModelConfig
    run: RunConfig
    calibration: Calibration | None
    predicted: Prediction | None
    refined: Refined | None
    measured: Measured | None

    @property
    def tokens(self) -> int:
        """Of one step."""
        return self.run.batch_size * self.run.sequence(self.model) * self.run.accumulation

    @property
    def step(self) -> tuple[float, str] | None:
        """The best known seconds of a step, and how they are known: "measured", "refined" or "predicted"."""
        if self.measured and self.measured.step_s:
            return self.measured.step_s.median, "measured"
        best = self.refined or self.predicted
        return None if best is None else (best.step.seconds, "refined" if self.refined else "predicted")

    @property
    def pace(self) -> Pace | None:
        """Tokens a second on the run's device."""
        if self.step is None:
            return None
        return Pace(self.tokens / self.step[0], "measured" if self.step[1] == "measured" else "predicted")


def times_of(page: Page) -> Times:
    """All that is known now, without asking for more."""
    model, run = page.model, page.run
    calibration = calibration_for(model, run)
    predicted = None if calibration is None else predict_with(calibration, model, run)
    return Times(model, run, calibration, predicted, compute_jobs.refined(page), workers.measured(model, run))


def draw(page: Page, times: Times) -> None:
    """Four metrics, the table by phase, and the buttons."""
    _metrics(times)
    lines = [_line(times, phase) for phase in PHASES]
    if page.run.device == "meta":
        st.info(texts.NO_SPEED)
        return
    if times.step is None:
        threads = page.run.threads or default_threads()
        st.info(texts.NEITHER.format(precision=names.PRECISIONS[page.run.precision], threads=threads))
    else:
        st.table(pd.DataFrame(lines), hide_index=True)
    if times.measured is not None:
        build_and_time.warn_of_noise(times.measured)
    compute_jobs.draw(page, is_calibrated=times.calibration is not None, is_measured=times.measured is not None)
    if times.calibration is not None:
        st.caption(_made(times.calibration))
        if times.calibration.disturbance > NOISY:
            share = units.share(times.calibration.disturbance)
            st.warning(texts.DISTURBED.format(share=share), icon=":material/warning:")


def in_a_sentence(times: Times) -> str:
    """'; a step here is predicted to take **1.2 s** (0.96 to 1.5 s)' and what was measured; '' without calibration."""
    if times.predicted is None:
        return ""
    span, measured = times.predicted.step, ""
    if times.step is not None and times.step[1] == "measured":
        off = units.error(span.seconds, times.step[0])
        measured = texts.EXPLORE_MEASURED.format(step=units.seconds(times.step[0]), error=off)
    words = texts.EXPLORE_STEP.format(step=units.seconds(span.seconds), measured=measured, **_ends(span))
    return f"; {words}"


def details(page: Page) -> None:
    """The predicted times of each phase, or the button that makes them possible."""
    found = times_of(page).predicted
    if found is None:
        compute_jobs.offer_calibration(page)
        return
    seconds = {phase: units.seconds(getattr(found, phase).seconds) for phase in PHASES}
    st.markdown(texts.EXPLORE_TIMES.format(**seconds, **_ends(found.step)))


def _metrics(times: Times) -> None:
    grid = appearance.four("times")
    seconds, tier = times.step or (None, "")
    basis = texts.TIERS.get(tier, texts.NOT_KNOWN)
    with grid.cell():
        parts.metric(texts.STEP, units.seconds(seconds), basis, texts.STEP_HELP)
    with grid.cell():
        rate = units.UNKNOWN if times.pace is None else units.exact(times.pace.tokens_per_s)
        parts.metric(texts.TOKENS, rate, basis, texts.TOKENS_HELP)
    with grid.cell():
        share = _share_of_peak(times)
        if seconds is None or share is None:
            parts.metric(texts.WORK, units.flops(_work(times)), texts.COMPUTED, texts.WORK_HELP)
        else:
            parts.metric(texts.SHARE, units.share(share), f"{units.flops(_work(times) / seconds)}/s", texts.SHARE_HELP)
    with grid.cell():
        _mfu(times)


def _work(times: Times) -> int:
    """FLOPs of a step, all its micro-batches."""
    flops = count_flops(times.model, times.run)
    return (flops.forward + flops.backward) * times.run.accumulation


def _share_of_peak(times: Times) -> float | None:
    """Of the fastest product that the calibration saw."""
    if times.calibration is None or times.step is None:
        return None
    return _work(times) / times.step[0] / times.calibration.peak_flops


def _mfu(times: Times) -> None:
    """The named accelerator's share of its dense peak; for no name, the FLOPs."""
    model, run = times.model, times.run
    hardware, peak = find(run.hardware), dense_peak(run)
    if hardware is None or not hardware.source:
        per_token = count_flops(model, run).per_token
        parts.metric(texts.PER_TOKEN, units.flops(per_token), texts.COMPUTED, texts.WORK_HELP)
        return
    label, least = texts.MFU.format(hardware=run.hardware), roofline_of(hardware, model, run)
    source = {"source": hardware.source, "date": hardware.date}
    if peak is None:
        parts.metric(label, units.UNKNOWN, texts.NO_PEAK, texts.MFU_HELP.format(**source))
        return
    work = model_flops_per_token(model, run) * times.tokens
    if run.device.startswith("cuda") and times.measured and times.measured.step_s:
        reached = work / times.measured.step_s.median / peak
        parts.metric(label, units.share(reached), texts.TIERS["measured"], texts.MFU_MEASURED_HELP.format(**source))
    elif least is not None:
        at_most = texts.AT_MOST.format(share=units.share(work / least.step.seconds / peak))
        bound = texts.AT_LEAST.format(seconds=units.seconds(least.step.seconds))
        parts.metric(label, at_most, bound, texts.MFU_HELP.format(**source))


def _line(times: Times, phase: str) -> dict[str, str]:
    """One phase: each tier in words, and the error of the best that was known before measuring."""
    line = {"": "whole step" if phase == "step" else phase}
    claimed: float | None = None
    for tier, found in (("predicted", times.predicted), ("refined", times.refined)):
        span: Span | None = getattr(found, phase, None)
        if span is not None:
            claimed = span.seconds
            line[texts.TIERS[tier]] = f"{units.seconds(span.seconds)} ({texts.BETWEEN.format(**_ends(span))})"
    timing: Timing | None = getattr(times.measured, f"{phase}_s", None)
    if timing:
        line[texts.TIERS["measured"]] = f"{units.seconds(timing.median)} ± {units.seconds(timing.iqr / 2)}"
        if claimed is not None:
            line["error"] = units.error(claimed, timing.median)
    return line


def _ends(span: Span) -> dict[str, str]:
    return {"low": units.seconds(span.low), "high": units.seconds(span.high)}


def _made(calibration: Calibration) -> str:
    key = calibration.key
    return texts.CALIBRATED.format(
        made=calibration.made[:16].replace("T", " "),
        threads=key.threads,
        precision=key.recipe,
        allocator=key.allocator,
        peak=units.flops(calibration.peak_flops),
        bandwidth=units.byte_size(calibration.bandwidth_bytes_per_s),
    )
