"""Whether this torch can be traced, and all of its private interfaces that tracing uses."""
# ruff: noqa: SLF001
# (this file is where they are allowed)

from typing import Final

import torch
from torch import Tensor, UntypedStorage

VERIFIED: Final = "2.13."  # the version that tests/tracing has compared with real steps, 2026-11

_NEEDED: Final = (
    "torch.utils._python_dispatch.TorchDispatchMode",
    "torch._subclasses.fake_tensor.FakeTensorMode",
    "torch._C._current_autograd_node",
    "torch._C._autograd._get_sequence_nr",
    "torch._C._storage_Use_Count",
    "torch.Tensor._use_count",
    "torch.UntypedStorage._cdata",
)

# References to a gradient that only autograd's buffer holds, when it is the argument of an operation that a dispatch
# mode sees: the buffer's, that of the Python object made for the call, and two of the call itself. Its storage has
# that of the tensor, and one from Python. Found by tests/tracing/test_tracker.py.
_SOLE_TENSOR: Final = 4
_SOLE_STORAGE: Final = 2


def why_not() -> str | None:
    """The sentence that says why this torch cannot be traced; None where it can.

    Another version is not tried: its numbers could be wrong without any sign of it.
    """
    missing = [name for name in _NEEDED if not _exists(name)]
    if missing:
        return f"not available with this torch ({torch.__version__}): it has no {missing[0]}"
    if not torch.__version__.startswith(VERIFIED):
        return f"not available with this torch ({torch.__version__}): verified only with {VERIFIED}x"
    return None


def address(storage: UntypedStorage) -> int:
    """What a storage is known by as long as it lives; also a fake one, which has no data."""
    return int(storage._cdata)


def node_count() -> int:
    """The number that autograd will give to the next node it makes."""
    return int(torch._C._autograd._get_sequence_nr())


def running_node() -> int | None:
    """The number of the node whose backward runs; None outside backward, and where a gradient reaches a weight."""
    node = torch._C._current_autograd_node()
    return None if node is None or "AccumulateGrad" in node.name() else int(node._sequence_nr())


def would_add_in_place(first: Tensor, second: Tensor) -> bool:
    """Whether this addition in backward is autograd's own, of two gradients, which it does in place when unwatched.

    Its rule (torch/csrc/autograd/input_buffer.cpp, can_accumulate_inplace): it holds the only reference to the first
    and to its storage, and no dispatch mode is active. The storage of a view is also held by what it is a view of.
    """
    return (
        not torch.is_grad_enabled()
        and first.shape == second.shape
        and first.dtype == second.dtype
        and first._use_count() == _SOLE_TENSOR  # type: ignore[attr-defined]
        and torch._C._storage_Use_Count(address(first.untyped_storage())) == _SOLE_STORAGE
    )


def _exists(name: str) -> bool:
    found: object = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found is not None
