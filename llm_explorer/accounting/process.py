"""The process memory of a measured step, and whether the run may start at all."""

import sys
from typing import Final, Literal

from llm_explorer.accounting.fit import Way, ways_to_fit
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.sibling import Room, largest_sibling
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.units import byte_size

Allocator = Literal["fast", "default"]  # settings of malloc; worker/client.py has the fast ones

# Process memory over the tensor peak. Default malloc: 6.8 to 18% more, measured from 0.6 to 6 GiB. Fast settings keep
# what was freed: 1.07 -> 1.65 and 1.47 -> 2.1 to 2.6 GiB on small models, 2.6 -> 2.85 GiB at 124M parameters.
# Interpreter, torch and its libraries: 350 MiB. All measured 2026-11 on Linux, glibc, torch 2.13.0.
PROCESS_FACTOR: Final[dict[Allocator, float]] = {"default": 1.2, "fast": 1.8}
PROCESS_BASE: Final = 350 * 1024**2
# What a step's objects take: modules, nodes of autograd, most of all the profiler's record of what ran, which tells the
# peak. For a layer and micro-batch, of which two at most are recorded: 1.0 MiB (no optimizer) to 1.6 (GPT-2, fp32), 2.0
# (autocast) and 3.5 (two norms a part, rope, gated), whatever its width; for each expert of it 0.17 MiB. At 50 to 1,000
# layers, 2026-11-30, torch 2.13.0. Of 3 MiB the plain ones leave a part free, for 12 layers 17 MiB.
LAYER_OBJECTS: Final = 3 * 1024**2
EXPERT_OBJECTS: Final = 176 * 1024
SIBLING_STEP: Final = 16 * 1024**2  # what is free changes all the time; a sibling should not


def process_bytes(model: ModelConfig, run: RunConfig, allocator: Allocator = "default") -> int:
    """Bytes of process memory a measured step is predicted to take: over its tensors a factor, its objects, torch's."""
    tensors = int(PROCESS_FACTOR[allocator] * count_memory(model, run, "cpu").peak_bytes)
    layers = model.n_layers * min(run.accumulation, 2)
    return tensors + layers * (LAYER_OBJECTS + EXPERT_OBJECTS * (model.n_experts or 0)) + PROCESS_BASE


def flops_limit(run: RunConfig) -> int | None:
    """FLOPs that a step may take here; of ``meta``, which runs nothing, any number."""
    return None if run.device == "meta" else limits().step_flops


def choose_allocator(model: ModelConfig, run: RunConfig, limit: int) -> Allocator:
    """The fast settings where they exist and what they hoard fits the limit."""
    fits = run.device == "meta" or process_bytes(model, run, "fast") <= limit
    return "fast" if sys.platform == "linux" and fits else "default"


def refusal(model: ModelConfig, run: RunConfig, limit: int | None = None) -> str | None:
    """Why this run is not even started, and what would fit; None when it may start.

    Judged are cpu and mps, which share the system's memory. Only the child can ask a CUDA device what is free, and
    ``meta`` takes nothing.
    """
    limit = limits().memory() if limit is None else limit
    if _may_start(model, run, limit):
        return None
    needs = f"A step needs about {byte_size(process_bytes(model, run))} of process memory"
    free = limits().there_are(limit)
    found = ways(model, run, limit)
    if not found:
        return f"{needs}, {free}; no smaller model or batch would fit"
    changes = ", ".join(f"{field}={value}" for field, value in found[0].changes.items())
    return f"{needs}, {free}; {changes} would fit"


def ways(model: ModelConfig, run: RunConfig, limit: int | None = None) -> tuple[Way, ...]:
    """Changes with which it would not be refused, the mildest first."""
    limit = limits().memory() if limit is None else limit
    needed = process_bytes if _is_judged(run) else None
    return ways_to_fit(model, run, limit, kernels_of_device(run.device), needed)


def sibling(model: ModelConfig, run: RunConfig, limit: int | None = None) -> Way | None:
    """What can be measured instead: the largest sibling that fits; None where the config itself can, or nothing can."""
    limit = limits().memory() if limit is None else limit
    flops = flops_limit(run)
    is_short = flops is None or step_flops(model, run) <= flops
    if _may_start(model, run, limit) and is_short:
        return None
    return largest_sibling(model, run, Room(limit - limit % SIBLING_STEP, flops, process_bytes))


def _may_start(model: ModelConfig, run: RunConfig, limit: int) -> bool:
    return not _is_judged(run) or process_bytes(model, run) <= limit


def _is_judged(run: RunConfig) -> bool:
    return run.device in ("cpu", "mps")
