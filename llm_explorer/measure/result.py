"""The result of a measurement, the same keys whatever happened; plain data, ready for JSON. Imports no torch."""

import os
import platform
from datetime import UTC, datetime
from typing import Any, Final, Literal

from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.machine import processor_name, torch_version

Status = Literal["ok", "refused", "out_of_memory", "timeout", "cancelled", "failed"]
Result = dict[str, Any]

MEASURED: Final = (
    "parameters",
    "init_s",
    "forward_s",
    "backward_s",
    "optimizer_s",
    "step_s",
    "components",
    "prefill_s",
    "decode_s",
    "tokens_per_s",
    "peak_bytes",
    "process_rss_bytes",
)


def make_result(model: ModelConfig, run: RunConfig, status: Status, reason: str | None = None, **found: Any) -> Result:
    """All keys of a measurement; those of MEASURED that were not found, and what is unknown, are None.

    ``found`` may hold any key of MEASURED, and ``environment``: what is known beyond precision, device and machine.
    Times are predicted by ``speed.predict.with_prediction``.
    """
    environment = describe_environment(run) | found.pop("environment", {})
    peak = count_memory(model, run, kernels_of_device(run.device)).peak_bytes
    predicted = {"peak_bytes": peak} | dict.fromkeys(("forward_s", "backward_s", "step_s"))
    return (
        {"status": status, "reason": reason}
        | dict.fromkeys(MEASURED)
        | found
        | {"predicted": predicted, "environment": environment}
    )


def describe_environment(run: RunConfig) -> Result:
    """What can be told of a run's surroundings without torch: versions, machine, the day, the run's settings.

    ``own_products``: whether its bf16 products were those of products.py and not torch's.
    """
    return {
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
