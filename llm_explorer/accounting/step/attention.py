"""What turns queries, keys and values into what they bring together, on a tape: torch's kernels and the textbook's."""

from collections.abc import Callable, Mapping
from typing import Final

from llm_explorer.accounting.step.operations import FULL, Torch, gradient_of
from llm_explorer.accounting.step.tape import Value
from llm_explorer.accounting.structure import Structure

CAUSAL: Final = "causal masks"
_SQUARE: Final = "B * N * T**2"


def attend(tape: Torch, structure: Structure, q: Value, k: Value, v: Value) -> Value:
    """By the kernel of the run; B N T H values, the heads one after the other or side by side."""
    return _KERNELS[tape.kernels.attention](tape, structure, q, k, v)


def _flash(tape: Torch, _structure: Structure, q: Value, k: Value, v: Value) -> Value:
    """Takes K heads of keys as they are; a mask is all layers' own."""
    sizes = [(gradient_of(each), each.shape, each.width) for each in (q, k, v)]
    made = [("attention output", q.shape, "a"), ("log-sum-exp of scores", "B * T * N", FULL)]
    mixed, _ = tape.apply(
        [q, k, v], [q, k, v], made, lambda _: [tape.born(*size) for size in sizes], keeps_results=True
    )
    mixed.heads_first = q.heads_first and not tape.kernels.one_head  # laid out as the queries are
    return mixed


def _math(tape: Torch, structure: Structure, q: Value, k: Value, v: Value) -> Value:
    """What scaled_dot_product_attention is made of where no fused kernel takes it: in fp32, scaled before products.

    Here as in torch's C++ (_scaled_dot_product_attention_math) every name lives until the function ends.
    """
    if tape.kernels.upcast:
        q, k, v = (tape.cast(each, "s", f"{each.name} in fp32") for each in (q, k, v))
    scaled = tape.pointwise(q, [], "scaled queries")
    mask = None if tape.kernels.masked and structure.windowed else tape.born("mask to add to scores", "T**2", "s")
    keys, values = _repeated(tape, structure, k), _repeated(tape, structure, v)
    scaled_keys = tape.pointwise(keys, [], "scaled keys")
    weights = _scores(tape, scaled, scaled_keys, "scores")
    del scaled_keys  # it has no name in torch
    weights = tape.pointwise(weights, [], "masked scores")
    weights = _softmax(tape, weights)
    if tape.kernels.dropout:
        weights = tape.dropout(weights, "attention dropout masks", "attention weights as multiplied")
    half = tape.born("attention weights in bf16", _SQUARE, "a") if tape.kernels.upcast else None
    mixed = _mixed(tape, structure, weights, values)
    if tape.kernels.upcast:
        mixed = tape.cast(mixed, "a", "attention output" if tape.kernels.one_head else "weighted values in bf16")
    del mask, half  # not before the result is cast
    return mixed


def _materialized(tape: Torch, structure: Structure, q: Value, k: Value, v: Value) -> Value:
    """The textbook's, as the model writes it."""
    k, v = _repeated(tape, structure, k), _repeated(tape, structure, v)
    causal = None if structure.windowed and tape.kernels.masked else _causal_mask(tape)
    weights = tape.pointwise(_scores(tape, q, k, "products of queries and keys"), [], "scores")
    if structure.attention_softcap:
        weights = tape.softcapped(weights, "scores")
    weights = _masked(tape, weights, causal)
    in_fp32 = tape.kernels.fp32_softmax  # what autocast casts, the model's own name still holds as it was
    weights = _softmax(tape, tape.cast(weights, FULL, "masked scores in fp32") if in_fp32 else weights)
    if tape.kernels.dropout:
        dropped = "attention weights after dropout" if in_fp32 else "attention weights as multiplied"
        weights = tape.dropout(weights, "attention dropout masks", dropped)
    multiplied = tape.cast(weights, "s", "attention weights as multiplied") if in_fp32 else weights
    return _mixed(tape, structure, multiplied, v)


_KERNELS: Final[Mapping[str, Callable[[Torch, Structure, Value, Value, Value], Value]]] = {
    "flash": _flash,
    "math": _math,
    "materialized": _materialized,
}


def _repeated(tape: Torch, structure: Structure, x: Value) -> Value:
    """One copy for each head of queries; backward sums up those of a head of keys."""
    if not structure.grouped:
        return x
    of_x, made = (gradient_of(x), x.shape, x.width), (f"repeated {x.name}", "B * T * N * H", x.width)
    result = tape.apply([x], [], [made], lambda _: (tape.born(*of_x),))[0]
    result.heads_first = True
    return result


def _in_one_piece(tape: Torch, x: Value) -> Value:
    """As products need it: heads side by side are copied, unless there is one sequence or one head."""
    return x if x.heads_first or tape.kernels.views else tape.ordered(x, f"{x.name} as multiplied")


def _scores(tape: Torch, q: Value, k: Value, name: str) -> Value:
    """Queries times keys."""
    q, k = _in_one_piece(tape, q), _in_one_piece(tape, k)
    of_q, of_k = ((gradient_of(each), each.shape, each.width) for each in (q, k))
    made = [(name, _SQUARE, "s")]
    return tape.apply([q, k], [q, k], made, lambda _: (tape.born(*of_q), tape.born(*of_k)))[0]


def _causal_mask(tape: Torch) -> Value:
    """Each layer makes its own."""
    ones = tape.born("ones", "T**2", "1")
    causal = tape.born(CAUSAL, "T**2", "1")
    del ones
    return causal


def _masked(tape: Torch, weights: Value, causal: Value | None) -> Value:
    """The causal mask is kept, that of a window is added."""
    if causal is None:
        return tape.apply([weights], [], [("masked scores", _SQUARE, "s")], lambda gradients: gradients)[0]
    return tape.pointwise(weights, [causal], "masked scores")


def _softmax(tape: Torch, scores: Value) -> Value:
    return tape.pointwise(scores, [], "attention weights", keeps_result=True)


def _mixed(tape: Torch, structure: Structure, weights: Value, v: Value) -> Value:
    """The values that they weight, the heads one after the other."""
    v = _in_one_piece(tape, v)
    of_weights, of_v = (gradient_of(weights), _SQUARE, weights.width), (gradient_of(v), v.shape, v.width)
    is_output = tape.kernels.one_head and not tape.kernels.upcast  # there is nothing to put side by side
    made = [("attention output" if is_output else "weighted values", f"B * T * {structure.queries}", v.width)]
    mixed = tape.apply([weights, v], [weights, v], made, lambda _: (tape.born(*of_v), tape.born(*of_weights))[::-1])[0]
    if not tape.kernels.views:
        mixed = tape.back_in_order(mixed)
    mixed.heads_first = not tape.kernels.one_head
    return mixed
