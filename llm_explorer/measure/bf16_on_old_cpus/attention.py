"""Fast backward of fused attention in bf16, on CPUs that have no instructions for it: see products.py. Needs torch.

There torch's kernel (2.13) takes 3 to 6 times as long; its forward is as quick in both (AMD EPYC with AVX2,
1 thread, 2026-11). Here some heads at a time are turned into fp32, the kernel runs on those, and the gradients are
rounded to bf16 once. That takes 4 MB at T = 1,024 and H = 64, of which torch's kernel takes 2.6 by itself.
"""

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor

from llm_explorer.loss import chunks

AT_ONCE: Final = 2**16  # values of queries; at least one head of keys with those that read it


def backward(
    in_torch: Any,
    keys: Any,
    gradient: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mixed: Tensor,
    sums: Tensor,
    dropout_p: float,
    is_causal: bool,  # noqa: FBT001 - torch's own signature
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of queries (B, N, T, H), keys and values (B, K, S, H), from that of ``mixed`` (B, N, T, H).

    ``in_torch`` is torch's own kernel, ``keys`` its dispatch keys, ``sums`` (B, N, T) the logarithms of the sums of
    forward's softmax, in fp32.
    """
    how = {"attn_mask": attn_mask, "scale": scale}
    if query.dtype is not torch.bfloat16:
        whole = gradient, query, key, value, mixed, sums
        return in_torch.call_boxed(keys, *whole, dropout_p, is_causal, **how)  # type: ignore[no-any-return]
    if attn_mask is not None and attn_mask.dtype is not torch.bool:
        how["attn_mask"] = attn_mask.float()
    gradients = _like(query), _like(key), _like(value)
    for some, theirs in _pieces(query, key):
        # no name for the fp32 copies: they die with the piece
        found = in_torch.call_boxed(
            keys,
            gradient[some].float(),
            query[some].float(),
            key[theirs].float(),
            value[theirs].float(),
            mixed[some].float(),
            sums[some],
            dropout_p,
            is_causal,
            **how,
        )
        for each, place, values in zip(gradients, (some, theirs, theirs), found, strict=True):
            each[place] = values
    return gradients


def _like(tensor: Tensor) -> Tensor:
    """As torch's kernel makes it: (B, N, T, H) that lies as (B, T, N, H) in memory."""
    return torch.empty_like(tensor.transpose(1, 2), memory_format=torch.contiguous_format).transpose(1, 2)


def _pieces(query: Tensor, key: Tensor) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Batch and heads of some queries, batch and heads of their keys."""
    batch, heads = key.shape[:2]
    each = query.shape[1] // heads  # heads of queries that read one of keys
    at_once = max(1, AT_ONCE // max(1, each * query.shape[2] * query.shape[3]))
    for rows in chunks(batch, max(1, at_once // heads)):
        for group in chunks(heads, at_once):
            yield (rows, slice(group.start * each, group.stop * each)), (rows, group)
