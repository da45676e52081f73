"""The memory of one training step, traced: its peak, what it is made of, and how it comes about."""

import time
from contextlib import suppress
from functools import lru_cache
from typing import Final

from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, check
from llm_explorer.parts import PARTS, RANDOM_STATES
from llm_explorer.torch_private import why_not
from llm_explorer.tracing.chunks import few_chunks
from llm_explorer.tracing.depth import UnlikeBlocksError, at_depth, depths
from llm_explorer.tracing.gpt import TraceableGPT
from llm_explorer.tracing.micro_batches import TRACED, with_micro_batches
from llm_explorer.tracing.recording import Recording, record
from llm_explorer.tracing.result import Trace, as_traced
from llm_explorer.tracing.timeline import Timeline
from llm_explorer.tracing.traceable import Traceable
from llm_explorer.units import byte_size

MOST_BYTES: Final = 2**60  # torch counts a tensor's bytes in 63 bits, and so do we


def trace(model: ModelConfig, run: RunConfig) -> Trace:
    """Trace one step in the steady state, with the kernels of a CPU whatever the run's device.

    Exact to the byte but for scratch space inside kernels. Takes about as long for 4 layers as for 96, with windows in
    some of them as for 4 of their patterns. ConfigError where the two do not go together, ValueError with a sentence
    where this torch or this size cannot be traced.

    >>> trace(ModelConfig(n_layers=96), RunConfig()).peak_phase
    'backward'
    """
    start = time.perf_counter()
    found = _traced(model, as_traced(run)).model_copy(deep=True)
    return found.model_copy(update={"run": run, "seconds": time.perf_counter() - start})


def record_from_few(model: Traceable) -> tuple[Recording, list[int]]:
    """The recording of the step on fake tensors, and the depths at which it was really run.

    Of micro-batches and of the loss's chunks the first, the second and the last are in it: all between are alike.
    """
    micro_batches = min(model.accumulation, TRACED)
    with few_chunks():
        recording, traced_depths = _at_its_depth(model, micro_batches)
    if model.accumulation > TRACED:
        recording = with_micro_batches(recording, model.accumulation)
    return recording, traced_depths


def _at_its_depth(model: Traceable, micro_batches: int) -> tuple[Recording, list[int]]:
    few = depths(model.n_layers, model.period)
    if few is not None:
        both = [few.shallow, few.deep]
        shallow, deep = (record(model, layers, micro_batches) for layers in both)
        with suppress(UnlikeBlocksError):
            return at_depth(shallow, deep, few.blocks), both
    return record(model, model.n_layers, micro_batches), [model.n_layers]


@lru_cache(maxsize=64)  # about 100 KB each
def _traced(model: ModelConfig, run: RunConfig) -> Trace:
    reason = why_not()
    if reason is not None:
        raise ValueError(reason)
    check(model, run)
    _check_size(model, run)
    traceable = TraceableGPT(model, run)
    recording, traced_depths = record_from_few(traceable)
    timeline = Timeline(recording)
    saved = {part: recording.saved.get(part, 0) for part in PARTS}
    random_states = saved[RANDOM_STATES]
    return Trace(
        model=model,
        run=run,
        **timeline.peak(),
        saved=saved,
        activations_bytes=sum(saved.values()),
        timeline=timeline.points(),
        depths=tuple(traced_depths),
        assumes=traceable.assumption,
        constants={"checkpoint random state": random_states} if random_states else {},
        seconds=0.0,
    )


def _check_size(model: ModelConfig, run: RunConfig) -> None:
    peak = count_memory(model, run, "cpu").peak_bytes
    if peak > MOST_BYTES:
        raise ValueError(f"a step needs about {byte_size(peak)}: over {byte_size(MOST_BYTES)} nothing can be traced")
