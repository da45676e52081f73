"""Build a model on its device, run training steps, and tell what that took."""

import time
from typing import Any, Final

import torch

from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.machine import processor_name
from llm_explorer.measure import memory
from llm_explorer.measure.bf16_on_old_cpus import are_own
from llm_explorer.measure.breakdown import break_down
from llm_explorer.measure.devices import absence, available_devices, find_device, free_device_bytes, synchronizer
from llm_explorer.measure.inference import time_inference
from llm_explorer.measure.result import Measured, make_result
from llm_explorer.measure.statistics import Timing, summarize
from llm_explorer.measure.timing import PhaseClock, Report, StepTime, garbage_collection_paused, repeat
from llm_explorer.model import GPT, build
from llm_explorer.training import Batch, TrainingStep, random_batch
from llm_explorer.units import byte_size

# The first model that a process builds makes torch import compilers (2.13: torch._dynamo and sympy, 0.9 s), and a
# device start; a tied head is made on meta, which takes more of them.
_FIRST: Final = ModelConfig(vocab_size=1, context_length=1, emb_dim=1, n_heads=1, n_layers=1, tie_embeddings=True)
SHARE_OF_BUDGET: Final = 0.2  # of the time for whole steps: what each further timing may take


def measure(
    model: ModelConfig, run: RunConfig, *, budget_s: float, report: Report, limit_bytes: int | None = None
) -> Measured:
    """Build the model, time its training steps for about ``budget_s`` seconds, and find the peak of its memory.

    Times are of whole steps: forward and backward are summed over the ``accumulation`` micro-batches, and
    forward + backward + optimizer is the step. On ``meta`` the parameters are counted and nothing runs. Running out
    of memory, and a device that is not there, are results. ``limit_bytes`` is what the process may take besides what it
    has (Linux only).
    """
    device = find_device(run.device)
    environment: dict[str, Any] = {"threads": torch.get_num_threads(), "own_products": are_own()}
    refusal = _refusal(model, run, device)
    if refusal is not None or device is None:
        return make_result(model, run, "refused", refusal, environment=environment)
    environment["device_name"] = processor_name() if device == "cpu" else available_devices()[device]
    try:
        build(_FIRST, replace(run, device=device))  # before the limit: an import that it ends leaves half a module
        with memory.limited_memory(limit_bytes):
            products = torch.float32 if run.precision == "float32" else torch.bfloat16
            environment["workspace_bytes"] = memory.workspace_bytes(device, products)
            found = _measured(model, replace(run, device=device), budget_s, report)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        found = None  # told below: as long as there is the error, its frames keep the model alive
    if found is None:
        reason = _out_of_memory(model, run, limit_bytes)
        return make_result(model, run, "out_of_memory", reason, environment=environment)
    return make_result(model, run, "ok", environment=environment, **found)


def _refusal(model: ModelConfig, run: RunConfig, device: str | None) -> str | None:
    if device is None:
        return absence(run.device)
    free, peak = free_device_bytes(device), count_memory(model, run, kernels_of_device(device)).peak_bytes
    if free is not None and peak > free:
        return f"A step needs {byte_size(peak)} of memory on {device}, {byte_size(free)} are free"
    return None


def _measured(model: ModelConfig, run: RunConfig, budget_s: float, report: Report) -> dict[str, Any]:
    report("building", None, "Building the model")
    gpt, init_s = _built(model, run)
    found: dict[str, Any] = {"parameters": sum(weight.numel() for weight in gpt.parameters()), "init_s": init_s}
    if run.device == "meta":
        return found | {"process_rss_bytes": memory.process_peak_bytes()}
    step, batches = TrainingStep(gpt, run), [random_batch(model, run)] * run.accumulation
    found |= _timed(step, batches, budget_s, report)
    tokens = run.batch_size * run.sequence(model) * run.accumulation
    found["tokens_per_s"] = tokens / found["step_s"].median
    found["process_rss_bytes"] = memory.process_peak_bytes()  # before the profiler takes its own
    found |= _taken_apart(step, batches, budget_s * SHARE_OF_BUDGET, report)
    report("memory", None, "Measuring the peak of memory")
    return found | {"peak_bytes": memory.tensor_peak_bytes(step, batches)}


def _built(model: ModelConfig, run: RunConfig) -> tuple[GPT, float]:
    synchronize = synchronizer(run.device)
    synchronize()
    start = time.perf_counter()
    gpt = build(model, run)
    synchronize()
    return gpt, time.perf_counter() - start


def _timed(step: TrainingStep, batches: list[Batch], budget_s: float, report: Report) -> dict[str, Timing]:
    clock = PhaseClock(synchronizer(step.run.device))

    def once() -> StepTime:
        step(batches, clock.enter)
        return clock.finish()

    with garbage_collection_paused():
        samples = repeat(once, budget_s=budget_s, report=report)
    phases = ("forward", "backward", "step") if step.optimizer is None else ("forward", "backward", "optimizer", "step")
    return {f"{phase}_s": summarize([getattr(sample, phase) for sample in samples]) for phase in phases}


def _taken_apart(step: TrainingStep, batches: list[Batch], budget_s: float, report: Report) -> dict[str, Any]:
    """Where the time of a step goes, and what inference takes; ``budget_s`` is for each of the three."""
    synchronize = synchronizer(step.run.device)
    report("components", None, "Timing each component")
    components = break_down(step, batches, budget_s=budget_s, synchronize=synchronize)
    report("inference", None, "Timing inference")
    tokens = batches[0][0]
    prefill, decode = time_inference(
        step.gpt, step.run, tokens, budget_s=budget_s, report=lambda *_: None, synchronize=synchronize
    )
    return {"components": components, "prefill_s": prefill, "decode_s": decode}


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch, one of its libraries or Python found no memory."""
    # on a CPU torch raises a plain RuntimeError; oneDNN has its own allocator and words, and so has C++
    words = ("DefaultCPUAllocator", "out of memory", "could not create a memory", "bad_alloc")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error) for word in words)


def _out_of_memory(model: ModelConfig, run: RunConfig, limit_bytes: int | None) -> str:
    peak = byte_size(count_memory(model, run, kernels_of_device(run.device)).peak_bytes)
    limit = "" if limit_bytes is None else f"; the limit of its process was {byte_size(limit_bytes)}"
    return f"The step ran out of memory: its tensors were predicted to need {peak}{limit}"
