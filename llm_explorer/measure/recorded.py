"""Measurements of whole configs that were made once and written down, with their day and machine. Imports no torch.

For servers that are too small to make them: made by ``python -m benchmarks.record_measurements``.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import Result

FILE: Final = Path(__file__).with_name("recorded.json")
TIMES: Final = ("forward_s", "backward_s", "optimizer_s", "step_s")
KEPT: Final = ("parameters", "peak_bytes", "process_rss_bytes", "init_s", "tokens_per_s")
OF_ENVIRONMENT: Final = ("torch", "python", "processor", "device", "device_name", "threads", "allocator", "time")

_Key = tuple[ModelConfig, RunConfig]


def find(model: ModelConfig, run: RunConfig) -> Result | None:
    """The recorded measurement of exactly this model and run, whatever it is sized for; None where there is none.

    >>> find(ModelConfig(), RunConfig())["parameters"]
    163009536
    """
    return _recorded().get(_key(model, run))


def record_of(name: str, model: ModelConfig, run: RunConfig, result: Result) -> dict[str, Any]:
    """A successful measurement as it is written down: medians and spread, no single samples, and what was computed."""
    times = {phase: _summary(result[phase]) for phase in TIMES}
    environment = {field: result["environment"][field] for field in OF_ENVIRONMENT}
    computed = {"parameters": count_parameters(model).total, "peak_bytes": result["predicted"]["peak_bytes"]}
    return {
        "name": name,
        "model": model.model_dump(),
        "run": run.model_dump(),
        "computed": computed,
        **{field: result[field] for field in KEPT},
        **times,
        "environment": environment,
    }


def read_all() -> list[dict[str, Any]]:
    """All that were written down, in the order of the file."""
    return list(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else []


def _summary(timing: dict[str, Any] | None) -> dict[str, Any] | None:
    return timing and {part: timing[part] for part in ("median", "iqr", "n")}


@lru_cache(maxsize=1)
def _recorded() -> dict[_Key, Result]:
    return {_key(ModelConfig(**each["model"]), RunConfig(**each["run"])): each for each in read_all()}


def _key(model: ModelConfig, run: RunConfig) -> _Key:
    """Without what changes nothing of what is measured, and with the threads of the machine that it was measured on."""
    return model, run.regardless_of("hardware", "threads", "seed")
