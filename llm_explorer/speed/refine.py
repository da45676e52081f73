"""Predict a deep model by running a shallow one: at zero and at three layers, and on from there. Needs torch."""

from collections.abc import Sequence
from statistics import median
from typing import Final

import torch

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.devices import synchronizer
from llm_explorer.measure.statistics import summarize
from llm_explorer.measure.timing import PhaseClock, Report, StepTime, garbage_collection_paused, repeat
from llm_explorer.model import build
from llm_explorer.speed.predict import REFINED_LAYERS, Refined, Span
from llm_explorer.training import TrainingStep, random_batch

# seconds / spread to seconds x spread is the interval, and wider where the samples are
SPREAD: Final = 1.12


def refine(model: ModelConfig, run: RunConfig, *, budget_s: float, report: Report) -> Refined:
    """Seconds of forward, backward and step: all layers take as long as the three that ran.

    A model of at most three layers is run as it is. With and without layers take turns, so that what slows the machine
    for a while slows both.
    """
    deep = min(REFINED_LAYERS, model.n_layers)
    gpt = build(replace(model, n_layers=deep), run)
    blocks, none = gpt.blocks, torch.nn.ModuleList()
    step, batches = TrainingStep(gpt, run), [random_batch(model, run)] * run.accumulation
    clock = PhaseClock(synchronizer(run.device))
    shallow: list[StepTime] = []

    def timed(layers: torch.nn.ModuleList) -> StepTime:
        gpt.blocks = layers  # without them the model goes from the embeddings to the last norm
        step(batches, clock.enter)
        return clock.finish()

    def once() -> StepTime:
        low, high = timed(none), timed(blocks)
        shallow.append(high)
        return StepTime(
            *(without + (some - without) * model.n_layers / deep for without, some in zip(low, high, strict=True))
        )

    with garbage_collection_paused():
        samples = repeat(once, budget_s=budget_s, report=report)
    ran = shallow[-len(samples) :]
    return Refined(*(_span(samples, ran, phase) for phase in Refined._fields))


def _span(samples: Sequence[StepTime], ran: Sequence[StepTime], phase: str) -> Span:
    """Around the median, and never less than what the few layers took."""
    found = summarize([getattr(each, phase) for each in samples])
    seconds = max(found.median, median(getattr(each, phase) for each in ran))
    spread = SPREAD * (1 + found.iqr / seconds)
    return Span(seconds, seconds / spread, seconds * spread)
