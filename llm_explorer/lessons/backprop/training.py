"""What training makes of SimpleNet's gradients: how far the loss falls, what is learnt, what a slip does."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import SGD, Optimizer

from llm_explorer.lessons.backprop.network import (
    MOST_STEPS,
    SAMPLES,
    Data,
    SimpleNet,
    examples,
    new_net,
    population,
    train,
    training_step,
)

Step = Callable[[SimpleNet, Optimizer, Tensor, Tensor], float]

RATES: Final = tuple(10 ** (power / 4) for power in range(-12, 9))  # 0.001 to 100
BINS: Final = 10


def descent(data: Data, seed: int, lr: float, steps: int) -> dict[str, list[float]]:
    """The drop of the loss that lr |g|^2 predicts for each step, and the drop there was, in nats.

    ``losses`` and ``predicted`` hold one value more than ``actual``: for the step that comes next.

    >>> drops = descent("one sample", seed=0, lr=0.01, steps=1)
    >>> abs(drops["predicted"][0] - drops["actual"][0]) < 0.001
    True
    """
    found = follow(training_step, data, seed, lr, steps)
    return {
        "losses": found["losses"],
        "predicted": [lr * norm**2 for norm in found["norms"]],
        "actual": [before - after for before, after in pairwise(found["losses"])],
    }


def drop_at_each_rate(data: Data, seed: int) -> dict[str, Any]:
    """One step from the same start at each of RATES: the predicted drop of the loss and the actual one, in nats."""
    net, (inputs, labels) = new_net(seed), examples(data, seed)
    loss = nn.BCELoss()(net(inputs), labels)
    loss.backward()
    norm = gradient_norm(net)
    return {
        "rates": list(RATES),
        "loss": loss.item(),
        "predicted": [lr * norm**2 for lr in RATES],
        "actual": [loss.item() - loss_after(net, inputs, labels, lr) for lr in RATES],
    }


@torch.no_grad()
def loss_after(net: SimpleNet, inputs: Tensor, labels: Tensor, lr: float) -> float:
    """The loss after a step of this size; the network itself stays where it is."""
    moved = {name: weight - lr * weight.grad for name, weight in net.named_parameters() if weight.grad is not None}
    return float(nn.BCELoss()(functional_call(net, moved, (inputs,)), labels))


def gradient_norm(net: SimpleNet) -> float:
    """|g|, the length of all 61 gradients as one vector."""
    return float(torch.cat([weight.grad.flatten() for weight in net.parameters() if weight.grad is not None]).norm())


def follow(step: Step, data: Data, seed: int, lr: float, steps: int) -> dict[str, list[float]]:
    """The loss, the norm of .grad and the first output at each of some steps, and what the step after them finds."""
    if not 0 <= steps <= MOST_STEPS:
        raise ValueError(f"Choose 0 to {MOST_STEPS} steps")
    net, (inputs, labels) = new_net(seed), examples(data, seed)
    optimizer = SGD(net.parameters(), lr=lr)
    found: dict[str, list[float]] = {"losses": [], "norms": [], "outputs": []}
    for _ in range(steps + 1):
        with torch.no_grad():
            found["outputs"].append(net(inputs)[0].item())
        found["losses"].append(step(net, optimizer, inputs, labels))
        found["norms"].append(gradient_norm(net))  # an update changes the parameters and leaves .grad
    return found


def forgetting(seed: int, lr: float, steps: int) -> dict[str, dict[str, list[float]]]:
    """Training with and without ``zero_grad`` on one input labelled 1, 1, 1, 0, whose best output is 0.75."""
    return {
        "with": follow(training_step, "mixed labels", seed, lr, steps),
        "without": follow(step_without_zero_grad, "mixed labels", seed, lr, steps),
    }


def step_without_zero_grad(net: SimpleNet, optimizer: Optimizer, inputs: Tensor, labels: Tensor) -> float:
    """The slip: a training step without its first line."""
    outputs = net(inputs)
    loss = nn.BCELoss()(outputs, labels)
    loss.backward()  # adds to .grad, where the gradients of all steps before still are
    optimizer.step()
    return float(loss.detach())


def what_they_learn(seed: int, lr: float, steps: int) -> dict[str, Any]:
    """The same start trained on one sample with label 1, and on 64 with both labels; then both answer 200 new ones.

    For each: the shares of "1" and of right answers, and ``counts`` of outputs in ten bins.
    """
    inputs, labels = population(seed)
    new = inputs[SAMPLES:], labels[SAMPLES:]
    return {
        "labelled_one": float(new[1].mean()),
        "one sample": _answers(train_on("one sample", seed, lr, steps), *new),
        "data set": _answers(train_on("data set", seed, lr, steps), *new),
    }


def train_on(data: Data, seed: int, lr: float, steps: int) -> SimpleNet:
    """A new network after some steps on these examples."""
    net, (inputs, labels) = new_net(seed), examples(data, seed)
    train(net, inputs, labels, lr=lr, steps=steps)
    return net


@torch.no_grad()
def _answers(net: SimpleNet, inputs: Tensor, labels: Tensor) -> dict[str, Any]:
    outputs = net(inputs)
    return {
        "says_one": float((outputs > 0.5).float().mean()),
        "right": float(((outputs > 0.5) == (labels > 0.5)).float().mean()),
        "counts": outputs.histc(BINS, 0, 1).tolist(),
    }
