"""How many parameters, leaf by leaf: the names are those of ``GPT.named_parameters()``.

Exact: tests compare every leaf with the module built on the meta device.
"""

from functools import lru_cache
from typing import NamedTuple

from llm_explorer.accounting.rows import Leaf, Letters, Row, leaf, model_letters, total
from llm_explorer.config import ModelConfig

EMBEDDING_COMPONENTS = ("token embedding", "position embedding", "head")


class Parameters(NamedTuple):
    """Counts of parameters; ``rows`` are the leaves, ``total`` what the config really has (tied counted once).

    ``embedding`` is token and position embeddings and, where it is its own matrix, the output head;
    ``non_embedding`` the rest (the convention of Pythia's table 1). ``active`` is what one token uses.
    """

    total: int
    tied: int
    untied: int
    embedding: int
    non_embedding: int
    active: int
    rows: tuple[Row, ...]


@lru_cache(maxsize=256)  # a slider move asks for the same config several times, and for all presets
def count_parameters(model: ModelConfig) -> Parameters:
    """Count a model's parameters.

    >>> count_parameters(ModelConfig()).total
    163009536
    """
    letters = model_letters(model)
    rows = parameter_rows(model, letters)
    everything = total(rows)
    head = letters["V"] * letters["D"]
    untied = everything + head if model.tie_embeddings else everything
    embedding = sum([row.total for row in rows if row.component in EMBEDDING_COMPONENTS])
    return Parameters(everything, untied - head, untied, embedding, everything - embedding, everything, rows)


def parameter_rows(model: ModelConfig, letters: Letters) -> tuple[Row, ...]:
    """The leaves of a model, in the order of the data's way through it."""
    leaves = _leaves(qkv_bias=model.qkv_bias, bias=model.bias, tied=model.tie_embeddings)
    return tuple([each.row(letters, "parameters") for each in leaves])


@lru_cache(maxsize=8)
def _leaves(*, qkv_bias: bool, bias: bool, tied: bool) -> tuple[Leaf, ...]:
    return (
        leaf("token_embedding.weight", "token embedding", "V * D", "V, D"),
        leaf("position_embedding.weight", "position embedding", "C * D", "C, D"),
        *_norm("blocks.attention_norm", "L"),
        *_linear("blocks.attention.qkv", "attention", ("3 * D", "D"), bias=qkv_bias),
        *_linear("blocks.attention.projection", "attention", ("D", "D"), bias=bias),
        *_norm("blocks.mlp_norm", "L"),
        *_linear("blocks.mlp.up", "feed-forward", ("F", "D"), bias=bias),
        *_linear("blocks.mlp.down", "feed-forward", ("D", "F"), bias=bias),
        *_norm("final_norm", "1"),
        # a tied head is the token embedding once more: it adds nothing
        leaf("head.weight", "head", "V * D", "V, D", repeats="0" if tied else "1"),
    )


def _linear(name: str, component: str, shape: tuple[str, str], *, bias: bool) -> tuple[Leaf, ...]:
    rows, columns = shape
    weight = leaf(f"{name}.weight", component, f"{rows} * {columns}", f"{rows}, {columns}", "L")
    return (weight, leaf(f"{name}.bias", component, rows, rows, "L")) if bias else (weight,)


def _norm(name: str, repeats: str) -> tuple[Leaf, Leaf]:
    return leaf(f"{name}.weight", "norms", "D", "D", repeats), leaf(f"{name}.bias", "norms", "D", "D", repeats)
