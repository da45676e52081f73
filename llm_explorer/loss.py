"""Cross-entropy of a head's logits, some token positions at a time: never are all (BT, V) logits in memory.

A position's logits lie in a row of Z >= V values, the rest of them -inf: no token's probability changes by that, and
where rows begin at whole cache lines the products that write and read them are faster (``config.logits_row``).

The gradients are made with the loss, chunk by chunk, while its logits are there; backward only scales and hands them
over. Not torch's own ``F.linear_cross_entropy``: to a trace on fake tensors that is one operation with nothing inside.
"""

# torch leaves autograd.Function's apply, its context and once_differentiable untyped
# mypy: disable-error-code="no-any-return,no-untyped-call,untyped-decorator"

import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from llm_explorer.config import HEAD_ROWS_AT_ONCE, logits_row


def chunked_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    chunk: int,
    *,
    bias: Tensor | None = None,
    softcap: float | None = None,
) -> Tensor:
    """Mean cross-entropy () in nats, in the dtype of the weight, of logits ``hidden @ weight.T``, ``chunk`` at a time.

    ``hidden`` (BT, D), ``weight`` (V, D), ``targets`` (BT,) int64, ``bias`` (V,) of the logits, which a ``softcap`` c
    then presses to c tanh(logits / c). Same as F.cross_entropy of all logits at once, but memory for BT x V of them
    becomes memory for chunk x V. Backward runs once.

    >>> hidden, weight, targets = torch.zeros(6, 2), torch.zeros(10, 2), torch.arange(6)
    >>> round(chunked_cross_entropy(hidden, weight, targets, chunk=4).item(), 4)  # ln 10: all 10 are as likely
    2.3026
    """
    device = hidden.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        hidden = hidden.to(torch.get_autocast_dtype(device))
    return _ChunkedCrossEntropy.apply(hidden, weight, bias, targets, _Chunked(chunk, softcap, torch.is_grad_enabled()))


def chunks(positions: int, size: int) -> Iterator[slice]:
    """Where each chunk begins and ends: 7 by 3 are 0 to 3, 3 to 6 and 6 to 7."""
    return (slice(start, min(start + size, positions)) for start in range(0, positions, size))


# the chunks that are gone through: all, but for whoever asks for the memory that they take and not for the loss
chunks_to_run: Final[ContextVar[Callable[[int, int], Iterator[slice]]]] = ContextVar("chunks_to_run", default=chunks)


class _Chunked(NamedTuple):
    size: int
    softcap: float | None
    needs_gradients: bool


class _ChunkedCrossEntropy(Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, how: _Chunked
    ) -> Tensor:
        """The loss; its gradients are kept in ``ctx`` where they are needed."""
        matrix = weight.to(hidden.dtype)  # (V, D)
        loss = torch.zeros((), dtype=torch.float32, device=hidden.device)
        if how.needs_gradients:
            of_hidden = torch.empty_like(hidden)  # (BT, D)
            # summed in fp32 always: in bf16 an error of 0.2% grows to 0.5% with 16 chunks and to 0.9% with 128
            of_weight = torch.empty_like(weight, dtype=torch.float32)  # (V, D)
            of_bias = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)  # (V,)
        for rows in chunks_to_run.get()(len(hidden), how.size):
            values, slope = _log_probabilities(hidden[rows], matrix, bias, how)  # (chunk, Z)
            loss -= values.gather(-1, targets[rows, None]).sum()
            if how.needs_gradients:
                values = _gradient_of_logits(values, targets[rows], len(hidden))
                values = (values if slope is None else values.mul_(slope)).to(hidden.dtype)  # (chunk, Z)
                values = values[:, : len(weight)]  # (chunk, V)
                torch.mm(values, matrix, out=of_hidden[rows])  # (chunk, V) (V, D) -> (chunk, D)
                # (V, chunk) (chunk, D) -> (V, D)
                _add_product(of_weight, values.T, hidden[rows], is_first=rows.start == 0)
                if of_bias is not None:
                    of_bias += values.sum(0, dtype=torch.float32)  # (chunk, V) -> (V,)
            del values, slope  # before the next chunk has its own
        ctx.gradients = None
        if how.needs_gradients:
            dtype = weight.dtype
            ctx.gradients = of_hidden, of_weight.to(dtype), None if of_bias is None else of_bias.to(dtype)
        return (loss / len(hidden)).to(weight.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None]:
        """Scale the gradients in place and let go of them: autograd keeps them as they are, without a copy."""
        if ctx.gradients is None:
            raise RuntimeError("the chunked loss gives its gradients away: call backward once, without retain_graph")
        (of_hidden, of_weight, of_bias), ctx.gradients = ctx.gradients, None
        of_bias = None if of_bias is None else of_bias.mul_(gradient)
        return of_hidden.mul_(gradient), of_weight.mul_(gradient), of_bias, None, None


def _log_probabilities(
    hidden: Tensor, matrix: Tensor, bias: Tensor | None, how: _Chunked
) -> tuple[Tensor, Tensor | None]:
    """(chunk, D), (V, D) -> (chunk, Z): a product in the dtype of both, its softmax in fp32.

    With a soft cap c also, where gradients are needed, its slope (chunk, Z): 1 - tanh(logits / c)^2.
    """
    # the product itself has no name: it dies as soon as its fp32 copy is there
    logits, slope = _logits(hidden, matrix, bias).float(), None
    if how.softcap is not None:
        pressed = logits.div_(how.softcap).tanh_()
        logits = pressed * how.softcap
    logits[:, len(matrix) :] = -math.inf
    values = logits.log_softmax(dim=-1)
    if how.softcap is not None and how.needs_gradients:
        slope = pressed.square_().neg_().add_(1.0)
    return values, slope


def _logits(hidden: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """(chunk, D), (V, D) -> (chunk, Z), of which the last Z - V columns are not set."""
    logits = hidden.new_empty(len(hidden), logits_row(len(matrix)))
    written = logits[:, : len(matrix)]
    torch.mm(hidden, matrix.T, out=written)
    if bias is not None:
        written += bias
    return logits


def _gradient_of_logits(log_probabilities: Tensor, targets: Tensor, positions: int) -> Tensor:
    """(chunk, Z), in place: of the mean over all positions it is (probability - 1 at the target) / positions."""
    gradient = log_probabilities.exp_()
    gradient.scatter_add_(-1, targets[:, None], gradient.new_full((len(targets), 1), -1.0))
    return gradient.div_(positions)


def _add_product(total: Tensor, left: Tensor, right: Tensor, *, is_first: bool) -> None:
    """total (V, D) += left (V, chunk) @ right (chunk, D), or for the first = it; bf16 is turned into fp32 in pieces."""
    if left.dtype is total.dtype:
        torch.addmm(total, left, right, beta=0 if is_first else 1, out=total)
        return
    add = Tensor.copy_ if is_first else Tensor.add_
    for rows in chunks_to_run.get()(len(total), HEAD_ROWS_AT_ONCE):
        add(total[rows], (left[rows] @ right).float())  # a name would keep it beside the next one
