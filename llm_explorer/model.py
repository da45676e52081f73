"""GPT-2 in PyTorch, in the order in which the numbers flow.

    tokens -> token_embedding + position_embedding -> blocks x L -> final_norm -> head -> logits
    block:    x + attention(attention_norm(x)), then x + mlp(mlp_norm(x))

Letters in the shape comments: B batch, T sequence, V vocabulary, D model width, L layers, N heads, H head width,
F feed-forward width, C context length; D = N H.

Sources: GPT-2 (Radford et al. 2019, section 2.3) and its published code, https://github.com/openai/gpt-2.
"""
# mypy: disable-error-code=no-any-return
# (torch types the result of calling a module as Any)

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from llm_explorer.config import Attention, ModelConfig, RunConfig
from llm_explorer.loss import chunked_cross_entropy

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


class LayerCache:
    """The keys and values, each (B, N, C, H), of the ``length`` positions that one layer has seen."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.length = capacity, 0
        self._keys = self._values = torch.empty(0)

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep those of T new positions (B, N, T, H); returns those of all S seen so far (B, N, S, H)."""
        batch, heads, added, width = k.shape
        if self.length == 0:
            self._keys, self._values = (k.new_empty(batch, heads, self.capacity, width) for _ in range(2))
        start, self.length = self.length, self.length + added
        self._keys[:, :, start : self.length] = k
        self._values[:, :, start : self.length] = v
        return self._keys[:, :, : self.length], self._values[:, :, : self.length]


