"""Predict a deep model by running a shallow one: at zero and at three layers, and on from there. Needs torch."""

from statistics import median
from typing import Any, Final

import torch

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.devices import synchronizer
from llm_explorer.measure.timing import PhaseClock, Report, StepTime, garbage_collection_paused, repeat
from llm_explorer.model import build
from llm_explorer.speed.predict import REFINED_LAYERS, Span
from llm_explorer.training import TrainingStep, random_batch

# seconds / SPREAD to seconds x SPREAD is the interval
SPREAD: Final = 1.12


def refine(model: ModelConfig, run: RunConfig, *, budget_s: float, report: Report) -> dict[str, Any]:
    """Seconds of forward, backward and step, each a Span as a list: all layers take as long as the three that ran.

    A model of at most three layers is run as it is. ``budget_s`` is for both depths together.
    """
    deep = min(REFINED_LAYERS, model.n_layers)
    none, some = (_step_time(model, run, depth, budget_s / 2, report) for depth in (0, deep))
    at_depth = [max(low + (high - low) * model.n_layers / deep, high) for low, high in zip(none, some, strict=True)]
    found = StepTime(*at_depth)
    return {f"{phase}_s": list(_around(getattr(found, phase))) for phase in ("forward", "backward", "step")}


def _step_time(model: ModelConfig, run: RunConfig, layers: int, budget_s: float, report: Report) -> StepTime:
    """The median of each phase at that depth."""
    # a config has at least one layer; with none the model goes from the embeddings to the last norm
    gpt = build(replace(model, n_layers=max(1, layers)), run)
    gpt.blocks = torch.nn.ModuleList(list(gpt.blocks)[:layers])
    step, batches = TrainingStep(gpt, run), [random_batch(model, run)] * run.accumulation
    clock = PhaseClock(synchronizer(run.device))

    def once() -> StepTime:
        step(batches, clock.enter)
        return clock.finish()

    with garbage_collection_paused():
        samples = repeat(once, budget_s=budget_s, report=report)
    return StepTime(*(median(each) for each in zip(*samples, strict=True)))


def _around(seconds: float) -> Span:
    return Span(seconds, seconds / SPREAD, seconds * SPREAD)
