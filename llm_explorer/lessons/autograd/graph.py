"""The graph that PyTorch really builds, and the backward pass through it, node by node.

``tensor.grad_fn`` is the operation that made a tensor; its ``next_functions`` lead to the operations that made the
inputs, and end at AccumulateGrad, which adds to the ``.grad`` of a leaf. Inputs that need no gradient are not in it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.graph import Node, get_gradient_edge

from llm_explorer.lessons.autograd.derivatives import check, tensor
from llm_explorer.torch_private import saved_values

Tensors = dict[str, Tensor]


def graph(expression: str, x: float, w: float, b: float, y: float) -> dict[str, Any]:
    """Nodes in the order backward visits them, edges with local derivatives, what flows along each edge.

    A node is a tensor and the operation that made it: name, operation, value, gradient dL/d(node), what is kept.

    >>> graph("one neuron", 1.1, 2.2, 0.0, 1.0)["nodes"][1]["operation"]
    'SigmoidBackward0'
    """
    check(x=x, w=w, b=b, y=y)
    if expression not in EXPRESSIONS:
        raise ValueError(f"There is no expression of this name; choose one of {', '.join(EXPRESSIONS)}")
    tensors = EXPRESSIONS[expression](x, w, b, y)
    names = {get_gradient_edge(value).node: name for name, value in tensors.items()}
    root = get_gradient_edge(tensors["L"]).node
    order = backward_order(root)
    edges, gradients = flow_back(root, order)
    nodes = [
        {
            "name": names[node],
            "operation": node.name().removeprefix("torch::autograd::"),
            "value": tensors[names[node]].item(),
            "gradient": gradients[node],
            "kept": kept_for_backward(node),
        }
        for node in order
    ]
    named = [edge | {"source": names[edge["source"]], "target": names[edge["target"]]} for edge in edges]
    return {"nodes": nodes, "edges": named}


def children(node: Node) -> list[Node]:
    """Where a node sends gradients: the operations that made its inputs."""
    return [child for child, _ in node.next_functions if child is not None]


def backward_order(root: Node) -> list[Node]:
    """Each node after all that send gradients to it: as PyTorch's engine, by counting who still has to send."""
    senders: Counter[Node] = Counter()
    found = [root]
    for node in found:  # grows while it is walked through
        for child in children(node):
            if child not in senders:
                found.append(child)
            senders[child] += 1
    ready, order = [root], []
    while ready:
        node = ready.pop()
        order.append(node)
        for child in children(node):
            senders[child] -= 1
            if senders[child] == 0:
                ready.append(child)
    return order


def flow_back(root: Node, order: list[Node]) -> tuple[list[dict[str, Any]], dict[Node, float]]:
    """The chain rule along the graph: sent on = received x local derivative; what arrives on several ways is added."""
    gradients: dict[Node, float] = defaultdict(float, {root: 1.0})
    edges = []
    for node in order:
        for child, local in local_derivatives(node):
            flow = gradients[node] * local
            gradients[child] += flow
            edges.append({"source": node, "target": child, "local": local, "flow": flow})
    return edges, gradients


def local_derivatives(node: Node) -> list[tuple[Node, float]]:
    """Each input's operation with d(node) / d(input): the node's own backward, given a gradient of 1."""
    if not children(node):
        return []
    with torch.no_grad():
        given = node(tensor(1.0))  # type: ignore[operator]  # PyTorch's stub hides that its own nodes can be called
    derivatives = given if isinstance(given, tuple) else (given,)
    pairs = zip(node.next_functions, derivatives, strict=True)
    return [(child, derivative.item()) for (child, _), derivative in pairs if child is not None]


def kept_for_backward(node: Node) -> dict[str, float]:
    """The numbers an operation keeps until backward: they are what makes training need more memory than inference."""
    return {name: value.item() for name, value in saved_values(node).items() if isinstance(value, Tensor)}


def one_neuron(x: float, w: float, b: float, y: float) -> Tensors:
    """The worked example, every step with a name."""
    w_, b_ = tensor(w, requires_grad=True), tensor(b, requires_grad=True)
    p = tensor(x) * w_
    z = p + b_
    a = torch.sigmoid(z)
    loss = F.binary_cross_entropy(a, tensor(y))
    return {"w": w_, "b": b_, "p": p, "z": z, "a": a, "L": loss}


def same_neuron_twice(x: float, w: float, b: float, y: float) -> Tensors:
    """The output goes once more through the same w and b, as a tied embedding is used at both ends of a GPT."""
    tensors = one_neuron(x, w, b, y)
    first = {f"{name}1": tensors[name] for name in ("p", "z", "a")}
    p = tensors["a"] * tensors["w"]
    z = p + tensors["b"]
    a = torch.sigmoid(z)
    loss = F.binary_cross_entropy(a, tensor(y))
    return {"w": tensors["w"], "b": tensors["b"]} | first | {"p2": p, "z2": z, "a2": a, "L": loss}


EXPRESSIONS: Final[dict[str, Callable[[float, float, float, float], Tensors]]] = {
    "one neuron": one_neuron,
    "the same neuron twice": same_neuron_twice,
}
