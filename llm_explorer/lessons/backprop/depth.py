"""What is left of a gradient after many layers: it vanishes, arrives or explodes."""

import math
from typing import Final, Literal

import torch
from torch import Tensor

Activation = Literal["sigmoid", "relu"]

WIDTH: Final = 32
BATCH: Final = 16
MOST_LAYERS: Final = 30
# standard deviation of the weights; "matched" is Glorot and Bengio 2010 for the sigmoid and He et al. 2015 for ReLU
SMALL: Final = 0.1
LARGE: Final = 1.0
MATCHED: Final = {"sigmoid": math.sqrt(1 / WIDTH), "relu": math.sqrt(2 / WIDTH)}
ACTIVATIONS: Final = {"sigmoid": torch.sigmoid, "relu": torch.relu}


def through_depth(activation: Activation, layers: int, seed: int) -> dict[str, list[float]]:
    """For three starts of the weights, the share of the gradient at the top that reaches the output of each layer.

    The first layer comes first; the last layer's share is 1.

    >>> through_depth("sigmoid", layers=10, seed=0)["matched"][0] < 1e-5
    True
    """
    if not 2 <= layers <= MOST_LAYERS:
        raise ValueError(f"Choose 2 to {MOST_LAYERS} layers")
    starts = {"small": SMALL, "matched": MATCHED[activation], "large": LARGE}
    return {start: shares_by_layer(activation, layers, std, seed) for start, std in starts.items()}


def shares_by_layer(activation: Activation, layers: int, std: float, seed: int) -> list[float]:
    """Norm of the gradient at each layer's output (16, 32), first layer first, over that at the last."""
    generator = torch.Generator().manual_seed(seed)
    function = ACTIVATIONS[activation]
    h = torch.randn(BATCH, WIDTH, generator=generator, requires_grad=True)
    outputs: list[Tensor] = []
    for _ in range(layers):
        weight = std * torch.randn(WIDTH, WIDTH, generator=generator)
        h = function(h @ weight.T)
        outputs.append(h)
    gradients = torch.autograd.grad(h, outputs, torch.randn(BATCH, WIDTH, generator=generator))
    norms = [float(gradient.double().norm()) for gradient in gradients]  # the squares of 1e-20 need fp64
    return [norm / norms[-1] for norm in norms]
