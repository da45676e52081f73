"""The forward of one transformer block: what it makes, in the order in which torch does.

Written down from traces of this model (torch 2.13, CPU, 2026-11). Left out is what takes a few thousand bytes, such as
bf16 copies of biases. Byte letters: see ``kernels.byte_letters``.
"""

from collections.abc import Iterator
from typing import Final

from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.lifetimes import (
    ATTENTION,
    FEED_FORWARD,
    NORMS,
    RANDOM_STATES,
    RESIDUAL,
    Operation,
    saved,
    temporary,
)
from llm_explorer.accounting.rows import Leaf

OUTPUT: Final = saved("block outputs", RESIDUAL, "r * B * T * D")
MIDDLE: Final = saved("residuals after attention", RESIDUAL, "r * B * T * D")
QKV: Final = "queries, keys and values"
FACTORS: Final = "queries and keys as multiplied"
VALUES: Final = "values as multiplied"
LOG_SUMS: Final = "log-sum-exp of scores"
SOFTMAX: Final = "attention weights"
MASK: Final = "attention dropout masks"
DROPPED: Final = "attention weights as multiplied"
CAUSAL: Final = "causal masks"
JOINED: Final = "attention output"
UP: Final = "feed-forward before GELU"
GELU: Final = "feed-forward after GELU"
MATRICES: Final = {"qkv": "3 * D**2", "projection": "D**2", "up": "D * F", "down": "D * F", "head": "V * D"}

_OUTPUT: Final = saved(JOINED, ATTENTION, "a * B * T * D")
_FP32_QK: Final = "queries and keys in fp32"
_FP32_V: Final = "values in fp32"
_FP32_MIXED: Final = "weighted values in fp32"
_BF16_WEIGHTS: Final = "attention weights in bf16"
_SCALED_Q: Final = "scaled queries"
_SCALED_K: Final = "scaled keys"
_ADDED: Final = "mask to add to scores"
_PRODUCTS: Final = "products of queries and keys"
_SCORES: Final = "scores"
_MASKED: Final = "masked scores"
_AFTER_DROPOUT: Final = "attention weights after dropout"
_MIXED: Final = "weighted values"
_LAST: Final = "output of the last matrix"
_LAST_DROPPED: Final = "output of the last matrix after dropout"
_RANDOM_STATE: Final = "random state of the second run"


def forward(kernels: Kernels) -> Iterator[Operation]:
    """From the block's input, which the block below or the embeddings made, to its output."""
    attend = {"flash": _flash, "math": _math, "materialized": _materialized}[kernels.attention]
    yield from norm(kernels, "attention")
    yield from _first_matrix(kernels, "qkv", ATTENTION, _qkv(kernels))
    yield from attend(kernels)
    yield from _last_matrix(kernels, "projection", ATTENTION)
    yield from _addition(kernels, "attention", MIDDLE, done=(QKV, JOINED))
    yield from norm(kernels, "feed-forward")
    yield from _first_matrix(kernels, "up", FEED_FORWARD, saved(UP, FEED_FORWARD, "a * B * T * F"))
    yield Operation((saved(GELU, FEED_FORWARD, "a * B * T * F"),), done=(UP,))
    yield from _last_matrix(kernels, "down", FEED_FORWARD)
    yield from _addition(kernels, "feed-forward", OUTPUT, done=(GELU,))
    yield Operation(done=(MIDDLE.name,))


def second_run(kernels: Kernels) -> Iterator[Operation]:
    """The forward that checkpointing runs in backward: it stops where the last tensor is kept that backward needs."""
    yield Operation(tuple([temporary(_RANDOM_STATE, each.formula.text) for each in random_states(kernels)]))
    last = mask_of("feed-forward") if kernels.dropout else copy_of("down") if kernels.autocast else GELU
    for operation in forward(kernels):
        yield operation
        if last in [each.name for each in operation.born]:
            break
    yield Operation(dies=(_RANDOM_STATE, _LAST, norm_output_in_fp32("feed-forward")))


def random_states(kernels: Kernels) -> tuple[Leaf, ...]:
    """With which checkpointing repeats the same dropout: of the CPU's generator, and so not in a GPU's memory."""
    return () if kernels.cuda else (saved("random states", RANDOM_STATES, "5056"),)


def norm_output(half: str) -> str:
    """What the first matrix of a half of the block, 'attention' or 'feed-forward', reads."""
    return f"{half} norm outputs"


def norm_output_in_fp32(half: str) -> str:
    """What it is made of under autocast."""
    return f"{half} norm output in fp32"


def statistics(half: str) -> str:
    """Mean and deviation of each position."""
    return f"{half} norm means and deviations"


def mask_of(half: str) -> str:
    """The mask of the dropout at the end of a half."""
    return f"{half} output dropout masks"


def copy_of(matrix: str) -> str:
    """The bf16 copy of a matrix under autocast, which has it until forward ends and backward has used it."""
    return f"bf16 copies of {matrix} weights"


def norm(kernels: Kernels, half: str) -> Iterator[Operation]:
    """A norm, of a half of a block or the 'final' one; under autocast its output is cast by the matrix behind it."""
    output = saved(norm_output(half), NORMS, "a * B * T * D")
    if kernels.autocast:
        output = temporary(norm_output_in_fp32(half), "4 * B * T * D")
    yield Operation((output, saved(statistics(half), NORMS, "2 * r * B * T")), done=(statistics(half),))


