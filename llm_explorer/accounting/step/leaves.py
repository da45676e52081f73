"""Rows of a step before their numbers: by category, and those that more than one stretch of it has."""

from collections.abc import Iterable
from typing import Final

from llm_explorer.accounting.rows import Leaf, leaf
from llm_explorer.parts import ACTIVATIONS, EMBEDDINGS, GRADIENTS, RESIDUAL, TEMPORARY


def merged(leaves: Iterable[Leaf]) -> tuple[Leaf, ...]:
    """Those of the L - 1 blocks below and those of this block as one leaf each, of L blocks."""
    found: dict[tuple[str, str], Leaf] = {}
    for each in leaves:
        key = each.name, each.component
        if key in found:
            each = each.times("L")
        found[key] = each
    return tuple(found.values())


def saved(name: str, part: str, formula: str) -> Leaf:
    """A tensor that backward needs."""
    return leaf(name, ACTIVATIONS, formula, part=part)


def temporary(name: str, formula: str) -> Leaf:
    """A tensor that is needed for a moment."""
    return leaf(name, TEMPORARY, formula)


def gradient(name: str, formula: str) -> Leaf:
    """A gradient of weights."""
    return leaf(name, GRADIENTS, formula)


OUTPUT: Final = saved("block outputs", RESIDUAL, "r * B * T * D")
EMBEDDED: Final = saved("embedded tokens", EMBEDDINGS, "r * B * T * D")
ERROR: Final = temporary("gradient of the residual stream", "r * B * T * D")
HEAD_GRADIENT: Final = "gradient of head weights"
