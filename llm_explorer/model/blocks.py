"""One layer, in each of the ways in which published models put its norms and its sums.

Sources: GPT-2; GPT-NeoX, arXiv 2204.06745, section 2.1.2 (parallel); Gemma 2, arXiv 2408.00118, section 2 (norms before
and after); OLMo 2, arXiv 2501.00656, section 3.3.2 (norms after).
"""
# mypy: disable-error-code=no-any-return
# (torch types the result of calling a module as Any)

from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn

from llm_explorer.config import Attention, ModelConfig, NormPlace, Residual
from llm_explorer.model.attention import CausalSelfAttention, LayerCache
from llm_explorer.model.experts import MixtureOfExperts
from llm_explorer.model.mlp import MLP, GatedMLP, make_dense
from llm_explorer.model.norms import make_norm
from llm_explorer.model.positions import Places


class Block(nn.Module):
    """GPT-2's: attention and feed-forward, each normalised before and added to its input after."""

    def __init__(self, config: ModelConfig, attention: Attention, layer: int = 0) -> None:
        super().__init__()
        self.attention_norm = make_norm(config)
        self.attention = CausalSelfAttention(config, attention, layer)
        self.mlp_norm = make_norm(config)
        self.mlp = make_mlp(config)

    def forward(self, x: Tensor, cache: LayerCache | None = None, places: Places | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.attention(self.attention_norm(x), cache, places)
        return x + self.mlp(self.mlp_norm(x))


class PostNormBlock(nn.Module):
    """OLMo 2's: what attention and feed-forward answer is normalised, not what they are asked."""

    def __init__(self, config: ModelConfig, attention: Attention, layer: int = 0) -> None:
        super().__init__()
        self.attention = CausalSelfAttention(config, attention, layer)
        self.attention_post_norm = make_norm(config)
        self.mlp = make_mlp(config)
        self.mlp_post_norm = make_norm(config)

    def forward(self, x: Tensor, cache: LayerCache | None = None, places: Places | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.attention_post_norm(self.attention(x, cache, places))
        return x + self.mlp_post_norm(self.mlp(x))


class SandwichBlock(nn.Module):
    """Gemma 2's: normalised before and after."""

    def __init__(self, config: ModelConfig, attention: Attention, layer: int = 0) -> None:
        super().__init__()
        self.attention_norm = make_norm(config)
        self.attention = CausalSelfAttention(config, attention, layer)
        self.attention_post_norm = make_norm(config)
        self.mlp_norm = make_norm(config)
        self.mlp = make_mlp(config)
        self.mlp_post_norm = make_norm(config)

    def forward(self, x: Tensor, cache: LayerCache | None = None, places: Places | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.attention_post_norm(self.attention(self.attention_norm(x), cache, places))
        return x + self.mlp_post_norm(self.mlp(self.mlp_norm(x)))


class ParallelBlock(Block):
    """GPT-NeoX's: attention and feed-forward read the same input, each with a norm of its own."""

    def forward(self, x: Tensor, cache: LayerCache | None = None, places: Places | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return x + self.attention(self.attention_norm(x), cache, places) + self.mlp(self.mlp_norm(x))


class OneNormBlock(nn.Module):
    """Phi's: attention and feed-forward read the output of the same norm."""

    def __init__(self, config: ModelConfig, attention: Attention, layer: int = 0) -> None:
        super().__init__()
        self.attention_norm = make_norm(config)
        self.attention = CausalSelfAttention(config, attention, layer)
        self.mlp = make_mlp(config)

    def forward(self, x: Tensor, cache: LayerCache | None = None, places: Places | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        normed = self.attention_norm(x)
        return x + self.attention(normed, cache, places) + self.mlp(normed)


_BLOCKS: Final[Mapping[tuple[NormPlace, Residual], type[nn.Module]]] = {
    ("pre", "sequential"): Block,
    ("post", "sequential"): PostNormBlock,
    ("sandwich", "sequential"): SandwichBlock,
    ("pre", "parallel"): ParallelBlock,
    ("pre", "parallel_one_norm"): OneNormBlock,
}


def make_block(config: ModelConfig, attention: Attention, layer: int) -> nn.Module:
    """Layer 0, 1, ... L - 1, of the config's kind."""
    return _BLOCKS[config.norm_place, config.residual](config, attention, layer)


def make_mlp(config: ModelConfig) -> MLP | GatedMLP | MixtureOfExperts:
    """The config's feed-forward layer: one for all tokens, or experts."""
    return make_dense(config) if config.n_experts is None else MixtureOfExperts(config)
