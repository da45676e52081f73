"""The result of a measurement, the same fields whatever happened. Imports no torch."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.machine import processor_name, torch_version
from llm_explorer.measure.statistics import Timing
from llm_explorer.plain import Plain

Status = Literal["ok", "refused", "out_of_memory", "timeout", "cancelled", "failed"]


class Result(Plain):
    """How a job ended, and why where it is not simply well."""

    status: Status
    reason: str | None = None


class Components(Plain):
    """Median seconds of each component in one warm step, see breakdown.py.

    ``whole``: a step with the clock, ``overhead``: the share by which the clock slows it, of ``n`` steps.
    """

    forward: Mapping[str, float]
    backward: Mapping[str, float]
    optimizer: float
    whole: float
    overhead: float
    n: int


class Predicted(Plain):
    """What was known before: bytes of the peak, seconds of a step; None where a time is not predicted."""

    peak_bytes: int
    forward_s: float | None = None
    backward_s: float | None = None
    step_s: float | None = None


class Environment(Plain):
    """Where, with what and when: versions, machine, the day, the run's settings.

    ``own_products``: whether its bf16 products were those of products.py and not torch's.
    """

    torch: str | None
    python: str
    platform: str
    processor: str
    threads: int | None
    precision: str
    device: str
    device_name: str | None
    own_products: bool
    workspace_bytes: int | None
    allocator: Literal["fast", "default"]
    time: str
    hosted: bool


class Measured(Result):
    """A measurement; what was not found, and what is unknown, is None."""

    parameters: int | None = None
    init_s: float | None = None
    forward_s: Timing | None = None
    backward_s: Timing | None = None
    optimizer_s: Timing | None = None
    step_s: Timing | None = None
    components: Components | None = None
    prefill_s: Timing | None = None
    decode_s: Timing | None = None
    tokens_per_s: float | None = None
    peak_bytes: int | None = None
    process_rss_bytes: int | None = None
    predicted: Predicted
    environment: Environment


def make_result(
    model: ModelConfig,
    run: RunConfig,
    status: Status,
    reason: str | None = None,
    *,
    environment: Mapping[str, Any] | None = None,
    **found: Any,
) -> Measured:
    """A measurement of which ``found`` is known, and of its ``environment`` more than precision, device and machine.

    Times are predicted by ``speed.predict.with_prediction``.
    """
    made = describe_environment(run, **environment or {})
    predicted = Predicted(peak_bytes=count_memory(model, run, kernels_of_device(run.device)).peak_bytes)
    return Measured(status=status, reason=reason, predicted=predicted, environment=made, **found)


def describe_environment(run: RunConfig, **known: Any) -> Environment:
    """What can be told of a run's surroundings without torch; ``known`` is what was found out with it."""
    told = {
        "torch": torch_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor_name(),
        "threads": run.threads,
        "precision": run.precision,
        "device": run.device,
        "device_name": processor_name() if run.device == "cpu" else None,
        "own_products": False,
        "workspace_bytes": None,
        "allocator": "fast" if os.environ.get("MALLOC_MMAP_MAX_") == "0" else "default",
        "time": datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        "hosted": limits().is_hosted,
    }
    return Environment.model_validate(told | known)
