"""Writing with a model: the probabilities of the next token, and drawing from them."""

import torch
from torch import Tensor

from llm_explorer.model import GPT


@torch.no_grad()
def next_probabilities(gpt: GPT, tokens: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
    """Probabilities (B, V) of the token after ``tokens`` (B, T); of a longer text than C the last C count.

    A temperature under 1 sharpens them, one over 1 flattens them; with ``top_k`` only so many stay, and sum to 1.
    """
    logits: Tensor = gpt(tokens[:, -gpt.config.context_length :])[:, -1] / temperature  # (B, V)
    if top_k is not None:
        kept = logits.topk(min(top_k, logits.shape[-1])).values  # (B, k), the largest first
        logits = logits.masked_fill(logits < kept[:, -1:], -torch.inf)
    return logits.softmax(dim=-1)


def sample(
    gpt: GPT, tokens: Tensor, count: int, *, temperature: float = 1.0, top_k: int | None = None, seed: int = 0
) -> Tensor:
    """``count`` tokens (B, count) that the model writes after ``tokens`` (B, T), each drawn from its probabilities."""
    generator = torch.Generator().manual_seed(seed)
    start = tokens.shape[1]
    for _ in range(count):
        drawn = torch.multinomial(next_probabilities(gpt, tokens, temperature, top_k), 1, generator=generator)  # (B, 1)
        tokens = torch.cat([tokens, drawn], dim=1)
    return tokens[:, start:]
