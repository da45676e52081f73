"""The whole computed tier as plain data: what the command line prints and a test can compare."""

from collections.abc import Mapping
from typing import Any, Final

from llm_explorer.accounting.fit import DEFAULT_RESERVE, fit, memory_on_hardware, verdict
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.kernels import kernels_of_device, kernels_of_hardware
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import Row
from llm_explorer.config import ModelConfig, RunConfig, check

NOT_PREDICTED: Final = {"forward_s": None, "backward_s": None, "step_s": None}


def report(
    model: ModelConfig,
    run: RunConfig,
    reserve: float = DEFAULT_RESERVE,
    predicted: Mapping[str, float | None] = NOT_PREDICTED,
) -> dict[str, Any]:
    """Everything computed of a model and a run; bytes, FLOPs and seconds are plain numbers, unknown is None.

    ``predicted`` seconds are no matter of formulas alone: who has them, of speed/predict.py, hands them in.

    >>> report(ModelConfig(), RunConfig())["parameters"]["tied"]
    124412160
    """
    check(model, run)
    kernels = kernels_of_device(run.device)
    memory = _plain(count_memory(model, run, kernels))
    del memory["logits_bytes"]  # a part of what is alive, told by its row
    peak_bytes = memory_on_hardware(model, run).peak_bytes
    judged = verdict(peak_bytes, run.hardware, reserve)
    return {
        "model": model.model_dump(),
        "run": run.model_dump(),
        "parameters": _plain(count_parameters(model)),
        "flops": _plain(count_flops(model, run)),
        "memory": memory | {"kernels": kernels},  # where it really runs
        "verdict": {  # what it is sized for
            "hardware": judged.hardware,
            "kernels": kernels_of_hardware(run),
            "peak_bytes": peak_bytes,
            "budget_bytes": judged.budget_bytes,
            "reserve_bytes": judged.reserve_bytes,
            "state": judged.state,
        },
        "fit": fit(model, run, judged)._asdict(),
        "predicted": dict(predicted),
    }


def _plain(account: Any) -> dict[str, Any]:
    values: dict[str, Any] = account._asdict()
    return values | {"rows": [_row(row) for row in account.rows]}


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "component": row.component,
        "formula": row.formula.text,
        "shape": list(row.shape),
        "count": row.count,
        "repeats": row.repeats,
        "unit": row.unit,
    }
