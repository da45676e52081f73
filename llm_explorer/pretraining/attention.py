"""What each head looks at."""

import math
from typing import Any

import torch
from torch import Tensor

from llm_explorer.model import GPT, CausalSelfAttention


@torch.no_grad()
def attention_weights(gpt: GPT, tokens: Tensor) -> Tensor:
    """Weights (L, N, T, T) for ``tokens`` (1, T): in row i how much position i takes from each j <= i; rows sum to 1.

    The model keeps none, so its queries and keys are caught on the way through and multiplied once more.
    """
    caught: list[Tensor] = []  # of each layer (1, T, 3D)

    def catch(_module: Any, _inputs: Any, qkv: Tensor) -> None:
        caught.append(qkv)

    layers = [module for module in gpt.modules() if isinstance(module, CausalSelfAttention)]
    hooks = [layer.qkv.register_forward_hook(catch) for layer in layers]
    gpt(tokens)
    for hook in hooks:
        hook.remove()
    return torch.stack([_weights(qkv[0], gpt.config.n_heads) for qkv in caught])


def _weights(qkv: Tensor, heads: int) -> Tensor:
    """(T, 3D) -> (N, T, T)."""
    q, k = (part.unflatten(-1, (heads, -1)).transpose(0, 1) for part in qkv.chunk(3, dim=-1)[:2])  # 2 of (N, T, H)
    scores: Tensor = q @ k.mT / math.sqrt(q.shape[-1])
    future = torch.ones_like(scores, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(dim=-1)
