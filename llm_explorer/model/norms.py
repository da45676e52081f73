"""The norms: what keeps a vector's values at a size of about 1.

Sources: Ba et al. 2016, arXiv 1607.06450 (LayerNorm); Zhang and Sennrich 2019, arXiv 1910.07467 (RMSNorm).
"""

from typing import Final

from torch import nn

from llm_explorer.config import ModelConfig

# What Llama's code and Qwen's, Gemma's and OLMo 2's published configs have; Llama 3's and Mistral's say 1e-5.
RMS_EPSILON: Final = 1e-6


def make_norm(config: ModelConfig, width: int | None = None) -> nn.LayerNorm | nn.RMSNorm:
    """The config's kind of norm over the last ``width`` values, D unless told."""
    width = width or config.emb_dim
    if config.norm == "rmsnorm":
        return nn.RMSNorm(width, eps=RMS_EPSILON)
    if config.norm == "layernorm_plain":
        return nn.LayerNorm(width, elementwise_affine=False)
    return nn.LayerNorm(width, bias=config.norm == "layernorm")
