"""How many floating point operations, matrix product by matrix product.

Conventions, each chosen once and here:
1. A multiply-add counts 2; only matrix products count (norms, softmax, GELU and the optimizer are under 1%).
2. ``forward`` and ``backward`` count full T x T attention, as nanoGPT, PaLM (appendix B) and torch's counter do;
   ``forward_causal`` counts only the T (T + 1) / 2 pairs that a causal mask leaves, or those inside the window.
3. Backward is twice forward: one product for the gradient of the input, one for that of the weight.
   With checkpointing it also repeats each block's forward, up to the last tensor that its backward needs: that is
   the mask of the last dropout, made after the product "down"; without dropout "down" is not repeated, unless a norm
   or the weighing of experts follows.
4. Forward is what the loss takes alone. A loss in chunks makes the head's gradients with it, at the same total.
5. Each token is multiplied by the matrices of k experts: B T k rows, however they are shared out.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from llm_explorer.accounting.rows import Leaf, Letters, Row, leaf, letters_of, total
from llm_explorer.accounting.structure import Structure, structure_of
from llm_explorer.config import ModelConfig, RunConfig


class Flops(NamedTuple):
    """FLOPs of one B x T micro-batch; ``per_token`` = (forward + backward) / (B T); rows are the forward's."""

    forward: int
    backward: int
    forward_causal: int
    per_token: float
    rows: tuple[Row, ...]


def count_flops(model: ModelConfig, run: RunConfig) -> Flops:
    """Count the FLOPs of one micro-batch.

    >>> count_flops(ModelConfig(), RunConfig(batch_size=1, sequence_length=1024)).forward
    291648307200
    """
    letters, structure = letters_of(model, run), structure_of(model)
    rows = tuple([each.row(letters, "FLOPs") for each in _leaves(structure)])
    forward = total(rows)
    backward = 2 * forward
    if run.checkpointing:
        once = "head", last_product(structure, dropout=model.drop_rate > 0)
        backward += sum([row.total for row in rows if row.name not in once])
    causal = sum([row.total for row in rows if row.component != "attention scores"])
    causal += 4 * letters["B"] * letters["N"] * letters["H"] * _pairs(letters)
    tokens = letters["B"] * letters["T"]
    return Flops(forward, backward, causal, (forward + backward) / tokens, rows)


def step_flops(model: ModelConfig, run: RunConfig) -> int:
    """FLOPs of one whole step, forward and backward of all its micro-batches."""
    flops = count_flops(model, run)
    return (flops.forward + flops.backward) * run.accumulation


def _pairs(letters: Letters) -> int:
    """Of a query and a key that it sees, in all layers: of the first W queries as without a window, then W each."""
    length, few = letters["T"], letters["G"]
    window = min(letters["W"], length)
    inside = window * (window + 1) // 2 + (length - window) * window
    return (letters["L"] - few) * length * (length + 1) // 2 + few * inside


def last_product(structure: Structure, *, dropout: bool) -> str | None:
    """The one after whose inputs a block's backward needs nothing more; None where it needs what is made of it."""
    if dropout or structure.norms_after or (structure.experts and not structure.shared):
        return None
    return "shared down" if structure.shared else "down"


@lru_cache(maxsize=256)
def _leaves(structure: Structure) -> tuple[Leaf, ...]:
    scores, plain = "attention scores", structure.plain_heads
    square = "2 * B * T**2 * D" if plain else "2 * B * N * T**2 * H"
    qkv = "6 * B * T * D**2" if plain else f"2 * B * T * D * {structure.qkv}"
    projection = "2 * B * T * D**2" if plain else "2 * B * T * N * H * D"
    return (
        leaf("qkv", "attention", qkv, repeats="L"),
        leaf("scores", scores, square, repeats="L"),
        leaf("weighted values", scores, square, repeats="L"),
        leaf("projection", "attention", projection, repeats="L"),
        *[leaf(name, "feed-forward", formula, repeats="L") for name, formula in _feed_forward(structure)],
        leaf("head", "head", "2 * B * T * D * V"),
    )


def _feed_forward(structure: Structure) -> Iterator[tuple[str, str]]:
    if structure.experts:
        yield "router", "2 * B * T * D * E"
    for name in structure.matrices():
        yield name, f"2 * B * T * {'k * ' if structure.experts else ''}D * F"
    for name in structure.matrices() if structure.shared else ():
        yield f"shared {name}", "2 * B * T * D * S * F"
