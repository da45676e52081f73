"""The lesson on automatic differentiation: slopes by hand, by finite differences and by autograd.

One neuron carries it: x and w and b give z = x w + b, a = sigmoid(z), and the loss is the binary cross-entropy of a
against y. Everything is computed in float64, so that three ways to one number can be compared digit by digit.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from llm_explorer.lessons.autograd.limits import INPUTS, LARGEST_X
from llm_explorer.lessons.autograd.scalar_engine import Value

FUNCTIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "double": lambda u: 2 * u,
    "square": torch.square,
    "sine": torch.sin,
    "sigmoid": torch.sigmoid,
}
STEPS: Final = {"float32": torch.float32, "float64": torch.float64}


def tensor(value: float, *, requires_grad: bool = False) -> Tensor:
    """A float64 scalar."""
    return torch.tensor(value, dtype=torch.float64, requires_grad=requires_grad)


def number(value: Tensor | None) -> float:
    """A scalar tensor as a number; a ``.grad`` is None before backward, so asking for it then is a mistake."""
    assert value is not None
    return value.item()


def slope(output: Tensor, source: Tensor) -> Tensor:
    """d(output) / d(source), element by element, by autograd; the graph is kept for the next question.

    Shapes (n,) and (n,) give (n,), where output i is made of source i alone: the sum then mixes nothing.
    """
    (derivative,) = torch.autograd.grad(output.sum(), source, retain_graph=True)
    return derivative


def chain_rule(outer: str, inner: str, x: float) -> dict[str, Any]:
    """y = f(u) with u = g(x): both values and the three slopes, all by autograd.

    >>> {name: round(value, 3) for name, value in chain_rule("sine", "square", 1.5).items()}
    {'u': 2.25, 'y': 0.778, 'dy/du': -0.628, 'du/dx': 3.0, 'dy/dx': -1.885}
    """
    f, g = function(outer), function(inner)
    x_ = tensor(within("x", x, -LARGEST_X, LARGEST_X), requires_grad=True)
    u = g(x_)
    y = f(u)
    values = {"u": u, "y": y, "dy/du": slope(y, u), "du/dx": slope(u, x_), "dy/dx": slope(y, x_)}
    return {name: value.item() for name, value in values.items()}


def chain_curves(outer: str, inner: str) -> dict[str, Any]:
    """The curves behind ``chain_rule``: x, u = g(x) and y = f(u) for x from -2 to 2, and f over the range of u.

    >>> curves = chain_curves("double", "square")
    >>> curves["x"][-1], curves["u"][-1], curves["y"][-1]
    (2.0, 4.0, 8.0)
    """
    f, g = function(outer), function(inner)
    x = torch.linspace(-LARGEST_X, LARGEST_X, 81, dtype=torch.float64)
    u = g(x)
    u_range = torch.linspace(u.min().item(), u.max().item(), 81, dtype=torch.float64)
    curves = {"x": x, "u": u, "y": f(u), "u_range": u_range, "f": f(u_range)}
    return {name: values.tolist() for name, values in curves.items()}


def worked_example(x: float, w: float, b: float, y: float) -> dict[str, Any]:
    """The forward pass, and dL/dw and dL/db in three ways.

    >>> worked_example(1.1, 2.2, 0.0, 1.0)["autograd"]
    {'w': -0.0898..., 'b': -0.0816...}
    """
    check(x=x, w=w, b=b, y=y)
    z = x * w + b
    a = 1 / (1 + math.exp(-z))
    return {
        "z": z,
        "a": a,
        "loss": loss_of(x, w, b, y),
        "by hand": by_hand(x, w, b, y),
        "finite differences": by_differences(x, w, b, y),
        "autograd": by_autograd(x, w, b, y),
    }


def by_hand(x: float, w: float, b: float, y: float) -> dict[str, float]:
    """The chain rule with pencil and paper: the three local derivatives, multiplied."""
    a = 1 / (1 + math.exp(-(x * w + b)))
    dL_da = -y / a + (1 - y) / (1 - a)  # noqa: N806  # as it is written on paper
    da_dz = a * (1 - a)
    return {"w": dL_da * da_dz * x, "b": dL_da * da_dz * 1.0}


def by_differences(x: float, w: float, b: float, y: float, h: float = 1e-6) -> dict[str, float]:
    """Wiggle one parameter by h and see what the loss does: one more forward pass for each parameter."""
    here = loss_of(x, w, b, y)
    return {"w": (loss_of(x, w + h, b, y) - here) / h, "b": (loss_of(x, w, b + h, y) - here) / h}


def by_autograd(x: float, w: float, b: float, y: float) -> dict[str, float]:
    """Write only the forward pass; PyTorch notes what was done and goes back through it."""
    w_ = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    b_ = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    z = x * w_ + b_
    a = torch.sigmoid(z)
    loss = F.binary_cross_entropy(a, tensor(y))
    loss.backward()
    return {"w": number(w_.grad), "b": number(b_.grad)}


def loss_of(x: float, w: float, b: float, y: float) -> float:
    """The loss of the neuron, forward only.

    >>> round(loss_of(1.1, 2.2, 0.0, 1.0), 4)
    0.0852
    """
    return F.binary_cross_entropy(torch.sigmoid(tensor(x * w + b)), tensor(y)).item()


def loss_curve(x: float, b: float, y: float) -> dict[str, list[float]]:
    """The loss over w from -4 to 4 in steps of 0.1, its slope by ``backward``, and the factors that make the slope.

    >>> curve = loss_curve(1.1, 0.0, 1.0)
    >>> at = curve["w"].index(2.2)
    >>> round(curve["loss"][at], 4), round(curve["w.grad"][at], 4)
    (0.0852, -0.0898)
    """
    check(x=x, b=b, y=y)
    grid = [step / 10 for step in range(-40, 41)]
    w = torch.tensor(grid, dtype=torch.float64, requires_grad=True)
    z = x * w + b
    a = torch.sigmoid(z)
    loss = F.binary_cross_entropy(a, torch.full_like(a, y), reduction="none")
    curves = {"w": w, "z": z, "a": a, "loss": loss}
    factors = {"dL/da": slope(loss, a), "da/dz": slope(a, z), "dz/dw": slope(z, w)}
    loss.sum().backward()
    assert w.grad is not None
    return {name: values.tolist() for name, values in (curves | factors | {"w.grad": w.grad}).items()}


def difference_errors(x: float, w: float, b: float, y: float, *, central: bool) -> dict[str, Any]:
    """How far finite differences are from dL/dw, for h from 0.1 down to 1e-16, in fp32 and in fp64.

    Errors are absolute; 0 where a difference hits the exact slope. ``central`` steps to both sides.

    >>> found = difference_errors(1.1, 2.2, 0.0, 1.0, central=False)
    >>> found["float32"][-1] == abs(found["exact"])  # w + 1e-16 is w again: the difference is 0
    True
    """
    check(x=x, w=w, b=b, y=y)
    exact = by_autograd(x, w, b, y)["w"]
    steps = [10 ** (-quarter / 4) for quarter in range(4, 65)]
    errors = {
        name: [abs(value - exact) for value in differences(x, w, b, y, steps, dtype, central=central)]
        for name, dtype in STEPS.items()
    }
    return {"exact": exact, "h": steps} | errors


def differences(
    x: float, w: float, b: float, y: float, steps: list[float], dtype: torch.dtype, *, central: bool
) -> list[float]:
    """The difference quotient for every step h at once, all arithmetic in one dtype."""
    h = torch.tensor(steps, dtype=dtype)

    def loss(moved: Tensor) -> Tensor:
        a = torch.sigmoid(moved * x + b)
        return F.binary_cross_entropy(a, torch.full_like(a, y), reduction="none")

    here = torch.full_like(h, w)
    quotient = (loss(here + h) - loss(here - h)) / (2 * h) if central else (loss(here + h) - loss(here)) / h
    quotients: list[float] = quotient.tolist()
    return quotients


def engine_check(x: float, w: float, b: float, y: float) -> list[dict[str, Any]]:
    """The same lines run by our own engine and by PyTorch: every number and every gradient of both.

    >>> engine_check(1.1, 2.2, 0.0, 1.0)[0]
    {'name': 'w', 'ours': 2.2, 'torch': 2.2, 'our grad': -0.0898..., 'torch grad': -0.0898...}
    """
    check(x=x, w=w, b=b, y=y)
    ours = neuron(x, Value(w), Value(b), y)
    theirs = neuron(x, tensor(w, requires_grad=True), tensor(b, requires_grad=True), y)
    for value in theirs.values():
        value.retain_grad()
    ours["loss"].backward()
    theirs["loss"].backward()
    return [
        {
            "name": name,
            "ours": value.data,
            "torch": theirs[name].item(),
            "our grad": value.grad,
            "torch grad": number(theirs[name].grad),
        }
        for name, value in ours.items()
    ]


def neuron(x: float, w: Any, b: Any, y: float) -> dict[str, Any]:
    """The neuron and its loss, on Values or on tensors: both understand the same operations."""
    z = x * w + b
    a = z.sigmoid()
    loss = -(y * a.log() + (1 - y) * (1 - a).log())
    return {"w": w, "b": b, "z": z, "a": a, "loss": loss}


def function(name: str) -> Callable[[Tensor], Tensor]:
    """One of FUNCTIONS; a sentence where there is none of this name."""
    if name not in FUNCTIONS:
        raise ValueError(f"There is no function of this name; choose one of {', '.join(FUNCTIONS)}")
    return FUNCTIONS[name]


def check(**values: float) -> None:
    """Refuse an input outside the limits that the page states."""
    for name, value in values.items():
        within(name, value, INPUTS[name].lowest, INPUTS[name].highest)


def within(name: str, value: float, lowest: float, highest: float) -> float:
    """The value, if it is within the limits."""
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must be a number from {lowest:g} to {highest:g}")
    return value
