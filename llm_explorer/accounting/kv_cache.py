"""Memory of generating text: the weights, and the keys and values kept for every token seen."""

from functools import lru_cache
from typing import Final

from llm_explorer.accounting.rows import Leaf, Row, leaf, letters_of, total
from llm_explorer.accounting.structure import Structure, structure_of
from llm_explorer.config import ModelConfig, RunConfig

_COMPONENT: Final = "kv cache"


def kv_cache_rows(model: ModelConfig, run: RunConfig, positions: int | None = None) -> tuple[Row, ...]:
    """The cache for a batch after so many positions, all C unless told: a row for each kind of layer, those that keep
    the last W positions only and those that keep all.

    GPT-2 small, B=1, fp32: 2 x 12 x 1 x 1024 x 768 x 4 bytes = 72 MiB.
    """
    letters = letters_of(model, run) | {"a": 4 if run.precision == "float32" else 2}
    if positions is not None:
        letters |= {"C": positions, "W": min(letters["W"], positions)}
    return tuple([row for each in _leaves(structure_of(model)) if (row := each.row(letters, "bytes")).repeats])


def kv_cache_bytes(model: ModelConfig, run: RunConfig, positions: int | None = None) -> int:
    """All layers together."""
    return total(kv_cache_rows(model, run, positions))


def kv_bytes_per_token(model: ModelConfig, run: RunConfig) -> int:
    """What one more token of one sequence adds, while it is not yet longer than a window.

    >>> kv_bytes_per_token(ModelConfig(), RunConfig())  # 2 L D values of 4 bytes
    73728
    """
    value_bytes = 4 if run.precision == "float32" else 2
    return 2 * value_bytes * model.n_layers * model.kv_heads * model.head_width


@lru_cache(maxsize=256)
def _leaves(structure: Structure) -> tuple[Leaf, ...]:
    every, few = f"2 * a * B * C * {structure.keys}", f"2 * a * B * W * {structure.keys}"
    return (
        leaf("keys and values", _COMPONENT, every, repeats="L - G"),
        leaf("keys and values inside the window", _COMPONENT, few, repeats="G"),
    )
