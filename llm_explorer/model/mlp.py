"""The feed-forward layer: each position alone, through a wider space.

Source: Shazeer 2020, arXiv 2002.05202 (gates).
"""
# mypy: disable-error-code=no-any-return
# (torch types the result of calling a module as Any)

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

from llm_explorer.config import ModelConfig
from llm_explorer.model.layers import Linear, residual_std

_tanh_gelu: Final = partial(F.gelu, approximate="tanh")
ACTIVATIONS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "gelu_tanh": _tanh_gelu,
    "gelu": F.gelu,
    "relu": F.relu,
    "swiglu": F.silu,  # of the gate, as below
    "geglu": _tanh_gelu,
}


class MLP(nn.Module):
    """Up to F, an activation such as GELU, and down again, each position alone."""

    def __init__(self, config: ModelConfig, width: int | None = None) -> None:
        super().__init__()
        width = width or config.feed_forward_dim
        self.activation = ACTIVATIONS[config.activation]
        self.up = Linear(config.emb_dim, width, bias=config.has_mlp_bias)
        self.down = Linear(width, config.emb_dim, bias=config.has_mlp_bias, std=residual_std(config))
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D), through (B, T, F)."""
        return self.dropout(self.down(self.activation(self.up(x))))


class GatedMLP(nn.Module):
    """Up to F twice, the activation of the one times the other, and down again."""

    def __init__(self, config: ModelConfig, width: int | None = None) -> None:
        super().__init__()
        width = width or config.feed_forward_dim
        self.activation = ACTIVATIONS[config.activation]
        self.gate = Linear(config.emb_dim, width, bias=config.has_mlp_bias)
        self.up = Linear(config.emb_dim, width, bias=config.has_mlp_bias)
        self.down = Linear(width, config.emb_dim, bias=config.has_mlp_bias, std=residual_std(config))
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D), through (B, T, F)."""
        return self.dropout(self.down(self.activation(self.gate(x)) * self.up(x)))


def make_dense(config: ModelConfig, width: int | None = None) -> MLP | GatedMLP:
    """The config's kind of feed-forward layer, F wide unless told."""
    return GatedMLP(config, width) if config.is_gated else MLP(config, width)
