"""One backward pass of the learner's own GPT: the gradients of its layers, and what forward kept for them."""

from typing import Any, Final

import torch
from torch import Tensor

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import GPT, build
from llm_explorer.training import Batch, random_batch

# the most of each size, so that an answer takes milliseconds
MOST: Final = {"vocab_size": 256, "context_length": 64, "emb_dim": 64, "hidden_dim": 256, "n_layers": 8}
MOST_ROPE_HEADS: Final = 4
MOST_BATCH: Final = 2
MOST_SEQUENCE: Final = 16


def own_gpt(model: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """One forward and backward pass of a config on random tokens, shrunk where it is large.

    ``model`` and ``run`` of the answer are the shrunk configs; ``norms`` has a row for each layer and component,
    ``saved`` one for each shape that autograd kept, largest first, ``saved_bytes`` is all of it.
    """
    small, small_run = shrink(ModelConfig(**model), RunConfig(**run))
    gpt, batch = build(small, small_run), random_batch(small, small_run)
    loss, saved = forward_and_saved(gpt, batch)
    loss.backward()
    return {
        "model": small.model_dump(),
        "run": small_run.model_dump(),
        "loss": loss.item(),
        "norms": gradient_norms(gpt),
        "saved": by_shape(saved),
        "saved_bytes": sum(tensor.untyped_storage().nbytes() for tensor in saved),
    }


def shrink(model: ModelConfig, run: RunConfig) -> tuple[ModelConfig, RunConfig]:
    """The configs with every size at most that of MOST, in fp32 on the processor, without checkpointing.

    >>> shrink(ModelConfig(), RunConfig())[0].n_heads  # the most heads up to 12 that divide the new width of 64
    8
    """
    sizes = {name: min(size, most) for name, most in MOST.items() if (size := getattr(model, name)) is not None}
    width = sizes["emb_dim"]
    # rope turns pairs of a head's values, of some models only a quarter of them: it needs heads that are not too narrow
    most_heads = min(model.n_heads, width if model.positions != "rope" else MOST_ROPE_HEADS)
    heads = max(n for n in range(1, most_heads + 1) if width % n == 0)
    small = replace(model, **(sizes | {"n_heads": heads} | _modern_sizes(model, heads)))
    small_run = replace(
        run,
        device="cpu",
        precision="float32",
        checkpointing=False,
        loss_chunk=None,
        batch_size=min(run.batch_size, MOST_BATCH),
        sequence_length=min(run.sequence(model), small.context_length, MOST_SEQUENCE),
    )
    return small, small_run


def _modern_sizes(model: ModelConfig, heads: int) -> dict[str, Any]:
    """The sizes that GPT-2 has not, each at most its most, where the model has them."""
    most = {"head_dim": 16, "n_kv_heads": heads, "n_experts": 4, "n_active_experts": 2, "expert_hidden_dim": 32}
    sizes = {name: min(size, limit) for name, limit in most.items() if (size := getattr(model, name)) is not None}
    if "n_kv_heads" in sizes:
        sizes["n_kv_heads"] = max(n for n in range(1, sizes["n_kv_heads"] + 1) if heads % n == 0)
    if model.is_gated or model.n_experts:  # three matrices, or many
        most_hidden = MOST["hidden_dim"] // (8 if model.n_experts else 2)
        sizes["hidden_dim"] = min(model.feed_forward_dim, most_hidden)
    return sizes | {"n_shared_experts": min(model.n_shared_experts, 1)}


def forward_and_saved(gpt: GPT, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    """The loss, and a tensor for each storage that autograd keeps for backward; weights and batch are there anyway."""
    there = {tensor.untyped_storage().data_ptr() for tensor in (*gpt.parameters(), *batch)}
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage().data_ptr()
        if storage not in there:
            saved.setdefault(storage, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = gpt.loss(*batch)
    return loss, list(saved.values())


def by_shape(tensors: list[Tensor]) -> list[dict[str, Any]]:
    """How many tensors of each shape and dtype, and the bytes of their storages, largest first."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for tensor in tensors:
        shape, dtype = " x ".join(map(str, tensor.shape)) or "one number", str(tensor.dtype).removeprefix("torch.")
        row = rows.setdefault((shape, dtype), {"shape": shape, "dtype": dtype, "tensors": 0, "bytes": 0})
        row["tensors"] += 1
        row["bytes"] += tensor.untyped_storage().nbytes()
    return sorted(rows.values(), key=lambda row: -row["bytes"])


def gradient_norms(gpt: GPT) -> list[dict[str, Any]]:
    """The norm of the gradients of each component, ``layer`` 1 to L; None for what is before or after the blocks."""
    squares: dict[tuple[int | None, str], float] = {}
    for name, weight in gpt.named_parameters():
        if weight.grad is not None:
            place = place_of(name)
            squares[place] = squares.get(place, 0.0) + float(weight.grad.square().sum())
    return [{"layer": layer, "component": part, "norm": square**0.5} for (layer, part), square in squares.items()]


def place_of(name: str) -> tuple[int | None, str]:
    """Layer and component of a parameter.

    >>> place_of("blocks.2.mlp.up.weight"), place_of("head.weight")
    ((3, 'feed-forward'), (None, 'head'))
    """
    first, *rest = name.split(".")
    if first != "blocks":
        return None, first.replace("_", " ")
    part = {"attention": "attention", "mlp": "feed-forward"}.get(rest[1], "norms")
    return int(rest[0]) + 1, part
