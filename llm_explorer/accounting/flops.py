"""How many floating point operations, matrix product by matrix product.

Conventions, each chosen once and here:
1. A multiply-add counts 2; only matrix products count (norms, softmax, GELU and the optimizer are under 1%).
2. ``forward`` and ``backward`` count full T x T attention, as nanoGPT, PaLM (appendix B) and torch's counter do;
   ``forward_causal`` counts only the T (T + 1) / 2 pairs that a causal mask leaves.
3. Backward is twice forward: one product for the gradient of the input, one for that of the weight.
   With checkpointing it also repeats each block's forward, up to the last tensor that its backward needs: that is
   the mask of the last dropout, made after the product "down"; without dropout "down" is not repeated.
4. Forward is what the loss takes alone. A loss in chunks makes the head's gradients with it, at the same total.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from llm_explorer.accounting.rows import Leaf, Row, leaf, letters_of, total
from llm_explorer.config import ModelConfig, RunConfig

_REPEATED: Final = ("qkv", "scores", "weighted values", "projection", "up")


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
    letters = letters_of(model, run)
    rows = tuple([each.row(letters, "FLOPs") for each in _leaves()])
    forward = total(rows)
    backward = 2 * forward
    if run.checkpointing:
        repeated = (*_REPEATED, "down") if model.drop_rate else _REPEATED
        backward += sum([row.total for row in rows if row.name in repeated])
    causal = sum([row.total for row in rows if row.component != "attention scores"])
    causal += 2 * letters["L"] * letters["B"] * letters["T"] * (letters["T"] + 1) * letters["D"]
    tokens = letters["B"] * letters["T"]
    return Flops(forward, backward, causal, (forward + backward) / tokens, rows)


@lru_cache(maxsize=1)
def _leaves() -> tuple[Leaf, ...]:
    return (
        leaf("qkv", "attention", "6 * B * T * D**2", repeats="L"),
        leaf("scores", "attention scores", "2 * B * T**2 * D", repeats="L"),
        leaf("weighted values", "attention scores", "2 * B * T**2 * D", repeats="L"),
        leaf("projection", "attention", "2 * B * T * D**2", repeats="L"),
        leaf("up", "feed-forward", "2 * B * T * D * F", repeats="L"),
        leaf("down", "feed-forward", "2 * B * T * D * F", repeats="L"),
        leaf("head", "head", "2 * B * T * D * V"),
    )
