"""The playground: a typed tensor taken through picked operations, one line of code and one result a step."""

import warnings
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from llm_explorer.lessons.tensors.basics import describe
from llm_explorer.lessons.tensors.literal import MOST_NUMBERS, read_shape, read_tensor
from llm_explorer.lessons.tensors.storage import same_storage

# what is done to x; the second argument is b, the shape, or nothing
OPERATIONS: Final[dict[str, Callable[[Tensor, Any], Tensor]]] = {
    ".T": lambda x, _: x.T,
    ".mT": lambda x, _: x.mT,
    ".reshape(shape)": lambda x, shape: x.reshape(shape),
    ".view(shape)": lambda x, shape: x.view(shape),
    ".contiguous()": lambda x, _: x.contiguous(),
    ".to(torch.float32)": lambda x, _: x.to(torch.float32),
    ".to(torch.int64)": lambda x, _: x.to(torch.int64),
    " @ b": lambda x, b: x @ b,
    " + b": lambda x, b: x + b,
    " * b": lambda x, b: x * b,
    ".sum(0)": lambda x, _: x.sum(0),
}


def play(a: str, b: str, shape: str, operations: list[str]) -> dict[str, Any]:
    """Read ``a`` (and ``b`` and ``shape`` where an operation needs them) and apply operations of OPERATIONS in order.

    Each state has the line of code, whether the numbers were ``copied`` (None for the first), and what describe()
    tells. ``problem`` is a sentence for what could not be read, ``refusal`` torch's own message where it would not go
    on; else both are None.

    >>> play("[[1, 2], [3, 4]]", "", "", [".T"])["states"][1]["values"]
    [[1, 3], [2, 4]]
    """
    states: list[dict[str, Any]] = []
    try:
        x = torch.tensor(read_tensor(a))
        states.append({"code": "x = torch.tensor(...)", "copied": None, **describe(x)})
        for name in operations:
            x = _step(name, x, b, shape, states)
    except ValueError as error:
        return {"states": states, "problem": str(error), "refusal": None}
    except RuntimeError as error:
        return {"states": states, "problem": None, "refusal": str(error)}
    return {"states": states, "problem": None, "refusal": None}


def _step(name: str, x: Tensor, b: str, shape: str, states: list[dict[str, Any]]) -> Tensor:
    second = _second(b) if name.endswith(" b") else read_shape(shape) if name.endswith("(shape)") else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls .T of a vector deprecated; here it is drawn, as it behaves
        after = OPERATIONS[name](x, second)
    if after.numel() > MOST_NUMBERS:
        raise ValueError(f"x{name} has {after.numel()} numbers; at most {MOST_NUMBERS} are drawn here")
    sizes = f"({', '.join(map(str, second))})" if isinstance(second, list) else ""
    code = f"x = x{name.replace('(shape)', sizes)}"
    states.append({"code": code, "copied": not same_storage(after, x), **describe(after)})
    return after


def _second(text: str) -> Tensor:
    if not text.strip():
        raise ValueError("This operation needs a second tensor: type b")
    try:
        return torch.tensor(read_tensor(text))
    except ValueError as error:
        raise ValueError(f"In b: {error}") from None
