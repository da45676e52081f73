"""The bytes one training step really takes: of tensors, and of the whole process. Two different numbers, never mixed.

The process holds more than its tensors: the interpreter, torch itself, caches of the allocator and of MKL.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import psutil
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from llm_explorer.config import replace
from llm_explorer.torch_private import memory_events
from llm_explorer.training import Batch, TrainingStep

_workspaces: dict[str, int] = {}


def tensor_peak_bytes(step: TrainingStep, batches: list[Batch]) -> int | None:
    """The most tensor bytes alive at once during one more step; None where the device cannot tell (mps, meta).

    The step must have run before: the first has no optimizer state yet and peaks lower. On a CPU two micro-batches
    run of more: from the second on all peak alike, and the profiler takes 1.6 MiB for a layer of each. On CUDA it is
    what the caching allocator has given out: each tensor rounded up to 512 bytes, and ``workspace_bytes`` are in it.
    """
    device = batches[0][0].device
    if device.type == "cpu":
        some, short = batches[:2], copy(step)
        short.run = replace(step.run, accumulation=len(some))
        alive, added = storage_bytes(_alive_between_steps(step, batches)), added_peak_bytes(lambda: short(some))
        return None if added is None else alive + added
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        step(batches)
        return torch.cuda.max_memory_allocated(device)
    return None  # torch.mps knows what is allocated now, not the most there was


def added_peak_bytes(work: Callable[[], object]) -> int | None:
    """The most CPU tensor bytes alive at once during the work, above those alive before it; None where torch is silent.

    Summed from the profiler's memory events, so scratch space inside kernels is seen too.

    >>> added_peak_bytes(lambda: torch.empty(1000))
    4000
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        work()
    events = memory_events(recorded)
    if events is None:
        return None
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def workspace_bytes(device: str, dtype: torch.dtype) -> int | None:
    """What CUDA's matrix products keep for themselves from the first one on; None on other devices.

    Found by making the device's first products in this process, so call it before anything else runs there; later
    calls repeat that answer.
    """
    if not device.startswith("cuda"):
        return None
    if device not in _workspaces:
        square, row = torch.ones(64, 64, device=device, dtype=dtype), torch.ones(64, device=device, dtype=dtype)
        product = torch.ones(64, 64, device=device, dtype=dtype)
        before = torch.cuda.memory_allocated(device)
        torch.mm(square, square, out=product)
        torch.addmm(row, square, square, out=product)  # with a bias: another library's, perhaps with room of its own
        _workspaces[device] = torch.cuda.memory_allocated(device) - before
    return _workspaces[device]


def storage_bytes(tensors: Iterable[Tensor]) -> int:
    """The bytes behind the tensors, memory that several share counted once."""
    storages = [tensor.untyped_storage() for tensor in tensors]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def process_peak_bytes() -> int:
    """The most memory this process ever held: resident pages, libraries included.

    Linux: VmHWM, because ru_maxrss survives exec and starts at what the parent held. Elsewhere ru_maxrss (bytes on
    macOS), and the peak working set on Windows.
    """
    if sys.platform == "linux":
        return _status_bytes("VmHWM")
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def own_bytes() -> int | None:
    """The memory that is this process's alone and in use: without libraries; only Linux tells it."""
    return _status_bytes("RssAnon") if sys.platform == "linux" else None


@contextmanager
def limited_memory(allowed_bytes: int | None) -> Iterator[None]:
    """Let this process take that much more than it has now, so that a wrong prediction is an error, not a dead process.

    RLIMIT_DATA counts private writable memory: neither libraries nor a device's address space. Only Linux has it so.
    """
    if allowed_bytes is None or sys.platform != "linux":
        yield
        return
    import resource  # not on Windows

    usual, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_status_bytes("VmData") + allowed_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (usual, most))


def _status_bytes(name: str) -> int:
    return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0]) * 1024


def _alive_between_steps(step: TrainingStep, batches: list[Batch]) -> list[Tensor]:
    weights = list(step.gpt.parameters())
    kept: list[Tensor] = []
    if step.optimizer is not None:
        weights += [weight for group in step.optimizer.param_groups for weight in group["params"]]  # fp32 masters too
        states = step.optimizer.state.values()
        kept = [value for state in states for value in state.values() if isinstance(value, Tensor)]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    return [*weights, *gradients, *kept, *(tensor for batch in batches for tensor in batch)]
