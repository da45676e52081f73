"""Kernels that take the place of torch's on processors without instructions for bf16; ``fast_products`` is the door.

Matrix products are in products.py, the backward of fused attention in attention.py. Needs torch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import torch

from llm_explorer.config import Bf16Products, Precision
from llm_explorer.measure.bf16_on_old_cpus import attention, products
from llm_explorer.torch_private import ATTENTION_BACKWARD, KERNELS, cpu_kernel, cpu_kernels, first_missing

_installed: Final[list[str]] = []  # one entry for each fast_products that is just now within


def falls_back(precision: Precision, device: str) -> bool:
    """Whether torch multiplies in plain loops: bf16 on an x86 CPU from before AVX-512."""
    return precision != "float32" and device == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2"


def are_own() -> bool:
    """Whether bf16 is multiplied by what is here just now."""
    return bool(_installed)


@contextmanager
def fast_products(precision: Precision, device: str, chosen: Bf16Products = "own") -> Iterator[None]:
    """While the block runs all of torch's matrix products are these, if chosen and where torch has no better ones.

    And the backward of its fused attention. Seen from a model, a trace or a profile they are ``aten::mm``, ``addmm``,
    ``bmm`` and so on, as before. A torch that lets no kernel take the place of its own multiplies as it does.
    """
    can_replace = first_missing(KERNELS) is None
    if chosen == "torch" or not falls_back(precision, device) or not can_replace:
        yield
        return
    backward = partial(attention.backward, cpu_kernel(ATTENTION_BACKWARD))
    with cpu_kernels(products.KERNELS, with_keys={ATTENTION_BACKWARD: backward}):
        _installed.append(chosen)
        try:
            yield
        finally:
            _installed.pop()
