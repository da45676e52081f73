"""PyTorch beside NumPy: memory that both use, gradients that one has, and the time of the same product in each."""

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch

from llm_explorer.measure.statistics import summarize

# above it NumPy's OpenBLAS takes several threads, which on busy processors wait 30 ms for one another (2026-11)
MOST_SIZE: Final = 96
REPEATS: Final = 10


def write_through(bridge: str, into: str) -> dict[str, Any]:
    """Make an array and a tensor from one another, write 9 ``into`` the "array" or the "tensor", and look at both.

    ``bridge`` is "torch.from_numpy(a)", "t.numpy()" (both share the memory) or "torch.tensor(a)" (copies).

    >>> write_through("torch.from_numpy(a)", "array")["tensor"]
    [9.0, 1.0, 1.0]
    """
    a = np.ones(3, dtype=np.float32)
    t = torch.tensor(a) if bridge == "torch.tensor(a)" else torch.from_numpy(a)
    if bridge == "t.numpy()":
        t = torch.ones(3)
        a = t.numpy()
    (a if into == "array" else t)[0] = 9
    return {"array": a.tolist(), "tensor": t.tolist(), "shared": a.ctypes.data == t.data_ptr()}


def gradient(x: list[float]) -> dict[str, Any]:
    """The gradient of the sum of squares at ``x``: autograd's, and NumPy's only way, one difference a number.

    >>> gradient([1.0, 2.0])["autograd"]
    [2.0, 4.0]
    """
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    total: torch.Tensor = t.square().sum()
    total.backward()
    assert t.grad is not None
    a, step = np.array(x), 1e-6
    differences = [(np.square(a + nudge).sum() - np.square(a).sum()) / step for nudge in step * np.eye(len(a))]
    return {"autograd": t.grad.tolist(), "differences": [float(value) for value in differences]}


def time_products(size: int, seed: int = 0) -> dict[str, Any]:
    """Seconds of a (size, size) float32 product in PyTorch and in NumPy, in turn, ten each after a warm-up.

    Each is {median, iqr, n, samples}, with the largest relative ``difference`` of the two products, the threads that
    PyTorch uses, and the time of day. ValueError above size 96: others wait for the same process.

    >>> time_products(64)["torch"]["n"]
    10
    """
    if not 1 <= size <= MOST_SIZE:
        raise ValueError(f"{size} is not a size from 1 to {MOST_SIZE}")
    a, b = torch.randn(2, size, size, generator=torch.Generator().manual_seed(seed))
    x, y = a.numpy(), b.numpy()
    difference = np.abs(np.asarray(a @ b) - x @ y).max() / np.abs(x @ y).max()  # the warm-up of both
    samples = [(seconds(lambda: a @ b), seconds(lambda: x @ y)) for _ in range(REPEATS)]
    return {
        "torch": summarize([torch_s for torch_s, _ in samples]).model_dump(),
        "numpy": summarize([numpy_s for _, numpy_s in samples]).model_dump(),
        "difference": float(difference),
        "threads": torch.get_num_threads(),
        "time": time.strftime("%H:%M:%S"),
    }


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
