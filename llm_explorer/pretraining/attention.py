"""What each head looks at."""

from typing import Any

import torch
from torch import Tensor

from llm_explorer.model import GPT, CausalSelfAttention


@torch.no_grad()
def attention_weights(gpt: GPT, tokens: Tensor) -> Tensor:
    """Weights (L, N, T, T) for ``tokens`` (1, T): in row i how much position i takes from each j <= i; rows sum to 1.

    The model keeps none, so what each layer is given is caught on the way through, and its weights are made once more.
    """
    caught: list[Tensor] = []  # of each layer (N, T, T)

    def catch(layer: CausalSelfAttention, given: Any) -> None:
        x, _cache, places = given
        caught.append(layer.weights(x, places)[0])

    layers = [module for module in gpt.modules() if isinstance(module, CausalSelfAttention)]
    hooks = [layer.register_forward_pre_hook(catch) for layer in layers]
    gpt(tokens)
    for hook in hooks:
        hook.remove()
    return torch.stack(caught)
