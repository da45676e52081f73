"""What one step of one field does to the cost."""

from typing import Any, NamedTuple

from llm_explorer.accounting.fit import apply, memory_on_hardware
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.kv_cache import kv_cache_bytes
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig


class Effect(NamedTuple):
    """The change of a field, and with it of the parameters, the peak bytes on what the run is sized for, and the FLOPs
    of a micro-batch."""

    field: str
    before: Any
    after: Any
    parameters: int
    peak_bytes: int
    flops: int


def effect_of(model: ModelConfig, run: RunConfig, field: str, after: Any) -> Effect:
    """What setting a field would do; ConfigError where the result is not valid.

    >>> effect_of(ModelConfig(), RunConfig(), "n_layers", 13).parameters
    7085568
    """
    changed_model, changed_run = apply(model, run, {field: after})
    before = getattr(model if field in ModelConfig.model_fields else run, field)
    return Effect(
        field,
        before,
        after,
        count_parameters(changed_model).total - count_parameters(model).total,
        memory_on_hardware(changed_model, changed_run).peak_bytes - memory_on_hardware(model, run).peak_bytes,
        _flops(changed_model, changed_run) - _flops(model, run),
    )


def kv_cache_change(model: ModelConfig, run: RunConfig, field: str, after: Any) -> int:
    """The change of the KV cache at full context, in bytes; ConfigError where the result is not valid.

    >>> kv_cache_change(ModelConfig(), RunConfig(), "n_kv_heads", 6) // 2**20  # half of 2 x 72 MiB
    -72
    """
    return kv_cache_bytes(*apply(model, run, {field: after})) - kv_cache_bytes(model, run)


def _flops(model: ModelConfig, run: RunConfig) -> int:
    flops = count_flops(model, run)
    return flops.forward + flops.backward
