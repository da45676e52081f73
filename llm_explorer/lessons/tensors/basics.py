"""What a tensor is: numbers in a shape, of one dtype; made, converted, multiplied, broadcast, and those of a GPT.

Where the numbers lie is in tensors_storage.py, NumPy in tensors_numpy.py, the playground in tensors_playground.py.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import build

A_SHAPE = (2, 3)


def describe(tensor: Tensor) -> dict[str, Any]:
    """The numbers of a tensor and all that says how to read them; strides count numbers, not bytes.

    >>> describe(torch.tensor([[1, 3], [5, 2]]))["strides"]
    [2, 1]
    """
    return {
        "values": tensor.tolist(),
        "shape": list(tensor.shape),
        "strides": list(tensor.stride()),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "bytes": tensor.numel() * tensor.itemsize,
        "contiguous": tensor.is_contiguous(),
    }


def containers() -> list[dict[str, Any]]:
    """One tensor of each number of dimensions from 0 to 4, with the line that makes it.

    >>> [len(made["shape"]) for made in containers()]
    [0, 1, 2, 3, 4]
    """
    made = {
        "torch.tensor(5)": torch.tensor(5),
        "torch.tensor([5, 1])": torch.tensor([5, 1]),
        "torch.tensor([[1, 3], [5, 2]])": torch.tensor([[1, 3], [5, 2]]),
        "torch.arange(24).reshape(2, 3, 4)": torch.arange(24).reshape(2, 3, 4),
        "torch.arange(24).reshape(2, 2, 2, 3)": torch.arange(24).reshape(2, 2, 2, 3),
    }
    return [{"code": code, **describe(tensor)} for code, tensor in made.items()]


def inferred_dtypes() -> list[dict[str, Any]]:
    """The dtype that torch.tensor chooses when it is not told one.

    Python's floats become float32, torch's default dtype; a NumPy array keeps its own, and NumPy's default is float64.

    >>> inferred_dtypes()[0]["dtype"]
    'int64'
    """
    made = {
        "torch.tensor([1, 2, 3])": torch.tensor([1, 2, 3]),
        "torch.tensor([1.0, 2.0])": torch.tensor([1.0, 2.0]),
        "torch.tensor([1, 2.5])": torch.tensor([1, 2.5]),
        "torch.tensor([True, False])": torch.tensor([True, False]),
        "torch.tensor(np.array([1.0, 2.0]))": torch.tensor(np.array([1.0, 2.0])),
        "torch.tensor(np.ones(2, np.float32))": torch.tensor(np.ones(2, np.float32)),
    }
    return [{"code": code, "item_bytes": tensor.itemsize, **describe(tensor)} for code, tensor in made.items()]


def converted(dtype: str) -> dict[str, Any]:
    """Five float32 numbers before and after ``.to(dtype)``, and back in float32; ``dtype`` is a name such as "int64".

    >>> converted("int64")["after"]["values"]
    [0, 2, -1, 2049, 70000]
    """
    before = torch.tensor([0.1, 2.9, -1.5, 2049.0, 70000.0])
    after = before.to(getattr(torch, dtype))
    return {"before": describe(before), "after": describe(after), "back": describe(after.to(torch.float32))}


def product(b_shape: list[int], seed: int = 0) -> dict[str, Any]:
    """A (2, 3) times a B of another shape, cell by cell: each is a row of A times a column of B, added up.

    ``refusal`` is torch's own message where the shapes do not fit, and then there are no cells.

    >>> product([3, 4])["shape"]
    [2, 4]
    """
    random = torch.Generator().manual_seed(seed)
    a = torch.randint(0, 5, A_SHAPE, generator=random)
    b = torch.randint(0, 5, b_shape, generator=random)
    try:
        c = a @ b
    except RuntimeError as error:
        return {"a": a.tolist(), "b": b.tolist(), "shape": None, "cells": [], "refusal": str(error)}
    cells = [cell(a, b, row, column) for row in range(c.shape[0]) for column in range(c.shape[1])]
    return {"a": a.tolist(), "b": b.tolist(), "shape": list(c.shape), "cells": cells, "refusal": None}


def cell(a: Tensor, b: Tensor, row: int, column: int) -> dict[str, Any]:
    """One cell of ``a @ b``, a (M, K) and b (K, N): K products of pairs and their sum."""
    pairs = list(zip(a[row, :].tolist(), b[:, column].tolist(), strict=True))
    return {"row": row, "column": column, "pairs": pairs, "sum": sum(x * y for x, y in pairs)}


def broadcast(a_shape: list[int], b_shape: list[int]) -> dict[str, Any]:
    """``a + b`` of two shapes, with both as broadcasting sees them: stretched to one shape by strides of 0.

    ``refusal`` is torch's own message where the shapes do not fit.

    >>> broadcast([3, 1], [4])["b"]["strides"]
    [0, 1]
    """
    a = torch.arange(torch.Size(a_shape).numel()).reshape(a_shape)
    b = 10 * torch.arange(1, torch.Size(b_shape).numel() + 1).reshape(b_shape)
    given = {"given": [describe(a), describe(b)]}
    try:
        result = a + b
    except RuntimeError as error:
        return {**given, "refusal": str(error)}
    wide_a, wide_b = torch.broadcast_tensors(a, b)  # views: no number is copied
    return {**given, "a": describe(wide_a), "b": describe(wide_b), "result": describe(result), "refusal": None}


def model_tensors(model: dict[str, Any], run: dict[str, Any]) -> list[dict[str, Any]]:
    """Name, kind, shape, dtype, bytes and number of every tensor that a model takes and holds.

    The fields are those of ModelConfig and RunConfig. The model is built on the meta device, which has shapes but no
    memory, with one layer: all layers are alike, and ``repeats`` says how many there are.

    >>> model_tensors(ModelConfig().model_dump(), RunConfig().model_dump())[0]["shape"]
    [2, 256]
    """
    config, meant = ModelConfig(**model), RunConfig(**run)
    gpt = build(replace(config, n_layers=1), replace(meant, device="meta"))
    tokens = torch.empty(meant.batch_size, meant.sequence(config), dtype=torch.int64, device="meta")  # (B, T)
    inputs = [_named(name, "inputs", tokens, 1) for name in ("tokens", "targets")]
    return inputs + [
        _named(
            name.replace("blocks.0.", "blocks."),
            "biases" if name.endswith("bias") else "weights",
            parameter,
            config.n_layers if name.startswith("blocks.") else 1,
        )
        for name, parameter in gpt.named_parameters()
    ]


def _named(name: str, kind: str, tensor: Tensor, repeats: int) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "bytes": tensor.numel() * tensor.itemsize,
        "repeats": repeats,
    }
