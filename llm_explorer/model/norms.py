"""The norms: what keeps a vector's values at a size of about 1.

Sources: Ba et al. 2016, arXiv 1607.06450 (LayerNorm); Zhang and Sennrich 2019, arXiv 1910.07467 (RMSNorm).
"""

from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

from llm_explorer.config import ModelConfig

# What Llama's code and Qwen's, Gemma's and OLMo 2's published configs have; Llama 3's and Mistral's say 1e-5.
RMS_EPSILON: Final = 1e-6


class RMSNorm(nn.RMSNorm):
    """nn.RMSNorm that answers in the dtype of its input: under autocast that of products has another than the weight.

    torch would warn of the difference, and on CUDA not use its one kernel for all of it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(.., width) -> (.., width), each vector at a root of the mean of squares of 1, times the weight."""
        assert self.weight is not None
        return F.rms_norm(x, tuple(self.normalized_shape), self.weight.to(x.dtype), self.eps)


def make_norm(config: ModelConfig, width: int | None = None) -> nn.LayerNorm | RMSNorm:
    """The config's kind of norm over the last ``width`` values, D unless told."""
    width = width or config.emb_dim
    if config.norm == "rmsnorm":
        return RMSNorm(width, eps=RMS_EPSILON)
    if config.norm == "layernorm_plain":
        return nn.LayerNorm(width, elementwise_affine=False)
    return nn.LayerNorm(width, bias=config.norm == "layernorm")
