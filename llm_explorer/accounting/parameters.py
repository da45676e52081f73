"""How many parameters, leaf by leaf: the names are those of ``GPT.named_parameters()``.

Exact: tests compare every leaf with the module built on the meta device.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from llm_explorer.accounting.rows import Leaf, Letters, Row, leaf, model_letters, total
from llm_explorer.accounting.structure import Structure, structure_of
from llm_explorer.config import ModelConfig

EMBEDDING_COMPONENTS = ("token embedding", "position embedding", "head")
_EXPERTS = "blocks.mlp.experts."


class Parameters(NamedTuple):
    """Counts of parameters; ``rows`` are the leaves, ``total`` what the config really has (tied counted once).

    ``embedding`` is token and position embeddings and, where it is its own matrix, the output head;
    ``non_embedding`` the rest (the convention of Pythia's table 1). ``active`` is what one token uses: all but the
    experts that it is not sent to, so k of E of them; the embeddings count in full, as in Mixtral's 12.9 B.
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
    active = everything
    if model.n_experts is not None:
        experts = total([row for row in rows if row.name.startswith(_EXPERTS)])
        active -= experts * (letters["E"] - letters["k"]) // letters["E"]
    return Parameters(everything, untied - head, untied, embedding, everything - embedding, active, rows)


def parameter_rows(model: ModelConfig, letters: Letters) -> tuple[Row, ...]:
    """The leaves of a model, in the order of the data's way through it."""
    return tuple([each.row(letters, "parameters") for each in _leaves(structure_of(model))])


@lru_cache(maxsize=256)
def _leaves(structure: Structure) -> tuple[Leaf, ...]:
    return (
        leaf("token_embedding.weight", "token embedding", "V * D", "V, D"),
        *_positions(structure),
        *_attention(structure),
        *_feed_forward(structure),
        *_norm(structure, "final_norm", "1"),
        # a tied head is the token embedding once more: it adds nothing
        leaf("head.weight", "head", "V * D", "V, D", repeats="0" if structure.tied else "1"),
        *((leaf("head.bias", "head", "V", "V"),) if structure.head_bias else ()),
    )


def _positions(structure: Structure) -> Iterator[Leaf]:
    if structure.positions == "learned":
        yield leaf("position_embedding.weight", "position embedding", "C * D", "C, D")


def _attention(structure: Structure) -> Iterator[Leaf]:
    name, part = "blocks.attention", "attention"
    if structure.norms_before:
        yield from _norm(structure, "blocks.attention_norm")
    yield from _linear(f"{name}.qkv", part, (structure.qkv, "D"), bias=structure.qkv_bias)
    if structure.qk_norm != "none":
        for norm, width in ("query_norm", structure.queries), ("key_norm", structure.keys):
            yield from _norm(structure, f"{name}.{norm}", width="H" if structure.qk_norm == "head" else width)
    yield from _linear(f"{name}.projection", part, ("D", structure.queries), bias=structure.bias)
    if structure.norms_after:
        yield from _norm(structure, "blocks.attention_post_norm")


def _feed_forward(structure: Structure) -> Iterator[Leaf]:
    name, part = "blocks.mlp", "feed-forward"
    if structure.norms_before and not structure.one_norm:
        yield from _norm(structure, "blocks.mlp_norm")
    if not structure.experts:
        for matrix, shape in structure.matrices().items():
            yield from _linear(f"{name}.{matrix}", part, shape, bias=structure.mlp_bias)
    else:
        yield from _linear(f"{name}.router", part, ("E", "D"), bias=False)
        for matrix, (rows, columns) in structure.matrices().items():
            yield leaf(f"{_EXPERTS}{matrix}", part, f"E * {rows} * {columns}", f"E, {rows}, {columns}", "L")
    if structure.shared:
        for matrix, shape in structure.matrices("S * F").items():
            yield from _linear(f"{name}.shared.{matrix}", part, shape, bias=False)
    if structure.norms_after:
        yield from _norm(structure, "blocks.mlp_post_norm")


def _linear(name: str, component: str, shape: tuple[str, str], *, bias: bool) -> tuple[Leaf, ...]:
    rows, columns = shape
    weight = leaf(f"{name}.weight", component, f"{rows} * {columns}", f"{rows}, {columns}", "L")
    return (weight, leaf(f"{name}.bias", component, rows, rows, "L")) if bias else (weight,)


def _norm(structure: Structure, name: str, repeats: str = "L", width: str = "D") -> Iterator[Leaf]:
    if structure.norm_has_weight:
        yield leaf(f"{name}.weight", "norms", width, width, repeats)
    if structure.norm_has_bias:
        yield leaf(f"{name}.bias", "norms", width, width, repeats)
