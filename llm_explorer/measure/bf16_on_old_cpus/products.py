"""Fast bf16 matrix products on CPUs that have no instructions for bf16. Needs torch.

There torch (2.13) falls back on plain loops of its own: 0.7 to 20 GFLOP/s by shape and order, where fp32 does 20 to 80
(AMD EPYC with AVX2, 1 thread, 2026-11). Here both factors are turned into fp32 tile by tile, multiplied as that, and
the sums are rounded to bf16 once: no less exact, and 1 to 90 times as fast. Tiles are small: at most 2.4 MB are needed.
The backward of fused attention, as slow there, is in attention.py.
"""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

from llm_explorer.loss import chunks

WORTH_IT: Final = 2**17  # multiply-adds: below that torch's loops take no longer than what is done about them here
SIDE: Final = 256  # rows and columns of a tile
DEPTH: Final = 1024  # that are summed up at once
OF_A_BATCH: Final = 2**17  # values turned at once in a batch of small products


# torch's own kernels of addmm.out, addmm_ and bmm.out are still there; with beta=0 nothing is read of what is added to


def _mm(a: Tensor, b: Tensor) -> Tensor:
    return _mm_into(a, b, out=a.new_empty(len(a), b.shape[1]))


def _mm_into(a: Tensor, b: Tensor, *, out: Tensor) -> Tensor:
    if out.shape != (len(a), b.shape[1]) or not _is_worth_it(a, b, len(a) * b.numel()):
        return torch.addmm(out, a, b, beta=0, out=out)
    return _in_tiles(a, b, out)


def _addmm(bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    out = a.new_empty(len(a), b.shape[1])
    if beta != 1 or alpha != 1 or not _is_worth_it(a, b, len(a) * b.numel()):
        return torch.addmm(bias, a, b, beta=beta, alpha=alpha, out=out)
    return _in_tiles(a, b, out, bias.expand_as(out))


def _bmm(a: Tensor, b: Tensor) -> Tensor:
    """(B, n, k) (B, k, m) -> (B, n, m), some of B at a time."""
    out = a.new_empty(len(a), a.shape[1], b.shape[2])
    if not _is_worth_it(a, b, a.shape[1] * b.numel()):
        return torch.bmm(a, b, out=out)
    at_once = OF_A_BATCH // max(each[0].numel() for each in (a, b, out))
    if not at_once:
        for one, other, place in zip(a, b, out, strict=True):
            _in_tiles(one, other, place)
    for some in chunks(len(a), at_once) if at_once else ():
        wide = out.new_empty(out[some].shape, dtype=torch.float32)
        out[some] = torch.bmm(a[some].float(), b[some].float(), out=wide)
    return out


def _is_worth_it(a: Tensor, b: Tensor, additions: int) -> bool:
    return a.dtype is b.dtype is torch.bfloat16 and additions >= WORTH_IT


def _in_tiles(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None = None) -> Tensor:
    """a (n, k), b (k, m) -> out (n, m), of which a bias (n, m) is part of the sum."""
    for rows in chunks(len(a), SIDE):
        for columns in chunks(b.shape[1], SIDE):
            place = out[rows, columns]
            tile = place.new_empty(place.shape, dtype=torch.float32) if bias is None else bias[rows, columns].float()
            for number, inner in enumerate(chunks(len(b), DEPTH)):
                is_first = bias is None and not number
                tile.addmm_(a[rows, inner].float(), b[inner, columns].float(), beta=0 if is_first else 1)
            place.copy_(tile)
    return out


KERNELS: Final[Mapping[str, Callable[..., Tensor]]] = {"mm": _mm, "mm.out": _mm_into, "addmm": _addmm, "bmm": _bmm}
