"""How large a trace will be, told before it is made: the operations that really run, and the memory to follow them."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.tracing.depth import KEPT_BLOCKS, depths
from llm_explorer.tracing.gpt import TraceableGPT
from llm_explorer.tracing.micro_batches import TRACED
from llm_explorer.units import byte_size, exact

# Operations, counted 2026-11 with torch 2.13.0. Of a layer besides its experts 149 to 254, of embeddings, head and loss
# 49 to 139; of an expert 19, and 31 with a gate. Checkpointing: 1.5 to 1.85 times as many, autocast 1.15 to 1.35.
_LAYER: Final = 250
_ENDS: Final = 100
_EXPERT: Final = 19
_GATED_EXPERT: Final = 31
_CHECKPOINTING: Final = 1.8
_AUTOCAST: Final = 1.3
# Bytes, measured 2026-11 by the process's VmData: 20,000 operations at 256 experts took 1.5 KB each, 79,000 at 1,024
# 2.2, 312,000 at 4,096 4.6; of the traces extended to 94 and 300 layers, 0.4 and 0.8 million rows, 140 to 175 a row.
_OPERATION_BYTES: Final = 1300
_OPERATION_BYTES_PER_EXPERT: Final = 0.8
_ROW_BYTES: Final = 170


class Size(NamedTuple):
    """Operations that are really run, at the depths that tell the model's own, and bytes that the process grows by."""

    operations: int
    bytes: int


def size_of(model: ModelConfig, run: RunConfig) -> Size:
    """About how large a trace will be: 0.75 to 2 times the operations of tests, rather too large than too small.

    >>> size_of(ModelConfig(), RunConfig())
    Size(operations=1850, bytes=2915000)
    """
    few = depths(model.n_layers, TraceableGPT(model, run).period)
    per_layer = _operations_of_layer(model, run)
    micro_batches = min(run.accumulation, TRACED)
    layers = model.n_layers if few is None else few.shallow + few.deep
    operations = micro_batches * (per_layer * layers + _ENDS)
    kept_layers = layers if few is None else (few.deep - few.shallow) * min(few.blocks, KEPT_BLOCKS)
    each = _OPERATION_BYTES + _OPERATION_BYTES_PER_EXPERT * (model.n_experts or 0)
    return Size(operations, int(operations * each + micro_batches * per_layer * kept_layers * _ROW_BYTES))


def refusal(model: ModelConfig, run: RunConfig, most: Size) -> str | None:
    """Why this config is not traced where so much is allowed, and what would be; None where it may be."""
    size = size_of(model, run)
    if _fits(size, most):
        return None
    changes = ", ".join(f"{field}={value}" for field, value in _smaller(model, run, most))
    return (
        f"tracing this config would run about {exact(size.operations)} operations and take {byte_size(size.bytes)}; "
        f"{exact(most.operations)} and {byte_size(most.bytes)} are allowed here: {changes} would do"
    )


def _operations_of_layer(model: ModelConfig, run: RunConfig) -> int:
    expert = _GATED_EXPERT if model.is_gated else _EXPERT
    twice = _CHECKPOINTING if run.checkpointing else 1.0
    casts = _AUTOCAST if run.precision == "autocast" else 1.0
    return int((_LAYER + expert * (model.n_experts or 0)) * twice * casts)


def _fits(size: Size, most: Size) -> bool:
    return all(needed <= allowed for needed, allowed in zip(size, most, strict=True))


def _smaller(model: ModelConfig, run: RunConfig, most: Size) -> Iterator[tuple[str, int]]:
    """Fields and values with which it can be traced: halved in turn, each time the one that helps most."""
    wanted = model
    while not _fits(size_of(model, run), most):
        model = min(_halved(model), key=lambda each: size_of(each, run).bytes)
    for field, value in wanted:
        if getattr(model, field) != value:
            yield field, getattr(model, field)


def _halved(model: ModelConfig) -> Iterator[ModelConfig]:
    """Changed by each of the three fields that make a trace large; of equals the first will be taken."""
    if (experts := model.n_experts or 1) > 1:
        active = model.n_active_experts
        fewer = None if active is None else min(active, experts // 2)
        yield replace(model, n_experts=experts // 2, n_active_experts=fewer)
    if (every := model.full_attention_every or 1) > 1:
        yield replace(model, full_attention_every=every // 2)
    if model.n_layers > 1:
        yield replace(model, n_layers=model.n_layers // 2)
