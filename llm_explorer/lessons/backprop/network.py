"""Backpropagation in a network of one hidden layer: 10 inputs, 5 hidden neurons, 1 output.

    z1 = W1 x + b1    h = ReLU(z1)    z2 = W2 h + b2    y_hat = sigmoid(z2)    L = BCE(y_hat, y)

Shapes: x (B, 10), W1 (5, 10), b1 (5,), h (B, 5), W2 (1, 5), b2 (1,), y_hat and the labels y (B, 1).
Every function starts from a seed and does all steps again, so the same inputs give the same answer.
"""
# mypy: disable-error-code=no-any-return
# (torch types the result of calling a module as Any)

from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

Data = Literal["one sample", "mixed labels", "data set"]
Examples = tuple[Tensor, Tensor]  # inputs (B, 10) and labels (B, 1), each 0.0 or 1.0

HIDDEN: Final = 5
SAMPLES: Final = 64
MOST_STEPS: Final = 100
_CLOSED_BY: Final = 0.1


class SimpleNet(nn.Module):
    """10 inputs, 5 hidden neurons with ReLU, 1 output with sigmoid: 50 + 5 + 5 + 1 = 61 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(10, HIDDEN)  # input to hidden
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(HIDDEN, 1)  # hidden to output
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 10) -> (B, 1): the probability that the label is 1."""
        h = self.relu(self.fc1(x))
        return self.sigmoid(self.fc2(h))


def training_step(net: SimpleNet, optimizer: Optimizer, inputs: Tensor, labels: Tensor) -> float:
    """One step of training; returns the loss that it started from, in nats.

    The labels have the shape (B, 1) of the outputs: BCELoss refuses (B,).
    """
    optimizer.zero_grad()  # forget the gradients of the step before
    outputs = net(inputs)  # forward
    loss = nn.BCELoss()(outputs, labels)  # loss
    loss.backward()  # backward: fills .grad of every parameter
    optimizer.step()  # update: parameter -= lr * parameter.grad
    return loss.item()


def train(net: SimpleNet, inputs: Tensor, labels: Tensor, *, lr: float, steps: int) -> list[float]:
    """The five steps in a loop, with all examples each time; returns the loss before each step, in nats."""
    if not 0 <= steps <= MOST_STEPS:
        raise ValueError(f"Choose 0 to {MOST_STEPS} steps")
    optimizer = SGD(net.parameters(), lr=lr)
    return [training_step(net, optimizer, inputs, labels) for _ in range(steps)]


