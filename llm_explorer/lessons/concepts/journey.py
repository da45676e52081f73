"""How a token travels: from ids to next-token probabilities, on a tiny real GPT, and with any GPT's shapes."""

from typing import Any, Final

import torch
from torch import Tensor, nn

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.lessons.concepts.parts import TINY, Data
from llm_explorer.model import GPT, CausalSelfAttention, build

MOST_TOKENS: Final = TINY.context_length
SHOWN_PROBABILITIES: Final = 10


@torch.no_grad()
def journey(text: str, seed: int) -> Data:
    """What a tiny untrained GPT that reads bytes makes of a text, stage by stage.

    Returns ``ids`` (T), ``stages`` with ``name`` and ``rows`` (T, 16; the logits (T, 256)), and of the token that
    would come next the ten likeliest, ``likeliest``: ``id`` and ``probability``.
    """
    ids = list(text.encode())
    if not 1 <= len(ids) <= MOST_TOKENS:
        raise ValueError(f"Type 1 to {MOST_TOKENS} bytes: this text has {len(ids)} (a letter with an accent has 2)")
    gpt = build(TINY, RunConfig(seed=seed))
    tokens = torch.tensor([ids])  # (B, T)
    x = gpt.token_embedding(tokens) + gpt.position_embedding(torch.arange(len(ids)))  # (B, T, D)
    stages = [("embeddings", x)]
    for number, block in enumerate(gpt.blocks, 1):
        x = block(x)
        stages.append((f"block {number}", x))
    x = gpt.final_norm(x)
    logits = gpt.head(x)  # (B, T, V)
    stages += [("final norm", x), ("logits", logits)]
    return {
        "ids": ids,
        "stages": [{"name": name, "rows": values[0].tolist()} for name, values in stages],
        "likeliest": likeliest(logits[0, -1]),
    }


def likeliest(logits: Tensor) -> list[Data]:
    """The ten likeliest next tokens by the logits (V) of the last position."""
    found = logits.softmax(dim=-1).topk(SHOWN_PROBABILITIES)
    pairs = zip(found.indices.tolist(), found.values.tolist(), strict=True)
    return [{"id": token, "probability": probability} for token, probability in pairs]


def shapes(config: dict[str, Any], tokens: int) -> Data:
    """The shape of every module's output in a GPT of any size, from its real forward on meta: no memory is used.

    One block stands for all L: they have the same shapes. Returns ``shapes``, module -> sizes; GPT-2 small, 5 tokens:
    {"ids": [1, 5], "attention pattern": [1, 12, 5, 5], "token_embedding": [1, 5, 768], ..., "head": [1, 5, 50257]}.
    """
    seen: dict[str, list[int]] = {}
    with torch.device("meta"):
        gpt = GPT(replace(ModelConfig(**config), n_layers=1))
        for name, module in gpt.named_children():
            _note_shapes(name, module, seen)
        ids = torch.zeros(1, tokens, dtype=torch.int64)
        gpt(ids)
        attention = gpt.get_submodule("blocks.0.attention")
        assert isinstance(attention, CausalSelfAttention)
        pattern = attention.weights(gpt.token_embedding(ids))
    return {"shapes": {"ids": list(ids.shape), "attention pattern": list(pattern.shape), **seen}}


def _note_shapes(prefix: str, module: nn.Module, seen: dict[str, list[int]]) -> None:
    """Have a module and those in it write down the shape of what they return, when they are called."""
    for name, inner in module.named_modules(prefix=prefix):

        def note(_module: nn.Module, _inputs: object, output: Tensor, name: str = name) -> None:
            seen[name] = list(output.shape)

        inner.register_forward_hook(note)
