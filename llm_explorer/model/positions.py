"""What the positions of one forward pass share in all layers: how they are rotated, and what they do not see.

Sources: Su et al. 2021, arXiv 2104.09864 (rotation), in Llama's and GPT-NeoX's order of pairs: value i of a head with
value i + R/2; Beltagy et al. 2020, arXiv 2004.05150 (windows).
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from llm_explorer.config import ModelConfig


class Rotation(NamedTuple):
    """The angles of each of T positions, each (T, R/2), in the dtype of queries and keys."""

    cos: Tensor
    sin: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Turn the first R values of each head as pairs (i, i + R/2); the rest stays: (B, N, T, H)."""
        half = self.cos.shape[-1]
        first, second, rest = x.split([half, half, x.shape[-1] - 2 * half], dim=-1)  # (B, N, T, R/2) twice, and H - R
        turned = first * self.cos - second * self.sin, second * self.cos + first * self.sin
        return torch.cat([*turned, rest] if rest.shape[-1] else turned, dim=-1)


class Places(NamedTuple):
    """Of T positions after others, S in all: their rotation, None without rope, and by window what is not seen."""

    rotation: Rotation | None
    unseen: Mapping[int | None, Tensor]  # (T, S), -inf where not seen and 0 where seen; none where causal says it


def make_places(config: ModelConfig, x: Tensor, start: int) -> Places:
    """Those of the T positions of ``x`` (B, T, D), which come after ``start`` others.

    Made once and for all layers: a mask of its own in each would take L times its memory until backward.
    """
    dtype, length = product_dtype(x), start + x.shape[1]
    windows = {config.window(layer) for layer in range(config.n_layers)}
    unseen = {
        window: _unseen(start, length, window, x.device, dtype)
        for window in windows
        if _needs_mask(start, length, window)
    }
    rotation = make_rotation(config, start, length, x.device, dtype) if config.positions == "rope" else None
    return Places(rotation, unseen)


def make_rotation(config: ModelConfig, start: int, length: int, device: torch.device, dtype: torch.dtype) -> Rotation:
    """The angles of positions from ``start`` to ``length``: pair i of R/2 turns by theta^(-2i/R) a position."""
    width = config.rope_width
    pairs = torch.arange(0, width, 2, device=device, dtype=torch.float32)  # (R/2,)
    frequencies = 1.0 / config.rope_theta ** (pairs / width)
    positions = torch.arange(start, length, device=device, dtype=torch.float32)  # (T,)
    angles = torch.outer(positions, frequencies)  # (T, R/2), always in fp32: bf16 cannot tell 1,000 from 1,001
    return Rotation(angles.cos().to(dtype), angles.sin().to(dtype))


def product_dtype(x: Tensor) -> torch.dtype:
    """The dtype in which matrix products of ``x`` come out: autocast's where it is on."""
    device = x.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return x.dtype


def _needs_mask(start: int, length: int, window: int | None) -> bool:
    """Whether "all up to here", for one position even "all there are", does not say it."""
    one_after_others = length - start == 1
    is_plain = start == 0 or one_after_others
    return not is_plain or (window is not None and length > window)


def _unseen(start: int, length: int, window: int | None, device: torch.device, dtype: torch.dtype) -> Tensor:
    """What is added to the scores, (T, S): -inf for keys that come later, and those ``window`` or more before."""
    queries = torch.arange(start, length, device=device)[:, None]  # (T, 1)
    keys = torch.arange(length, device=device)  # (S,)
    seen = keys <= queries
    if window is not None:
        seen &= keys > queries - window
    return torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill_(~seen, -math.inf)
