"""Time the model as it is used when training is done: all tokens at once, and one more token with a KV cache."""

import contextlib
import time
from collections.abc import Callable

import torch
from torch import Tensor

from llm_explorer.config import RunConfig
from llm_explorer.measure.statistics import Timing, summarize
from llm_explorer.measure.timing import Report, StepTime, garbage_collection_paused, repeat
from llm_explorer.model import GPT


def time_inference(
    gpt: GPT, run: RunConfig, tokens: Tensor, *, budget_s: float, report: Report, synchronize: Callable[[], None]
) -> tuple[Timing, Timing]:
    """Seconds of a forward pass over ``tokens`` (B, T), and of the last of them alone after a cache of the others.

    Without dropout and without gradients; the budget is for each of the two.
    """
    cache = gpt.new_cache(tokens.shape[1])
    before, last = tokens[:, :-1], tokens[:, -1:]

    def decode() -> None:
        for layer in cache:
            layer.length = before.shape[1]  # the token of the time before is forgotten
        gpt(last, cache)

    def timed(work: Callable[[], object]) -> Timing:
        def once() -> StepTime:
            start = time.perf_counter()
            work()
            synchronize()
            return StepTime(time.perf_counter() - start, 0.0, 0.0)

        return summarize([sample.step for sample in repeat(once, budget_s=budget_s, report=report)])

    gpt.eval()
    try:
        with torch.inference_mode(), _precision(run), garbage_collection_paused():
            synchronize()
            prefill = timed(lambda: gpt(tokens))
            if before.shape[1]:
                gpt(before, cache)
            return prefill, timed(decode)
    finally:
        gpt.train()


def _precision(run: RunConfig) -> contextlib.AbstractContextManager[object]:
    if run.precision != "autocast":
        return contextlib.nullcontext()
    return torch.autocast(torch.device(run.device).type, torch.bfloat16)
