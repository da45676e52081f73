"""What comes before and after the blocks: embeddings, the final norm, the head, the loss, and their backward."""

from collections.abc import Iterator
from typing import Final

from llm_explorer.accounting.block_backward import ERROR, product, weights_in_fp32
from llm_explorer.accounting.block_forward import copies, copy_of, norm, norm_output, norm_output_in_fp32, statistics
from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.lifetimes import EMBEDDINGS, HEAD, LOSS, Operation, gradient, saved, temporary
from llm_explorer.accounting.rows import Leaf

EMBEDDED: Final = saved("embedded tokens", EMBEDDINGS, "r * B * T * D")
HEAD_GRADIENT: Final = "gradient of head weights"
_LOGITS: Final = "logits"
_FP32_LOGITS: Final = "logits in fp32"
_LOG_PROBABILITIES: Final = "log-probabilities"
_OF_LOGITS: Final = "gradient of logits"
_BF16_OF_LOGITS: Final = "gradient of logits in bf16"
_OF_LOG_PROBABILITIES: Final = "gradient of log-probabilities"
_OF_OUTPUT: Final = "gradient of the final norm output"
_FP32_OF_OUTPUT: Final = "gradient of the final norm output in fp32"
_FP32_GRADIENT: Final = "gradient of head weights in fp32"
_FINAL: Final = "final"


def kept_by_embeddings(kernels: Kernels) -> tuple[Leaf, ...]:
    """What the embeddings keep, to the very end of backward."""
    positions = saved("position ids", EMBEDDINGS, "8 * T")
    if not kernels.dropout:
        return positions, EMBEDDED
    return positions, EMBEDDED, saved("embedding dropout mask", EMBEDDINGS, f"{kernels.mask_bytes('r')} * B * T * D")


def loss_forward(kernels: Kernels) -> Iterator[Operation]:
    """Final norm, head and cross-entropy, which under autocast is in fp32."""
    yield from norm(kernels, _FINAL)
    yield from copies(kernels, "head", HEAD, half=_FINAL)
    yield Operation((temporary(_LOGITS, "a * B * T * V"),), dies=(norm_output_in_fp32(_FINAL),))
    if kernels.autocast:
        yield Operation((temporary(_FP32_LOGITS, "l * B * T * V"),))
    yield Operation((saved(_LOG_PROBABILITIES, LOSS, "l * B * T * V"),), dies=(_LOGITS, _FP32_LOGITS))


def loss_backward(kernels: Kernels) -> Iterator[Operation]:
    """To the gradient of the logits, under autocast from fp32 to bf16."""
    yield Operation((temporary(_OF_LOG_PROBABILITIES, "l * B * T * V"),))
    done = _OF_LOG_PROBABILITIES, _LOG_PROBABILITIES
    yield Operation((temporary(_OF_LOGITS, "l * B * T * V"),), dies=done)
    if kernels.autocast:
        yield Operation((temporary(_BF16_OF_LOGITS, "a * B * T * V"),), dies=(_OF_LOGITS,))


def head_backward(kernels: Kernels) -> Iterator[Operation]:
    """Through the head and the final norm, to the gradient of the residual stream."""
    yield from product(
        kernels, "head", (_OF_OUTPUT, "a * B * T * D"), (_OF_LOGITS, _BF16_OF_LOGITS, norm_output(_FINAL))
    )
    if kernels.autocast:
        yield Operation((temporary(_FP32_OF_OUTPUT, "4 * B * T * D"),), dies=(_OF_OUTPUT,))
    yield from weights_in_fp32(kernels, "head")
    yield Operation((ERROR,), dies=(_OF_OUTPUT, _FP32_OF_OUTPUT, statistics(_FINAL)))


def chunked_forward(kernels: Kernels) -> Iterator[Operation]:
    """Final norm, then for R positions at a time logits, loss and gradients (see llm_explorer/loss.py)."""
    yield from norm(kernels, _FINAL)
    if kernels.autocast:
        yield Operation((temporary(norm_output(_FINAL), "a * B * T * D"),), dies=(norm_output_in_fp32(_FINAL),))
        yield Operation((temporary(copy_of("head"), "a * V * D"),))
    half = kernels.precision in ("bfloat16", "bfloat16_master")
    total = temporary(_FP32_GRADIENT, "4 * V * D") if half else gradient(HEAD_GRADIENT, "4 * V * D")
    yield Operation((saved(_OF_OUTPUT, LOSS, "a * B * T * D"), total))
    yield from _chunk(kernels)
    if half:
        yield Operation((gradient(HEAD_GRADIENT, "w * V * D"),), dies=(_FP32_GRADIENT,))
    yield Operation(dies=(norm_output(_FINAL), copy_of("head")))


def _chunk(kernels: Kernels) -> Iterator[Operation]:
    yield Operation((temporary("logits of a chunk", "a * R * Z"),))
    log_probabilities = temporary("log-probabilities of a chunk", "4 * R * Z")
    if kernels.precision == "float32":
        yield Operation((log_probabilities,), dies=("logits of a chunk", log_probabilities.name))
        return
    yield Operation((temporary("logits of a chunk in fp32", "4 * R * Z"),), dies=("logits of a chunk",))
    yield Operation((log_probabilities,), dies=("logits of a chunk in fp32",))
    yield Operation((temporary("gradient of a chunk", "a * R * Z"),), dies=(log_probabilities.name,))
    piece, in_fp32 = "a chunk's gradient of some head weights", "a chunk's gradient of some head weights in fp32"
    yield Operation((temporary(piece, "a * U * D"),))
    yield Operation((temporary(in_fp32, "4 * U * D"),), dies=(piece, in_fp32, "gradient of a chunk"))


def chunked_backward(kernels: Kernels) -> Iterator[Operation]:
    """To the gradient of the residual stream: what the chunks have made is there."""
    if kernels.autocast:
        yield Operation((temporary(_FP32_OF_OUTPUT, "4 * B * T * D"),), dies=(_OF_OUTPUT,))
    yield Operation((ERROR,), dies=(_OF_OUTPUT, _FP32_OF_OUTPUT, statistics(_FINAL)))
