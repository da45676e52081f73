"""The backward of one transformer block: what it makes and what it frees, in the order in which torch does.

Written down from traces of this model (torch 2.13, CPU, 2026-11). Left out are gradients of biases and of norms.
"""

from collections.abc import Iterator
from typing import Final

from llm_explorer.accounting.block_forward import (
    CAUSAL,
    DROPPED,
    FACTORS,
    GELU,
    JOINED,
    LOG_SUMS,
    MASK,
    MATRICES,
    MIDDLE,
    QKV,
    SOFTMAX,
    UP,
    VALUES,
    copy_of,
    mask_of,
    norm_output,
    statistics,
)
from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.lifetimes import Operation, gradient, temporary

ERROR: Final = temporary("gradient of the residual stream", "r * B * T * D")
_CAST: Final = "gradient of the residual stream in bf16"
_DROPPED_ERROR: Final = "gradient behind the dropout"
_HIDDEN: Final = "gradient of GELU's output"
_BEFORE: Final = "gradient of GELU's input"
_INPUT: Final = "gradient of the norm output"
_INPUT_FP32: Final = "gradient of the norm output in fp32"
_SKIPPED: Final = "gradient through the norm"
_MIXED: Final = "gradient of the attention output"
_COPY: Final = "copy of the gradient of the attention output"
_OF_VALUES: Final = "gradient of values"
_OF_QK: Final = "gradients of queries and keys"
_OF_QKV: Final = "gradients of queries, keys and values"
_JOINT: Final = "joint gradient of queries, keys and values"
_FP32_MIXED: Final = "gradient of the attention output in fp32"
_OF_WEIGHTS: Final = "gradient of attention weights"
_FP32_OF_WEIGHTS: Final = "gradient of attention weights in fp32"
_BEFORE_DROPOUT: Final = "gradient of attention weights before dropout"
_OF_SCORES: Final = "gradient of scores"
_CAST_SCORES: Final = "gradient of scores in bf16"
_UNMASKED: Final = "gradient of scores before masking"


def backward(kernels: Kernels) -> Iterator[Operation]:
    """From the gradient of the block's output, which stays and becomes that of its input."""
    yield from _out_of_last_matrix(kernels, "feed-forward", "down", (_HIDDEN, "a * B * T * F"), (GELU,))
    yield Operation((temporary(_BEFORE, "a * B * T * F"),), dies=(_HIDDEN, UP))
    yield from _through_norm(kernels, "feed-forward", "up", (_BEFORE,))
    yield Operation(dies=(MIDDLE.name,))
    frees = () if kernels.attention == "flash" else (JOINED,)  # the fused kernel's backward reads its output
    yield from _out_of_last_matrix(kernels, "attention", "projection", (_MIXED, "a * B * T * D"), frees)
    yield from _flash() if kernels.attention == "flash" else _plain(kernels)
    yield Operation((temporary(_JOINT, "3 * a * B * T * D"),), dies=(_OF_QKV, _OF_QK, _OF_VALUES))
    yield from _through_norm(kernels, "attention", "qkv", (_JOINT,))


def cast(kernels: Kernels) -> Iterator[Operation]:
    """The residual stream's gradient as a matrix needs it under autocast."""
    if kernels.autocast:
        yield Operation((temporary(_CAST, "a * B * T * D"),))


def _out_of_last_matrix(
    kernels: Kernels, half: str, matrix: str, result: tuple[str, str], frees: tuple[str, ...]
) -> Iterator[Operation]:
    """Through the dropout and the second matrix of a half."""
    yield from cast(kernels)
    if kernels.dropout:
        yield Operation((temporary(_DROPPED_ERROR, "a * B * T * D"),), dies=(_CAST, mask_of(half)))
    yield from product(kernels, matrix, result, (*frees, _CAST, _DROPPED_ERROR))
    yield from weights_in_fp32(kernels, matrix)