def copies(kernels: Kernels, matrix: str, part: str, half: str | None = None) -> Iterator[Operation]:
    """What autocast casts for a matrix: its weights, and its input where that is a norm's output."""
    if kernels.autocast:
        born = [saved(copy_of(matrix), part, f"2 * {MATRICES[matrix]}")]
        if half is not None:
            born.append(saved(norm_output(half), part, "a * B * T * D"))
        yield Operation(tuple(born))


def _first_matrix(kernels: Kernels, matrix: str, part: str, output: Leaf) -> Iterator[Operation]:
    yield from copies(kernels, matrix, part, half=part)
    yield Operation((output,), done=(norm_output(part),) if kernels.autocast else ())


def _last_matrix(kernels: Kernels, matrix: str, part: str) -> Iterator[Operation]:
    """The second matrix of a half, and the dropout behind it."""
    yield from copies(kernels, matrix, part)
    yield Operation((temporary(_LAST, "a * B * T * D"),))
    if kernels.dropout:
        yield Operation((saved(mask_of(part), part, f"{kernels.mask_bytes('a')} * B * T * D"),))
        yield Operation((temporary(_LAST_DROPPED, "a * B * T * D"),), dies=(_LAST,), done=(mask_of(part),))


def _addition(kernels: Kernels, half: str, result: Leaf, done: tuple[str, ...]) -> Iterator[Operation]:
    """What was held for this half goes, then its output is added to the residuals."""
    held = (norm_output_in_fp32(half), _MIXED)
    yield Operation(dies=held if kernels.keeps_qkv else (*held, QKV), done=(norm_output(half), *done))
    yield Operation((result,), dies=(_LAST, _LAST_DROPPED))


def _qkv(kernels: Kernels) -> Leaf:
    size = "3 * a * B * T * D"
    return saved(QKV, ATTENTION, size) if kernels.keeps_qkv else temporary(QKV, size)


def _flash(_kernels: Kernels) -> Iterator[Operation]:
    yield Operation((_OUTPUT, saved(LOG_SUMS, ATTENTION, "4 * B * T * N")), done=(LOG_SUMS,))


def _math(kernels: Kernels) -> Iterator[Operation]:
    """What scaled_dot_product_attention is made of where no fused kernel takes it."""
    if kernels.upcast:
        values = saved(VALUES, ATTENTION, "4 * B * T * D") if kernels.views else temporary(_FP32_V, "4 * B * T * D")
        yield Operation((temporary(_FP32_QK, "2 * 4 * B * T * D"), values))
    born = [saved(FACTORS, ATTENTION, "2 * s * B * T * D"), temporary(_ADDED, "s * T**2")]
    if not kernels.views:  # the products need them in one piece, so they are copied once more
        born += [temporary(_SCALED_Q, "s * B * T * D"), temporary(_SCALED_K, "s * B * T * D")]
    yield Operation(tuple(born))
    yield Operation((temporary(_SCORES, "s * B * N * T**2"),), dies=(_SCALED_K,), done=(FACTORS,))
    yield Operation((temporary(_MASKED, "s * B * N * T**2"),), dies=(_SCORES,))
    yield from _weighted(kernels)
    held = (_FP32_QK, _FP32_V, _SCALED_Q, _ADDED, _FP32_MIXED, _BF16_WEIGHTS)
    yield Operation(dies=held, done=(DROPPED, VALUES))
    yield from _joined(kernels)


def _materialized(kernels: Kernels) -> Iterator[Operation]:
    """The textbook's, as the model writes it."""
    yield Operation((saved(CAUSAL, ATTENTION, "T**2"), temporary("ones", "T**2")), dies=("ones",))
    if not kernels.views:
        yield Operation((saved(FACTORS, ATTENTION, "2 * s * B * T * D"),))
    yield Operation((temporary(_PRODUCTS, "s * B * N * T**2"),), done=(FACTORS,))
    yield Operation((temporary(_SCORES, "s * B * N * T**2"),), dies=(_PRODUCTS,))
    yield Operation((temporary(_MASKED, "s * B * N * T**2"),), dies=(_SCORES,))
    yield from _weighted(kernels)
    yield Operation(dies=(_AFTER_DROPOUT,), done=(DROPPED, SOFTMAX, CAUSAL, VALUES))
    yield from _joined(kernels)


def _weighted(kernels: Kernels) -> Iterator[Operation]:
    """Softmax, dropout, and the mean of the values that they weight."""
    yield Operation((saved(SOFTMAX, ATTENTION, f"{kernels.softmax_bytes} * B * N * T**2"),), dies=(_MASKED,))
    multiplied = saved(DROPPED, ATTENTION, "s * B * N * T**2")
    if kernels.dropout:
        dropped = temporary(_AFTER_DROPOUT, "4 * B * N * T**2") if kernels.fp32_softmax else multiplied
        yield Operation((saved(MASK, ATTENTION, f"{kernels.mask_bytes('s')} * B * N * T**2"),))
        yield Operation((dropped,), done=(SOFTMAX, MASK))
    if kernels.fp32_softmax:
        yield Operation((multiplied,))
    if kernels.upcast:
        yield Operation((temporary(_BF16_WEIGHTS, "a * B * N * T**2"),))
    if not kernels.views:
        yield Operation((saved(VALUES, ATTENTION, "s * B * T * D"),))
    if kernels.upcast:
        yield Operation((temporary(_FP32_MIXED, "s * B * T * D"),), done=(VALUES,))
    yield Operation((_OUTPUT if kernels.one_head else temporary(_MIXED, "a * B * T * D"),))


def _joined(kernels: Kernels) -> Iterator[Operation]:
    """The heads side by side: of one there is nothing to copy."""
    if not kernels.one_head:
        yield Operation((_OUTPUT,))
