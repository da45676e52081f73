"""The shapes of a batch on its way through the model, tensor by tensor: one block stands for all L."""

from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import Final, NamedTuple

from llm_explorer.accounting.kernels import Kernels, byte_letters, kernels_of
from llm_explorer.accounting.rows import Formula, letters_of
from llm_explorer.accounting.structure import structure_of
from llm_explorer.config import ModelConfig, RunConfig

IDS: Final = "8"  # bytes of an id, which is int64
NO_COMPONENT: Final = "residual stream"


class Step(NamedTuple):
    """A tensor that a batch becomes: its shape in letters and in numbers, and its bytes.

    ``bytes`` is None where a fused kernel never has the whole tensor in memory. ``module`` is the one in ``GPT`` that
    returns it, "" where none does; ``in_block`` says whether it is there L times.
    """

    name: str
    component: str
    letters: tuple[Formula, ...]
    shape: tuple[int, ...]
    bytes: int | None
    module: str = ""
    in_block: bool = True


class _Tensor(NamedTuple):
    """A step before the numbers: ``size`` is the letter of its bytes a value, "" for a tensor that is never whole."""

    name: str
    component: str
    shape: str
    size: str
    module: str = ""
    in_block: bool = True


def flow(model: ModelConfig, run: RunConfig) -> tuple[Step, ...]:
    """Every tensor from the ids to the logits, in the order of the forward pass; bytes are those of a CPU's kernels.

    >>> [(step.name, step.shape) for step in flow(ModelConfig(), RunConfig())][:3]
    [('ids', (2, 256)), ('token_embedding', (2, 256, 768)), ('position_embedding', (256, 768))]
    """
    kernels = kernels_of(model, run, "cpu")
    letters = letters_of(model, run) | byte_letters(kernels)
    return tuple([_step(tensor, letters) for tensor in _tensors(model, kernels)])


def _step(tensor: _Tensor, letters: dict[str, int]) -> Step:
    formulas = _formulas(tensor.shape)
    shape = tuple([formula.value(letters) for formula in formulas])
    size = letters.get(tensor.size, 8) if tensor.size else None
    return Step(
        tensor.name,
        tensor.component,
        formulas,
        shape,
        None if size is None else size * prod(shape),
        tensor.module,
        tensor.in_block,
    )


@lru_cache(maxsize=64)
def _formulas(shape: str) -> tuple[Formula, ...]:
    return tuple([Formula(part) for part in shape.split(", ")])


def _tensors(model: ModelConfig, kernels: Kernels) -> Iterator[_Tensor]:
    yield _Tensor("ids", NO_COMPONENT, "B, T", IDS, in_block=False)
    yield _Tensor("token_embedding", "token embedding", "B, T, D", "w", "token_embedding", in_block=False)
    if model.positions == "learned":
        yield _Tensor("position_embedding", "position embedding", "T, D", "w", "position_embedding", in_block=False)
    yield from _attention(model, kernels)
    yield from _feed_forward(model)
    yield _Tensor("block", NO_COMPONENT, "B, T, D", "r", "blocks.0")
    yield _Tensor("final_norm", "norms", "B, T, D", "r", "final_norm", in_block=False)
    yield _Tensor("logits", "head", "B, T, V", "a", "head", in_block=False)


def _attention(model: ModelConfig, kernels: Kernels) -> Iterator[_Tensor]:
    if model.norm_place != "post":
        yield _Tensor("attention_norm", "norms", "B, T, D", "r", "blocks.0.attention_norm")
    yield _Tensor("qkv", "attention", f"B, T, {structure_of(model).qkv}", "a", "blocks.0.attention.qkv")
    yield _Tensor("queries", "attention", "B, N, T, H", "a")
    yield _Tensor("keys", "attention", "B, K, T, H", "a")
    yield _Tensor("values", "attention", "B, K, T, H", "a")
    never_whole = kernels.attention == "flash" and model.attention_softcap is None
    yield _Tensor("weights", "attention scores", "B, N, T, T", "" if never_whole else "s")
    yield _Tensor("mixed", "attention", "B, T, N * H", "a")
    yield _Tensor("projection", "attention", "B, T, D", "a", "blocks.0.attention.projection")
    if model.norm_place != "pre":
        yield _Tensor("attention_post_norm", "norms", "B, T, D", "r", "blocks.0.attention_post_norm")
    if model.residual == "sequential":
        yield _Tensor("after_attention", NO_COMPONENT, "B, T, D", "r")


def _feed_forward(model: ModelConfig) -> Iterator[_Tensor]:
    if model.norm_place != "post" and model.residual != "parallel_one_norm":
        yield _Tensor("mlp_norm", "norms", "B, T, D", "r", "blocks.0.mlp_norm")
    yield from _mlp(model) if model.n_experts is None else _experts(model)
    if model.norm_place != "pre":
        yield _Tensor("mlp_post_norm", "norms", "B, T, D", "r", "blocks.0.mlp_post_norm")


def _mlp(model: ModelConfig) -> Iterator[_Tensor]:
    if model.is_gated:
        yield _Tensor("gate", "feed-forward", "B, T, F", "a", "blocks.0.mlp.gate")
    yield _Tensor("up", "feed-forward", "B, T, F", "a", "blocks.0.mlp.up")
    yield _Tensor("activated", "feed-forward", "B, T, F", "a")
    yield _Tensor("down", "feed-forward", "B, T, D", "a", "blocks.0.mlp.down")


def _experts(model: ModelConfig) -> Iterator[_Tensor]:
    """Balanced routing: each expert has its share of the B T k copies of tokens."""
    yield _Tensor("router", "feed-forward", "B, T, E", "a", "blocks.0.mlp.router")
    yield _Tensor("sorted", "feed-forward", "B * T * k, D", "a")
    if model.is_gated:
        yield _Tensor("expert_gate", "feed-forward", "B * T * k, F", "a")
    yield _Tensor("expert_up", "feed-forward", "B * T * k, F", "a")
    yield _Tensor("expert_down", "feed-forward", "B * T * k, D", "a")
    if model.n_shared_experts:
        yield _Tensor("shared", "feed-forward", "B, T, S * F", "a", "blocks.0.mlp.shared.up")
    yield _Tensor("mlp", "feed-forward", "B, T, D", "a", "blocks.0.mlp")
