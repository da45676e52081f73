"""Attention: how each position takes from those before it what it needs.

Sources: Vaswani et al. 2017, arXiv 1706.03762; Ainslie et al. 2023, arXiv 2305.13245 (grouped queries); Henry et al.
2020, arXiv 2010.04245 (norms of queries and keys); Gemma 2, arXiv 2408.00118, section 2 (soft cap).
"""
# mypy: disable-error-code=no-any-return
# (torch types the result of calling a module as Any)

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llm_explorer.config import Attention, ModelConfig
from llm_explorer.model.layers import Linear, residual_std
from llm_explorer.model.norms import make_norm
from llm_explorer.model.positions import Places, make_places


class LayerCache:
    """The keys, rotated already, and values, each (B, K, C, H), of the ``length`` positions that one layer has seen."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.length = capacity, 0
        self._keys = self._values = torch.empty(0)

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep those of T new positions (B, K, T, H); returns those of all S seen so far (B, K, S, H)."""
        batch, heads, added, width = k.shape
        if self.length == 0:
            self._keys, self._values = (k.new_empty(batch, heads, self.capacity, width) for _ in range(2))
        start, self.length = self.length, self.length + added
        self._keys[:, :, start : self.length] = k
        self._values[:, :, start : self.length] = v
        return self._keys[:, :, : self.length], self._values[:, :, : self.length]


class CausalSelfAttention(nn.Module):
    """Each position looks at itself and those before it, N heads side by side, N / K of them on the same keys."""

    def __init__(self, config: ModelConfig, attention: Attention, layer: int = 0) -> None:
        super().__init__()
        self.config, self.window = config, config.window(layer)
        # sdpa's kernels have no soft cap
        self.materialized = attention == "materialized" or config.attention_softcap is not None
        self.heads, self.kv_heads = (config.n_heads, config.head_width), (config.kv_heads, config.head_width)
        self.drop_rate = config.drop_rate
        queries, keys = math.prod(self.heads), math.prod(self.kv_heads)
        self.widths = queries if queries == keys else [queries, keys, keys]
        self.qkv = Linear(config.emb_dim, queries + 2 * keys, bias=config.qkv_bias)
        if config.qk_norm != "none":
            by_head = config.qk_norm == "head"
            self.query_norm = make_norm(config, config.head_width if by_head else queries)
            self.key_norm = make_norm(config, config.head_width if by_head else keys)
        self.projection = Linear(queries, config.emb_dim, bias=config.bias, std=residual_std(config))
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor, cache: LayerCache | None = None, places: Places | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D); with a cache the T positions come after those that it has."""
        places = places or make_places(self.config, x, cache.length if cache else 0)
        q, k, v = self.queries_keys_values(x, places)
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, K, T, H) -> (B, K, S, H)
        mixed = self.mixed(q, k, v, places.unseen.get(self.window))
        joined = mixed.transpose(1, 2).flatten(2)  # (B, N, T, H) -> (B, T, NH)
        return self.dropout(self.projection(joined))

    def queries_keys_values(self, x: Tensor, places: Places) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, D) -> (B, N, T, H) and twice (B, K, T, H), queries and keys normed and rotated."""
        q, k, v = self.qkv(x).split(self.widths, dim=-1)  # (B, T, (N + 2K) H) -> 3: views, nothing is copied
        if self.config.qk_norm == "full":
            q, k = self.query_norm(q), self.key_norm(k)
        q = q.unflatten(-1, self.heads).transpose(1, 2)  # (B, T, NH) -> (B, N, T, H)
        k, v = (part.unflatten(-1, self.kv_heads).transpose(1, 2) for part in (k, v))  # (B, T, KH) -> (B, K, T, H)
        if self.config.qk_norm == "head":
            q, k = self.query_norm(q), self.key_norm(k)
        if places.rotation is not None:
            q, k = places.rotation(q), places.rotation(k)
        return q, k, v

    def weights(self, x: Tensor, places: Places | None = None) -> Tensor:
        """How much each position takes from each, (B, T, D) -> (B, N, T, T): its attention to rows of the identity."""
        places = places or make_places(self.config, x, 0)
        q, k, _v = self.queries_keys_values(x, places)
        rows = torch.eye(x.shape[1], dtype=k.dtype, device=x.device).expand(*k.shape[:2], -1, -1)  # (B, K, T, T)
        return materialized_attention(q, k, rows, 0.0, places.unseen.get(self.window), self.config.attention_softcap)

    def mixed(self, q: Tensor, k: Tensor, v: Tensor, unseen: Tensor | None) -> Tensor:
        """The values that each query takes (B, N, T, H), by the kernel that was chosen."""
        drop_rate = self.drop_rate if self.training else 0.0
        if self.materialized:
            return materialized_attention(q, k, v, drop_rate, unseen, self.config.attention_softcap)
        # The CPU's flash kernel takes K heads of keys as they are: expanded to N they would be copied and kept, and
        # forward and backward take 336 ms instead of 244 (fp32, one core, B=2, T=512, 16 heads of 64 on 4; in bf16
        # there is hardly a difference).
        return F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=unseen,
            dropout_p=drop_rate,
            is_causal=unseen is None and q.shape[-2] == k.shape[-2],
            enable_gqa=self.heads != self.kv_heads,
        )


def materialized_attention(
    q: Tensor, k: Tensor, v: Tensor, drop_rate: float, unseen: Tensor | None = None, softcap: float | None = None
) -> Tensor:
    """Causal attention as the textbook writes it, its (B, N, T, S) weights in memory; all else is (B, N, T, H).

    ``unseen`` (T, S) is added to the scores; without it, what comes later is not seen.
    """
    if k.shape[1] != q.shape[1]:
        k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for part in (k, v))  # (B, K, ..) -> (B, N, ..)
    mask = future_of(q, k) if unseen is None else unseen
    # one name for the stages of (B, N, T, S): each frees the one before it
    weights = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    weights = softcapped(weights, softcap)
    weights = weights.masked_fill(mask, -math.inf) if unseen is None else weights + mask
    weights = weights.softmax(dim=-1)
    weights = F.dropout(weights, drop_rate)
    return weights @ v


def softcapped(scores: Tensor, cap: float | None) -> Tensor:
    """Scores pressed smoothly to between -cap and cap: 50 with a cap of 50 becomes 38."""
    return scores if cap is None else cap * torch.tanh(scores / cap)


def future_of(q: Tensor, k: Tensor) -> Tensor:
    """Which of the S keys come after each of the T queries, the last T of the S positions: (T, S) bool."""
    queries, keys = q.shape[-2], k.shape[-2]
    return torch.ones(queries, keys, dtype=torch.bool, device=q.device).triu(1 + keys - queries)