def _through_norm(kernels: Kernels, half: str, matrix: str, frees: tuple[str, ...]) -> Iterator[Operation]:
    """Through the first matrix of a half and its norm, into the residual stream's gradient in place."""
    yield from product(kernels, matrix, (_INPUT, "a * B * T * D"), (*frees, norm_output(half)))
    if kernels.autocast:
        yield Operation((temporary(_INPUT_FP32, "4 * B * T * D"),), dies=(_INPUT,))
    yield from weights_in_fp32(kernels, matrix)
    yield Operation((temporary(_SKIPPED, "r * B * T * D"),), dies=(_SKIPPED, _INPUT, _INPUT_FP32, statistics(half)))


def product(kernels: Kernels, matrix: str, result: tuple[str, str], frees: tuple[str, ...]) -> Iterator[Operation]:
    """The gradients of a matrix product's input and of its weights; these under autocast first in bf16."""
    values = MATRICES[matrix]
    of_weights = gradient(_of(matrix), f"w * {values}")
    if kernels.autocast:
        of_weights = temporary(_in_bf16(matrix), f"2 * {values}")
    yield Operation((temporary(*result), of_weights), dies=(*frees, copy_of(matrix)))


def weights_in_fp32(kernels: Kernels, matrix: str) -> Iterator[Operation]:
    """Under autocast the weights are in fp32, and so are their gradients."""
    if kernels.autocast:
        yield Operation((gradient(_of(matrix), f"4 * {MATRICES[matrix]}"),), dies=(_in_bf16(matrix),))


def _of(matrix: str) -> str:
    return f"gradient of {matrix} weights"


def _in_bf16(matrix: str) -> str:
    return f"gradient of {matrix} weights in bf16"


def _flash() -> Iterator[Operation]:
    yield Operation((temporary(_OF_QKV, "3 * a * B * T * D"),), dies=(_MIXED, QKV, JOINED, LOG_SUMS))


def _plain(kernels: Kernels) -> Iterator[Operation]:
    """Through the mean of the values, dropout, softmax, and the product of queries and keys."""
    if kernels.upcast:
        yield Operation((temporary(_FP32_MIXED, "4 * B * T * D"),), dies=(_MIXED,))
    if not kernels.views:
        yield Operation((temporary(_COPY, "s * B * T * D"),), dies=(_MIXED, _FP32_MIXED))
    # where the values are a view of queries, keys and values, so are these, but for plain math, which scales them first
    of_weights = temporary(_OF_WEIGHTS, "s * B * N * T**2")
    frees = (_MIXED, _FP32_MIXED, _COPY, VALUES, DROPPED)
    yield Operation(
        (temporary(_OF_VALUES, "s * B * T * D"), of_weights),
        dies=(*frees, QKV) if kernels.attention == "math" else frees,
    )
    yield from _through_softmax(kernels)
    yield Operation((temporary(_OF_QK, "2 * s * B * T * D"),), dies=(_OF_SCORES, FACTORS, QKV))
    if kernels.upcast:
        yield Operation((temporary(_OF_QKV, "3 * a * B * T * D"),), dies=(_OF_QK, _OF_VALUES))


def _through_softmax(kernels: Kernels) -> Iterator[Operation]:
    square = f"{kernels.softmax_bytes} * B * N * T**2"
    if kernels.fp32_softmax:
        yield Operation((temporary(_FP32_OF_WEIGHTS, square),), dies=(_OF_WEIGHTS,))
    if kernels.dropout:
        yield Operation((temporary(_BEFORE_DROPOUT, square),), dies=(_OF_WEIGHTS, _FP32_OF_WEIGHTS, MASK))
    yield Operation((temporary(_OF_SCORES, square),), dies=(_OF_WEIGHTS, _FP32_OF_WEIGHTS, _BEFORE_DROPOUT, SOFTMAX))
    if kernels.fp32_softmax:
        yield Operation((temporary(_CAST_SCORES, "s * B * N * T**2"),), dies=(_OF_SCORES,))
    if kernels.attention == "materialized":
        yield Operation((temporary(_UNMASKED, "s * B * N * T**2"),), dies=(_OF_SCORES, _CAST_SCORES, CAUSAL))
        yield Operation((temporary(_OF_SCORES, "s * B * N * T**2"),), dies=(_UNMASKED,))
