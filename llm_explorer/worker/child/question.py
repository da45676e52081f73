"""Questions to a child that stays: what a lesson computes, what a trace tells."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import torch

from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.measurement import is_out_of_memory
from llm_explorer.measure.memory import limited_memory, own_bytes
from llm_explorer.torch_private import why_not
from llm_explorer.units import byte_size
from llm_explorer.worker.child.job import JobError, Message, Tell

# What torch takes itself: here, before anything is computed (150 MiB; 282 in a build with CUDA), and what the first
# trace makes it import (74 to 77 MiB), torch 2.13.0, 2026-12
_OF_TORCH: Final = (own_bytes() or 0) + 74 * 1024**2


def lesson(job: Message, _tell: Tell) -> Any:
    """Call one function of a lesson."""
    torch.set_num_threads(1)  # a lesson takes milliseconds, and thirty learners share the processor
    return _within_memory(lambda: _called(job))


def trace(job: Message, _tell: Tell) -> Any:
    """Trace a step."""
    reason = why_not()
    if reason is not None:  # then the rest might not even be imported
        raise JobError(reason)
    from llm_explorer.tracing.size import Size, refusal
    from llm_explorer.tracing.trace import trace

    model, run = ModelConfig(**job["model"]), RunConfig(**job["run"])
    reason = refusal(model, run, Size(limits().trace_operations, limits().resident_memory()))
    if reason is not None:
        raise JobError(reason)
    return _within_memory(lambda: trace(model, run).model_dump())


def _called(job: Message) -> Any:
    module = import_module(f"llm_explorer.lessons.{job['lesson']}")
    return getattr(module, job["function"])(**job["inputs"])


def _within_memory(work: Callable[[], Any]) -> Any:
    """What the work returns, within the memory of a resident; its ValueError is a sentence for the visitor."""
    limit = limits().resident_memory()
    try:
        with limited_memory(max(0, _OF_TORCH + limit - (own_bytes() or 0))):
            return work()
    except ValueError as error:
        raise JobError(str(error)) from error
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        sentence = f"Out of memory: beside PyTorch what computes this page may take {byte_size(limit)}"
        raise JobError(f"{sentence}; try smaller inputs", "out_of_memory") from error