class CausalSelfAttention(nn.Module):
    """Each position looks at itself and those before it, N heads side by side."""

    def __init__(self, config: ModelConfig, attention: Attention) -> None:
        super().__init__()
        self.materialized = attention == "materialized"
        self.heads = (config.n_heads, config.head_width)
        self.drop_rate = config.drop_rate
        self.qkv = Linear(config.emb_dim, 3 * config.emb_dim, bias=config.qkv_bias)
        self.projection = Linear(config.emb_dim, config.emb_dim, bias=config.bias, std=residual_std(config))
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D); with a cache the T positions come after those that it has."""
        parts = self.qkv(x).split(x.shape[-1], dim=-1)  # (B, T, 3D) -> 3 of (B, T, D): views, nothing is copied
        q, k, v = (part.unflatten(-1, self.heads).transpose(1, 2) for part in parts)  # (B, T, D) -> (B, N, T, H)
        drop_rate = self.drop_rate if self.training else 0.0
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, N, T, H) -> (B, N, S, H)
        if self.materialized:
            mixed = materialized_attention(q, k, v, drop_rate)
        elif q.shape[-2] != k.shape[-2]:
            seen = ~future_of(q, k)
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, dropout_p=drop_rate)
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=drop_rate, is_causal=True)
        joined = mixed.transpose(1, 2).flatten(2)  # (B, N, T, H) -> (B, T, D)
        return self.dropout(self.projection(joined))


def materialized_attention(q: Tensor, k: Tensor, v: Tensor, drop_rate: float) -> Tensor:
    """Causal attention as the textbook writes it, its (B, N, T, T) weights in memory; all else is (B, N, T, H)."""
    future = future_of(q, k)
    # one name for the four stages of (B, N, T, T): each frees the one before it
    weights = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    weights = weights.masked_fill(future, -math.inf)
    weights = weights.softmax(dim=-1)
    weights = F.dropout(weights, drop_rate)
    return weights @ v


def future_of(q: Tensor, k: Tensor) -> Tensor:
    """Which of the S keys come after each of the T queries, the last T of the S positions: (T, S) bool."""
    queries, keys = q.shape[-2], k.shape[-2]
    return torch.ones(queries, keys, dtype=torch.bool, device=q.device).triu(1 + keys - queries)


class MLP(nn.Module):
    """Up to F, tanh GELU, and down again, each position alone."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = Linear(config.emb_dim, config.feed_forward_dim, bias=config.bias)
        self.down = Linear(config.feed_forward_dim, config.emb_dim, bias=config.bias, std=residual_std(config))
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D), through (B, T, F)."""
        return self.dropout(self.down(F.gelu(self.up(x), approximate="tanh")))


class Block(nn.Module):
    """One layer: attention and feed-forward, each normalised before and added to its input after."""

    def __init__(self, config: ModelConfig, attention: Attention) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.emb_dim)
        self.attention = CausalSelfAttention(config, attention)
        self.mlp_norm = nn.LayerNorm(config.emb_dim)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.attention(self.attention_norm(x), cache)
        return x + self.mlp(self.mlp_norm(x))


class GPT(nn.Module):
    """GPT-2, made on torch's current default device and in its default dtype.

    ``checkpointing`` keeps only each block's input for backward and runs the block a second time there.

    >>> with torch.device("meta"):  # counted without memory
    ...     sum(p.numel() for p in GPT(ModelConfig()).parameters())
    163009536
    """

    def __init__(self, config: ModelConfig, *, attention: Attention = "sdpa", checkpointing: bool = False) -> None:
        super().__init__()
        self.config, self.checkpointing = config, checkpointing
        self.token_embedding = Embedding(config.vocab_size, config.emb_dim)
        self.position_embedding = Embedding(config.context_length, config.emb_dim)
        self.dropout = nn.Dropout(config.drop_rate)
        self.blocks = nn.ModuleList(Block(config, attention) for _ in range(config.n_layers))
        self.final_norm = nn.LayerNorm(config.emb_dim)
        # a tied head borrows its weights: made on meta, it has none of its own, not even for a moment
        device = "meta" if config.tie_embeddings else None
        self.head = Linear(config.emb_dim, config.vocab_size, bias=False, device=device)
        if config.tie_embeddings:
            self.head.weight = self.token_embedding.weight

    def new_cache(self, capacity: int | None = None) -> list[LayerCache]:
        """An empty cache for ``forward``, of C positions unless told: each call goes on where the one before ended."""
        return [LayerCache(capacity or self.config.context_length) for _ in self.blocks]

    def forward(self, tokens: Tensor, cache: list[LayerCache] | None = None) -> Tensor:
        """Logits (B, T, V) of the token after each of ``tokens`` (B, T) int64; ValueError when they pass C."""
        return self.head(self.hidden(tokens, cache))

    def hidden(self, tokens: Tensor, cache: list[LayerCache] | None = None) -> Tensor:
        """What the head makes logits of (B, T, D): the output of the final norm; ValueError when they pass C."""
        start = cache[0].length if cache else 0
        length, context = start + tokens.shape[1], self.config.context_length
        if length > context:
            raise ValueError(
                f"a sequence of {length} tokens is longer than context_length={context}: "
                f"pass at most {context} tokens, or build the model with a longer context"
            )
        positions = torch.arange(start, length, device=tokens.device)  # (T,)
        x = self.dropout(self.token_embedding(tokens) + self.position_embedding(positions))  # (B, T, D)
        for number, block in enumerate(self.blocks):
            if self.checkpointing and cache is None:
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x, cache[number] if cache else None)
        return self.final_norm(x)

    def loss(self, tokens: Tensor, targets: Tensor, chunk: int | None = None) -> Tensor:
        """Mean cross-entropy () in nats of ``targets`` (B, T) int64, in the dtype of the logits.

        With a ``chunk`` the logits of that many token positions exist at once, not those of all B T.
        """
        targets = targets.flatten()  # (B, T) -> (BT,)
        if chunk is None:
            return F.cross_entropy(self(tokens).flatten(0, 1), targets)  # (B, T, V) -> (BT, V)
        # no name for the hidden states: under autocast they die as soon as their bf16 copy is there
        return chunked_cross_entropy(self.hidden(tokens).flatten(0, 1), self.head.weight, targets, chunk)  # (BT, D)


def residual_std(config: ModelConfig) -> float:
    """Initial standard deviation of the 2L projections whose outputs add up in x: 12 layers -> 0.00408."""
    return INIT_STD / math.sqrt(2 * config.n_layers)


def build(model: ModelConfig, run: RunConfig) -> GPT:
    """The GPT on the run's device in the run's precision, its weights made there in that dtype at once.

    Both bfloat16 recipes hold bf16 weights, float32 and autocast fp32 ones. Seeds torch's global generators with
    ``run.seed``, so that the weights and then dropout are the same each time.
    """
    torch.manual_seed(run.seed)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if run.precision in ("bfloat16", "bfloat16_master") else torch.float32)
    try:
        with torch.device(run.device):
            return GPT(model, attention=run.attention, checkpointing=run.checkpointing)
    finally:
        torch.set_default_dtype(usual)
