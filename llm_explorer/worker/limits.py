"""How much memory and time a measurement gets, and whether it may start at all."""

import os
import sys
from typing import Final, Literal

from llm_explorer.accounting.fit import Way, ways_to_fit
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.sibling import Room, largest_sibling
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.machine import children_bytes, free_bytes
from llm_explorer.units import byte_size

Allocator = Literal["fast", "default"]

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

# The fast settings: large blocks come from a heap that is never given back, instead of fresh pages for each tensor.
# 1.4 to 1.7 times faster steps, because a fresh page costs a fault when it is first touched. glibc only.
FAST_SETTINGS: Final = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "2147483647"}

# Streamlit Community Cloud gives all visitors together 0.7 to 2.7 GB (2026-11). Kept for the server: 160 MB measured,
# and what a prediction may be wrong by; for the child of lessons and traces: 319 MiB of its own while it traces the
# largest preset, torch 2.13.0.
HOSTED_MEMORY: Final = 1024**3
HOSTED_SERVER: Final = 256 * 1024**2
HOSTED_RESIDENT: Final = 336 * 1024**2
OWN_RESIDENT: Final = 2 * 1024**3  # more than a trace of the 20 s that an answer may take has filled: 1.5 GiB, 2026-11
RESIDENT_BASE: Final = 224 * 1024**2  # of its own after a first, small trace: torch and what it imports then, 2026-11
# What a trace may run in those 20 s: 0.14 ms an operation on an idle AMD EPYC, 0.5 on a busy one (docs/HOSTED.md: 14.8
# s for 30,000), 2026-11.
TRACE_OPERATIONS: Final = 150_000
HOSTED_TRACE_OPERATIONS: Final = 40_000
# Of a step: about 2 s on one core, and 4 at most (14 to 42 GFLOP/s, 25 in the median, in bf16 steps of 14 random
# models without instructions for it, 2026-11; those of fp32 are no slower).
HOSTED_FLOPS: Final = 5 * 10**10
SIBLING_STEP: Final = 16 * 1024**2  # what is free changes all the time; a sibling should not


def is_hosted() -> bool:
    """Whether this is a shared public server, by LLM_EXPLORER_HOSTED=1."""
    return os.environ.get("LLM_EXPLORER_HOSTED") == "1"


def budget_s() -> float:
    """Seconds of timing after the warm-up."""
    return 3.0 if is_hosted() else 10.0


def timeout_s() -> float:
    """Seconds a measurement may take in all before it is ended."""
    return 60.0 if is_hosted() else 600.0


def kept_bytes() -> int:
    """Bytes that finished runs may take together while they wait to be looked at again."""
    return 16 * 1024**2 if is_hosted() else 256 * 1024**2


def memory_limit() -> int:
    """Bytes a measuring process may take: what is free now; on a hosted server what will be when its turn comes.

    There the other children have ended by then.
    """
    if not is_hosted():
        return free_bytes()
    return min(HOSTED_MEMORY - HOSTED_SERVER, free_bytes() + children_bytes())


def memory_beside_a_resident() -> int:
    """The same for a process that leaves the child for lessons and traces alone."""
    return min(memory_limit(), HOSTED_MEMORY - HOSTED_SERVER - HOSTED_RESIDENT) if is_hosted() else memory_limit()


def resident_limit() -> int:
    """Bytes of its own that the child of lessons and traces may hold."""
    return HOSTED_RESIDENT if is_hosted() else min(OWN_RESIDENT, RESIDENT_BASE + free_bytes())


def trace_limits() -> tuple[int, int]:
    """Operations that a trace may run, and bytes that its process may grow by."""
    return HOSTED_TRACE_OPERATIONS if is_hosted() else TRACE_OPERATIONS, resident_limit() - RESIDENT_BASE


def flops_limit(run: RunConfig) -> int | None:
    """FLOPs that a step may take, so that a run ends in time; None where nobody waits for the same machine."""
    if not is_hosted() or run.device == "meta":
        return None
    return HOSTED_FLOPS


def there_are(limit: int) -> str:
    """'2.0 GiB are free', the end of a refusal's sentence."""
    return f"{byte_size(limit)} are {'allowed here' if is_hosted() else 'free'}"


def process_bytes(model: ModelConfig, run: RunConfig, allocator: Allocator = "default") -> int:
    """Bytes of process memory a measured step is predicted to take: over its tensors a factor, its objects, torch's."""
    tensors = int(PROCESS_FACTOR[allocator] * count_memory(model, run).peak_bytes)
    layers = model.n_layers * min(run.accumulation, 2)
    return tensors + layers * (LAYER_OBJECTS + EXPERT_OBJECTS * (model.n_experts or 0)) + PROCESS_BASE


def choose_allocator(model: ModelConfig, run: RunConfig, limit: int) -> Allocator:
    """The fast settings where they exist and what they hoard fits the limit."""
    fits = run.device == "meta" or process_bytes(model, run, "fast") <= limit
    return "fast" if sys.platform == "linux" and fits else "default"


def refusal(model: ModelConfig, run: RunConfig, limit: int | None = None) -> str | None:
    """Why this run is not even started, and what would fit; None when it may start.

    Judged are cpu and mps, which share the system's memory. Only the child can ask a CUDA device what is free, and
    ``meta`` takes nothing.
    """
    limit = memory_limit() if limit is None else limit
    if _may_start(model, run, limit):
        return None
    needs = f"A step needs about {byte_size(process_bytes(model, run))} of process memory"
    free = there_are(limit)
    found = ways(model, run, limit)
    if not found:
        return f"{needs}, {free}; no smaller model or batch would fit"
    changes = ", ".join(f"{field}={value}" for field, value in found[0].changes.items())
    return f"{needs}, {free}; {changes} would fit"


def ways(model: ModelConfig, run: RunConfig, limit: int | None = None) -> tuple[Way, ...]:
    """Changes with which it would not be refused, the mildest first."""
    limit = memory_limit() if limit is None else limit
    needed = process_bytes if _is_judged(run) else None
    return ways_to_fit(model, run, limit, kernels_of_device(run.device), needed)


def sibling(model: ModelConfig, run: RunConfig, limit: int | None = None) -> Way | None:
    """What can be measured instead: the largest sibling that fits; None where the config itself can, or nothing can."""
    limit = memory_limit() if limit is None else limit
    flops = flops_limit(run)
    is_short = flops is None or step_flops(model, run) <= flops
    if _may_start(model, run, limit) and is_short:
        return None
    return largest_sibling(model, run, Room(limit - limit % SIBLING_STEP, flops, process_bytes))


def _may_start(model: ModelConfig, run: RunConfig, limit: int) -> bool:
    return not _is_judged(run) or process_bytes(model, run) <= limit


def _is_judged(run: RunConfig) -> bool:
    return run.device in ("cpu", "mps")
