"""Where the numbers of a tensor lie: one flat strip of storage, read through a shape and strides."""

from itertools import product
from typing import Any, Final

import torch
from torch import Tensor

from llm_explorer.lessons.tensors.basics import describe

MOST_STEPS: Final = 16

Step = tuple[str, list[int]]  # ("view", [4, 3]); the shape of "transpose" and "contiguous" is []


def walk(steps: list[Step]) -> dict[str, Any]:
    """Take a (3, 4) tensor of 12 float32 numbers through some steps; tell after each what it is and where it lies.

    ``strips`` are all storages in the order in which they were made; each state has the line of code, the index of
    its strip, and ``refusal``, torch's own message where it would not: then the tensor is what it was before.
    ValueError for more than 16 steps.

    >>> [state["strip"] for state in walk([("transpose", []), ("reshape", [12])])["states"]]
    [0, 0, 1]
    """
    if len(steps) > MOST_STEPS:
        raise ValueError(f"{len(steps)} steps are more than the {MOST_STEPS} that are kept: start over")
    x = torch.arange(12.0).view(3, 4)
    strips, states = [strip(x)], [_state("x = torch.arange(12.0).view(3, 4)", x, 0, None)]
    for name, shape in steps:
        code, refusal = code_of(name, shape, x), None
        try:
            after = apply(name, shape, x)
        except RuntimeError as error:
            after, refusal = x, str(error)
        if not same_storage(after, x):
            strips.append(strip(after))
        x = after
        states.append(_state(f"x = {code}", x, len(strips) - 1, refusal))
    return {"strips": strips, "states": states}


def apply(name: str, shape: list[int], x: Tensor) -> Tensor:
    """One step: "view", "reshape", "transpose" or "contiguous"; torch's RuntimeError where it refuses."""
    if name == "view":
        return x.view(shape)  # only ever new strides over the same strip: refuses where there are none
    if name == "reshape":
        return x.reshape(shape)  # a view where that is possible, else a copy
    if name == "contiguous":
        return x.contiguous()  # a copy in reading order, unless it lies so already
    return x.T if x.dim() == 2 else x.mT


def code_of(name: str, shape: list[int], x: Tensor) -> str:
    """The step as it is written: 'x.view(4, 3)', 'x.T', for batches of matrices 'x.mT'."""
    if name == "transpose":
        return "x.T" if x.dim() == 2 else "x.mT"
    return f"x.{name}({', '.join(map(str, shape))})"


def places(x: Tensor) -> list[dict[str, Any]]:
    """Where each number lies in the strip, in reading order: [i, j] at i * strides[0] + j * strides[1].

    >>> places(torch.zeros(3, 4).T)[1]
    {'index': [0, 1], 'position': 4}
    """
    return [
        {"index": list(index), "position": sum(i * stride for i, stride in zip(index, x.stride(), strict=True))}
        for index in product(*map(range, x.shape))
    ]


def strip(x: Tensor) -> list[float]:
    """All numbers of a tensor's storage as they lie in memory, whatever its shape."""
    return list(x.as_strided((x.untyped_storage().nbytes() // x.itemsize,), (1,), 0).tolist())


def same_storage(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors read the same strip."""
    return x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()


def _state(code: str, x: Tensor, strip_number: int, refusal: str | None) -> dict[str, Any]:
    return {"code": code, "strip": strip_number, "refusal": refusal, "places": places(x), **describe(x)}