def gradients_by_hand(net: SimpleNet, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The gradient of the mean loss for every parameter, from the formulas alone, output first."""
    z1 = x @ net.fc1.weight.T + net.fc1.bias  # (B, 5)
    h = z1.clamp(min=0)  # (B, 5)
    z2 = h @ net.fc2.weight.T + net.fc2.bias  # (B, 1)
    y_hat = 1 / (1 + torch.exp(-z2))  # (B, 1)

    dz2 = (y_hat - y) / len(x)  # (B, 1): sigmoid and loss together leave just the error
    dh = dz2 @ net.fc2.weight  # (B, 5): back through W2
    dz1 = dh * (z1 > 0)  # (B, 5): back through ReLU, which lets nothing through where it is closed
    return {
        "fc2.weight": dz2.T @ h,  # (1, 5)
        "fc2.bias": dz2.sum(dim=0),  # (1,)
        "fc1.weight": dz1.T @ x,  # (5, 10)
        "fc1.bias": dz1.sum(dim=0),  # (5,)
    }


def by_hand(data: Data, seed: int) -> dict[str, Any]:
    """The formulas beside autograd: the first output and its error, and a row of norms for each parameter.

    ``parameters`` is the network that both are of: see ``network_map``.

    >>> max(row["difference"] for row in by_hand("one sample", seed=0)["rows"]) < 1e-6
    True
    """
    net, (inputs, labels) = new_net(seed), examples(data, seed)
    outputs = net(inputs)
    nn.BCELoss()(outputs, labels).backward()
    autograd = _gradients(net)
    with torch.no_grad():
        rows = [
            {
                "name": name,
                "shape": list(gradient.shape),
                "by_hand": gradient.norm().item(),
                "autograd": autograd[name].norm().item(),
                "difference": (gradient - autograd[name]).abs().max().item(),
            }
            for name, gradient in gradients_by_hand(net, inputs, labels).items()
        ]
    return {
        "output": outputs[0].item(),
        "error": (outputs - labels)[0].item(),
        "rows": rows,
        "parameters": network_map({name: weight.detach() for name, weight in net.named_parameters()}),
    }


def five_steps(seed: int, lr: float, steps: int) -> dict[str, Any]:
    """What ``look`` sees on the one sample after ``steps`` updates, and after one more.

    >>> seen = five_steps(seed=0, lr=0.01, steps=0)
    >>> seen["after"]["loss"] < seen["before"]["loss"]
    True
    """
    net, (inputs, labels) = new_net(seed), examples("one sample", seed)
    train(net, inputs, labels, lr=lr, steps=steps)
    before = look(net, inputs, labels)
    train(net, inputs, labels, lr=lr, steps=1)
    return {"before": before, "after": look(net, inputs, labels)}


def closing(data: Data, seed: int, neurons: list[int]) -> dict[str, Any]:
    """What ``look`` sees in an untrained network, and after the ReLUs of ``neurons`` (each 0 to 4) have been closed."""
    if not set(neurons) <= set(range(HIDDEN)):
        raise ValueError(f"The hidden neurons are 0 to {HIDDEN - 1}")
    net, (inputs, labels) = new_net(seed), examples(data, seed)
    before = look(net, inputs, labels)
    for neuron in neurons:
        close(net, neuron, inputs)
    return {"before": before, "after": look(net, inputs, labels)}


@torch.no_grad()
def close(net: SimpleNet, neuron: int, inputs: Tensor) -> None:
    """Lower a hidden neuron's bias until its ReLU is closed for every one of ``inputs``."""
    highest = net.fc1(inputs)[:, neuron].max()
    if highest > 0:
        net.fc1.bias[neuron] -= highest + _CLOSED_BY


def look(net: SimpleNet, inputs: Tensor, labels: Tensor) -> dict[str, Any]:
    """One forward and one backward pass without an update.

    ``highest`` is each hidden neuron's largest z1 over the examples, ``open`` the share of them for which its ReLU is
    open; ``output`` is the first one's; ``parameters`` and ``gradients`` are maps.
    """
    net.zero_grad()
    outputs = net(inputs)
    loss = nn.BCELoss()(outputs, labels)
    loss.backward()
    with torch.no_grad():
        z1 = net.fc1(inputs)  # (B, 5)
    return {
        "highest": z1.amax(dim=0).tolist(),
        "open": (z1 > 0).float().mean(dim=0).tolist(),
        "output": outputs[0].item(),
        "loss": loss.item(),
        "parameters": network_map({name: weight.detach() for name, weight in net.named_parameters()}),
        "gradients": network_map(_gradients(net)),
    }


def network_map(tensors: dict[str, Tensor]) -> list[list[float | None]]:
    """All 61 numbers on one map: a row of 12 for each hidden neuron, and a last row for the output's bias.

    A neuron's row holds its 10 incoming weights, its bias and its outgoing weight; None is an empty place.
    """
    columns = [tensors["fc1.weight"], tensors["fc1.bias"][:, None], tensors["fc2.weight"].T]
    neurons: list[list[float | None]] = torch.cat(columns, dim=1).tolist()  # (5, 12)
    output: list[float | None] = [*[None] * 10, tensors["fc2.bias"].item(), None]
    return [*neurons, output]


def new_net(seed: int) -> SimpleNet:
    """A network with torch's own random start: each value uniform in +-1/sqrt(inputs of its layer)."""
    torch.manual_seed(seed)
    return SimpleNet()


def examples(data: Data, seed: int) -> Examples:
    """One random input with label 1; the same input four times with labels 1, 1, 1, 0; or 64 of ``population``."""
    if data == "data set":
        inputs, labels = population(seed)
        return inputs[:SAMPLES], labels[:SAMPLES]
    sample = torch.randn(1, 10, generator=torch.Generator().manual_seed(seed + 2))
    if data == "one sample":
        return sample, torch.ones(1, 1)
    return sample.repeat(4, 1), torch.tensor([[1.0], [1.0], [1.0], [0.0]])


def population(seed: int) -> Examples:
    """264 random inputs, labelled 1 on one side of a random plane through zero and 0 on the other."""
    generator = torch.Generator().manual_seed(seed + 1)  # not the numbers that the weights are made of
    plane = torch.randn(10, 1, generator=generator)
    inputs = torch.randn(SAMPLES + 200, 10, generator=generator)
    return inputs, (inputs @ plane > 0).float()


def _gradients(net: SimpleNet) -> dict[str, Tensor]:
    return {name: weight.grad for name, weight in net.named_parameters() if weight.grad is not None}
