"""The steps of each slider, about even in effect, so that a key press always means something."""

from math import isqrt
from typing import Final

from llm_explorer.config import ModelConfig

LADDERS: Final[dict[str, tuple[float, ...]]] = {
    # powers of 2 and the vocabularies of GPT-2 (50,257), Llama 2 and 3, Phi-4, Qwen, Gemma and tiny Shakespeare (65)
    "vocab_size": (
        65,
        128,
        256,
        512,
        1024,
        2048,
        4096,
        8192,
        16384,
        32000,
        50257,
        65536,
        100352,
        128256,
        151936,
        256000,
    ),
    "context_length": tuple(2**power for power in range(4, 18)),
    "emb_dim": (
        *range(16, 64, 16),
        *range(64, 256, 32),
        *range(256, 1024, 64),
        *range(1024, 2048, 128),
        *range(2048, 4096, 256),
        *range(4096, 8192, 512),
        *range(8192, 16385, 1024),
    ),
    "n_layers": (*range(1, 49), *range(52, 100, 4), *range(104, 129, 8)),
    "drop_rate": (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5),
}
MOST_HEADS: Final = 128


def ladder(field: str, emb_dim: int, n_heads: int) -> tuple[float, ...]:
    """The steps of a field's slider: heads must divide the width, so both step through what the other allows.

    >>> ladder("n_heads", 768, 12)[:6]
    (1, 2, 3, 4, 6, 8)
    >>> ladder("emb_dim", 768, 12)[12:16]
    (480, 576, 672, 768)
    """
    if field == "n_heads":
        return tuple(n for n in divisors(emb_dim) if n <= MOST_HEADS)
    if field == "emb_dim":
        return tuple(sorted({_width(round(step), n_heads) for step in LADDERS[field]}))
    return LADDERS[field]


def divisors(number: int) -> tuple[int, ...]:
    """All divisors of a number, the smallest first: 12 -> (1, 2, 3, 4, 6, 12)."""
    small = [n for n in range(1, isqrt(number) + 1) if number % n == 0]
    return (*small, *(number // n for n in reversed(small) if n * n != number))


def _width(step: int, heads: int) -> int:
    """The nearest width of whole heads, each a multiple of 8 wide where the steps are coarse enough for that."""
    unit = 8 * heads if 4 * 8 * heads <= step else heads
    return max(1, round(step / unit)) * unit


def next_step(field: str, model: ModelConfig) -> float | None:
    """The value one step above a model's, None at the top."""
    value = getattr(model, field)
    return next((step for step in ladder(field, model.emb_dim, model.n_heads) if step > value), None)
