"""What the forward pass leaves alive for the backward pass, tensor by tensor.

From the storages that this model's forward really keeps on torch 2.13's CPU kernels (traced and compared, 2026-11).
Byte sizes as letters: ``a`` of a matmul's activation, ``r`` of the residual stream, ``l`` of the log-probabilities,
``s`` of an attention score, ``w`` of a weight.
"""

from typing import Final, Literal, NamedTuple

from llm_explorer.accounting.rows import Leaf, leaf
from llm_explorer.config import ModelConfig, Precision, RunConfig

AttentionKernel = Literal["flash", "math", "materialized"]
CATEGORY: Final = "activations"
WEIGHT_COPIES: Final = "bf16 copies of weights"
HEAD_COPY: Final = "bf16 copy of the head"
HEAD_INPUT: Final = "final norm output"
LOG_PROBABILITIES: Final = leaf("log-probabilities", CATEGORY, "l * B * T * V")
_OUTPUT: Final = "attention output"


class Kernels(NamedTuple):
    """The choices that decide which tensors are kept."""

    attention: AttentionKernel
    precision: Precision
    dropout: bool
    checkpointing: bool
    mergeable: bool  # batch and heads are one dimension without a copy: B = 1 or N = 1


def kernels_of(model: ModelConfig, run: RunConfig) -> Kernels:
    """The kernels that training runs: CPU attention with dropout has no flash kernel and falls back to plain math."""
    dropout = model.drop_rate > 0
    if run.attention == "materialized":
        attention: AttentionKernel = "materialized"
    else:
        attention = "math" if dropout else "flash"
    mergeable = run.batch_size == 1 or model.n_heads == 1
    return Kernels(attention, run.precision, dropout, run.checkpointing, mergeable)


def byte_letters(kernels: Kernels) -> dict[str, int]:
    """The sizes in bytes of each kind of value."""
    single = kernels.precision == "float32"
    pure_half = kernels.precision in ("bfloat16", "bfloat16_master")
    activation = 4 if single else 2
    # the plain-math fallback computes attention in fp32 whatever it is given (torch 2.13, CPU)
    score = 4 if kernels.attention == "math" else activation
    residual = 2 if pure_half else 4
    return {"a": activation, "r": residual, "l": residual, "s": score, "w": residual}


def block_leaves(kernels: Kernels) -> tuple[Leaf, ...]:
    """What one transformer block keeps until its own backward."""
    kept = [
        leaf("norm inputs", CATEGORY, "2 * r * B * T * D"),
        leaf("norm means and deviations", CATEGORY, "4 * r * B * T"),
        leaf("norm outputs", CATEGORY, "2 * a * B * T * D"),
        *_attention_leaves(kernels),
        leaf("feed-forward before GELU", CATEGORY, "a * B * T * F"),
        leaf("feed-forward after GELU", CATEGORY, "a * B * T * F"),
    ]
    if kernels.dropout:
        kept.append(leaf("dropout masks", CATEGORY, "2 * a * B * T * D"))
    if kernels.precision == "autocast":
        kept.append(leaf(WEIGHT_COPIES, CATEGORY, "2 * (4 * D**2 + 2 * D * F)"))
    return tuple(kept)


def _attention_leaves(kernels: Kernels) -> tuple[Leaf, ...]:
    out = leaf(_OUTPUT, CATEGORY, "a * B * T * D")
    if kernels.attention == "flash":
        kept = leaf("queries, keys and values", CATEGORY, "3 * a * B * T * D")
        return kept, out, leaf("log-sum-exp of scores", CATEGORY, "4 * B * T * N")
    # the fallback scales queries and keys into copies; values stay a view of all three where no copy is needed
    scaled = kernels.attention == "math" and kernels.precision == "float32" and kernels.mergeable
    copies = leaf("queries, keys and values", CATEGORY, f"{5 if scaled else 3} * s * B * T * D")
    scores = leaf("attention weights", CATEGORY, "s * B * N * T**2")
    masked = [leaf("attention dropout", CATEGORY, "2 * s * B * N * T**2")] if kernels.dropout else []
    causal = [leaf("causal mask", CATEGORY, "T**2")] if kernels.attention == "materialized" else []
    return copies, out, scores, *masked, *causal


def kept_by_blocks(kernels: Kernels) -> tuple[Leaf, ...]:
    """What all L blocks keep at the end of forward: with checkpointing only the input of each."""
    if kernels.checkpointing:
        return (
            leaf("block inputs", CATEGORY, "r * B * T * D", repeats="L"),
            # 5,056 bytes: the state of torch's CPU generator, saved to repeat the same dropout
            leaf("random states", CATEGORY, "5056", repeats="L"),
        )
    return tuple([leaf(each.name, CATEGORY, each.formula.text, repeats="L") for each in block_leaves(kernels)])


def attention_half(kernels: Kernels) -> tuple[Leaf, ...]:
    """What is left of a block's when backward has come to its attention."""
    kept = [
        leaf("norm inputs", CATEGORY, "r * B * T * D"),
        leaf("norm means and deviations", CATEGORY, "2 * r * B * T"),
        leaf("norm outputs", CATEGORY, "a * B * T * D"),
        # the flash kernel needs its output too; elsewhere only the projection did, and that is done
        *[each for each in _attention_leaves(kernels) if kernels.attention == "flash" or each.name != _OUTPUT],
    ]
    if kernels.precision == "autocast":
        kept.append(leaf(WEIGHT_COPIES, CATEGORY, "6 * D**2"))
    return tuple(kept)


def kept_by_embeddings(kernels: Kernels) -> tuple[Leaf, ...]:
    """What the embeddings keep, to the very end of backward."""
    positions = leaf("position ids", CATEGORY, "8 * T")
    return (positions, leaf("embedding dropout mask", CATEGORY, "r * B * T * D")) if kernels.dropout else (positions,)


def kept_around_blocks(kernels: Kernels) -> tuple[Leaf, ...]:
    """What the embeddings and the final norm keep; the log-probabilities of the loss are apart."""
    kept = (
        *kept_by_embeddings(kernels),
        leaf("final norm input", CATEGORY, "r * B * T * D + 2 * r * B * T"),
        leaf(HEAD_INPUT, CATEGORY, "a * B * T * D"),
    )
    return (*kept, leaf(HEAD_COPY, CATEGORY, "2 * V * D")) if kernels.precision == "autocast" else kept


def kept_for_backward(kernels: Kernels) -> tuple[Leaf, ...]:
    """Everything that is alive for backward when forward is done, the loss's log-probabilities included."""
    return (*kept_by_blocks(kernels), *kept_around_blocks(kernels), LOG_PROBABILITIES)
