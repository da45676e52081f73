"""What all parts are made of: matrices and tables that start as GPT-2's do."""

import math
from typing import Final

from torch import nn

from llm_explorer.config import ModelConfig

# GPT-2's. nn.Embedding's own N(0, 1) makes huge logits when the head is tied to it: the softmax saturates, its
# gradients are denormal numbers, and a CPU is slow with those: forward and backward took 6 times as long
# (12 layers, D=192, V=50,257, fp32: 894 ms against 145 ms).
INIT_STD: Final = 0.02


class Linear(nn.Linear):
    """nn.Linear that starts with weights N(0, std) and biases 0, drawn once instead of after torch's own."""

    def __init__(
        self, inputs: int, outputs: int, *, bias: bool, std: float = INIT_STD, device: str | None = None
    ) -> None:
        self.std = std  # first: nn.Linear's constructor calls reset_parameters
        super().__init__(inputs, outputs, bias=bias, device=device)

    def reset_parameters(self) -> None:
        """Draw the weights and clear the biases."""
        nn.init.normal_(self.weight, std=self.std)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Embedding(nn.Embedding):
    """nn.Embedding that starts as N(0, 0.02), drawn once instead of after torch's own."""

    def reset_parameters(self) -> None:
        """Draw the weights."""
        nn.init.normal_(self.weight, std=INIT_STD)


def residual_std(config: ModelConfig) -> float:
    """Initial standard deviation of the 2L projections whose outputs add up in x: 12 layers -> 0.00408."""
    return INIT_STD / math.sqrt(2 * config.n_layers)
