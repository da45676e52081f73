"""Fast bf16 matrix products on CPUs that have no instructions for bf16. Needs torch.

There torch (2.13) falls back on plain loops of its own, and the one product of three in a linear layer that goes
against the order of memory, ``gradient @ weight``, does 0.7 to 2 GFLOP/s where the other two do 8 to 20 (AMD EPYC with
AVX2, 1 thread, 2026-11). With one operand copied into the other order it does 10 to 24. The copy is never larger than
the weights, whose gradient is as large and comes after it: the peak of a step stays.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor

from llm_explorer.config import Precision

WORTH_COPYING: Final = 2**15  # multiply-adds: below that the product takes no longer than what is done about it here


def falls_back(precision: Precision, device: str) -> bool:
    """Whether torch multiplies in plain loops: bf16 on an x86 CPU from before AVX-512."""
    return precision != "float32" and device == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2"


@contextmanager
def fast_products(precision: Precision, device: str) -> Iterator[None]:
    """While the block runs all of torch's matrix products are these, where torch has nothing better; else nothing.

    Seen from a model, a trace or a profile it is ``aten::mm`` as before, with the same result.
    """
    if not falls_back(precision, device):
        yield
        return
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a kernel that takes another's place, as this one means to
        library.impl("mm", _mm, "CPU", allow_override=True)
        library.impl("mm.out", _mm_into, "CPU", allow_override=True)
    try:
        yield
    finally:
        del library  # and with it the two kernels


def in_fast_order(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The factors (n, k) and (k, m), the smaller one copied where both have their rows one after the other."""
    against = a.dtype is torch.bfloat16 and a.stride(1) == b.stride(1) == 1
    if not against or len(a) * b.numel() < WORTH_COPYING:
        return a, b
    if a.numel() <= b.numel():
        return a.T.contiguous().T, b
    return a, b.T.contiguous().T


def _mm(a: Tensor, b: Tensor) -> Tensor:
    return _mm_into(a, b, out=a.new_empty(len(a), b.shape[1]))


def _mm_into(a: Tensor, b: Tensor, *, out: Tensor) -> Tensor:
    # addmm has a kernel of its own, and with beta=0 reads nothing of what it adds to
    return torch.addmm(out, *in_fast_order(a, b), beta=0, out=out)
