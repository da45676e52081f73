"""Every private or undocumented name of torch that the package stands on, and what is done where torch lacks it.

names          without them
TRACING        the traced tier says ``why_not``, and so it does with a version that was not VERIFIED
KERNELS        bf16 is multiplied by torch's own kernels, slow as they are on old processors
MEMORY_EVENTS  the measured peak of a CPU is unknown
SAVED          the lesson on autograd shows no numbers that an operation keeps
"""
# ruff: noqa: SLF001
# (this file is where they are allowed)

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import torch
from torch import Tensor, UntypedStorage
from torch.autograd.graph import Node
from torch.profiler import profile

with suppress(ImportError):  # then why_not() says so, and what would import them from here is not asked for
    from torch._subclasses.fake_tensor import FakeTensorMode as FakeTensorMode
    from torch.utils._python_dispatch import TorchDispatchMode as TorchDispatchMode

VERIFIED: Final = "2.13."  # the version that tests/tracing has compared with real steps, 2026-11

ATTENTION_BACKWARD: Final = "_scaled_dot_product_flash_attention_for_cpu_backward"
READ_NUMBER: Final = "aten._local_scalar_dense.default"  # the operation of Tensor.item()
SAVED: Final = "_saved_"  # PyTorch, "Autograd mechanics": what an operation keeps for its backward

TRACING: Final = (
    "torch.utils._python_dispatch.TorchDispatchMode",
    "torch._subclasses.fake_tensor.FakeTensorMode",
    "torch._C._current_autograd_node",
    "torch._C._autograd._get_sequence_nr",
    "torch._C._storage_Use_Count",
    "torch.autograd.graph.Node._sequence_nr",
    "torch.Tensor._use_count",
    "torch.UntypedStorage._cdata",
)
KERNELS: Final = ("torch.library.get_kernel", f"torch.ops.aten.{ATTENTION_BACKWARD}")
MEMORY_EVENTS: Final = (
    "torch._C._autograd._ProfilerResult.events",
    "torch._C._autograd._KinetoEvent.name",
    "torch._C._autograd._KinetoEvent.nbytes",
    "torch._C._autograd._KinetoEvent.start_ns",
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
    missing = first_missing(TRACING)
    if missing is not None:
        return f"not available with this torch ({torch.__version__}): it has no {missing}"
    if not torch.__version__.startswith(VERIFIED):
        return f"not available with this torch ({torch.__version__}): verified only with {VERIFIED}x"
    return None


def first_missing(names: tuple[str, ...]) -> str | None:
    """The first of the names that this torch does not have."""
    return next((name for name in names if not _exists(name)), None)


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


def cpu_kernel(operation: str) -> Any:
    """torch's own kernel of an operation of aten, to be called with ``call_boxed`` and the keys of a dispatch."""
    return torch.library.get_kernel(f"aten::{operation}", "CPU")


@contextmanager
def cpu_kernels(plain: Mapping[str, Callable[..., Any]], with_keys: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Within, these take the place of torch's kernels of aten's operations; some are given the dispatch keys first."""
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a kernel that takes another's place, as these mean to
        for kernels, has_keys in ((plain, False), (with_keys, True)):
            for name, kernel in kernels.items():
                library.impl(name, kernel, "CPU", with_keyset=has_keys, allow_override=True)
    try:
        yield
    finally:
        del library  # and with it the kernels


def memory_events(recorded: profile) -> list[Any] | None:
    """What a profile with ``profile_memory`` saw given out and taken back, each with ``nbytes()`` and ``start_ns()``.

    ``recorded.events()`` and ``acc_events`` would make Python objects of all events, which takes as much memory again.
    """
    results = getattr(recorded.profiler, "kineto_results", None)
    if results is None or first_missing(MEMORY_EVENTS) is not None:
        return None
    return [event for event in results.events() if event.name() == "[memory]"]


def saved_values(node: Node) -> dict[str, Any]:
    """By name, what an operation keeps for its backward."""
    return {name.removeprefix(SAVED): getattr(node, name) for name in dir(node) if name.startswith(SAVED)}


def _exists(name: str) -> bool:
    found: object = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found is not None
