"""A mixture of experts on a tape, its routing balanced: each expert has as many rows of the B T k.

All experts are alike, so three stand for E: the first, the last, and in one step those between, whose own temporary
tensors are never the most. Left out is what has k values a position and is gone at once.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from llm_explorer.accounting.step.operations import FULL, HALF, Torch, copy_of, gradient_of, times
from llm_explorer.accounting.step.tape import Gradients, Size, Value
from llm_explorer.accounting.structure import Structure

_ROWS: Final = "B * T * k"
_SHARE: Final = "B * T * k // E"
_BETWEEN: Final = "(B * T * k - 2 * (B * T * k // E))"
_NUMBERS: Final = "8"  # bytes of an index


class Experts:
    """The routed experts of a block."""

    def __init__(self, structure: Structure, tape: Torch) -> None:
        self.structure, self.tape = structure, tape

    def forward(self, x: Value) -> Value:
        """What the chosen experts answer, weighed."""
        tape = self.tape
        shares, _chosen = self._route(x)
        order = tape.born("order of rows by expert", _ROWS, _NUMBERS)
        sources = tape.born("positions that rows come from", _ROWS, _NUMBERS)
        answers = self._through_experts(self._rows(x, sources))
        column = self._column(shares, order)
        answers = tape.multiply_rows(answers, column, "answers of experts, weighed")
        zeros = tape.born("zeros to add answers to", "B * T * D", "a")
        result = self._summed(answers, sources)
        del zeros, column
        return result

    def _route(self, x: Value) -> tuple[Value, Value]:
        """The shares of each position's k experts in fp32, and which they are."""
        tape = self.tape
        scores = tape.linear(x, "router", ("E", "D"), "scores of experts")
        likely = tape.apply([scores], [], [("likelihood of experts", "B * T * E", FULL)], _hand_on, keeps_results=True)[
            0
        ]
        values = tape.born("likelihood of the chosen", _ROWS, FULL)
        chosen = tape.born("chosen experts", _ROWS, _NUMBERS)
        tape.apply([likely], [chosen], [], _hand_on)
        values.node = tape.nodes[-1]
        whole = tape.born("likelihood of all the chosen", "B * T", FULL)
        shares = tape.apply([values], [values, whole], [("shares of the chosen", _ROWS, FULL)], _hand_on)[0]
        return shares, chosen

    def _rows(self, x: Value, sources: Value) -> Value:
        """The rows of x in the order of their experts; backward adds them up in a new tensor."""
        of_x, zeros = (gradient_of(x), x.shape, x.width), ("zeros to add rows to", x.shape, x.width)

        def run(_: Gradients) -> Gradients:
            empty = self.tape.born(*zeros)
            result = self.tape.born(*of_x)
            del empty
            return (result,)

        return self.tape.apply([x], [sources], [("rows by expert", f"{_ROWS} * D", x.width)], run)[0]

    def _column(self, shares: Value, order: Value) -> Value:
        """The share of each row, in the dtype of the answers."""
        tape = self.tape
        column = tape.apply([shares], [order], [("share of each row", _ROWS, FULL)], _hand_on)[0]
        return column if tape.kernels.precision == "float32" else tape.cast(column, "a", "share of each row in bf16")

    def _summed(self, answers: Value, sources: Value) -> Value:
        of_answers = (gradient_of(answers), answers.shape, answers.width)
        made = [("answers of experts, added", "B * T * D", "a")]
        return self.tape.apply([answers], [answers, sources], made, lambda _: (self.tape.born(*of_answers),))[0]

    # the experts themselves

    def _through_experts(self, rows: Value) -> Value:
        """Each its own rows through its own matrices, then all answers one after the other."""
        tape, number = self.tape, min(3, self.structure.experts)
        counts = [_ROWS] if number == 1 else [f"({_ROWS} - {_SHARE})", _SHARE]
        counts = counts if number < 3 else [_SHARE, _BETWEEN, _SHARE]
        weights = [self._unbound(name, number) for name in self.structure.matrices()]
        parts = tape.split(rows, [f"{count} * D" for count in counts], "gradient of rows by expert")
        for part in parts:
            part.name = "rows of an expert"
        outputs = []
        for index, part in enumerate(parts):
            mine = [of_kind[index] for of_kind in weights]
            step = self._others if number == 3 and index == 1 else self._one
            outputs.append(step(part, counts[index], mine))
        return tape.cat(outputs, f"{_ROWS} * D", "answers of experts")

    def _unbound(self, name: str, number: int) -> list[Value]:
        """The matrices of each expert as views; backward puts their gradients into one tensor."""
        tape = self.tape
        weight = tape.weight(f"experts' {name} weights", "E * D * F")
        shapes = ["D * F"] * number
        if number == 3:
            shapes[1] = "(E - 2) * D * F"
        views = tape.split(weight, shapes, f"gradient of experts' {name} weights")
        for view in views:
            view.name = name
        return views

    def _one(self, x: Value, rows: str, weights: Sequence[Value]) -> Value:
        tape, kind = self.tape, self.structure.activation
        inner = f"{rows} * F"
        if self.structure.gated:
            gate = self._product(x, weights[0], inner, "gate of an expert")
            active = tape.activation(gate, kind, "gate of an expert after its activation")
            del gate
            inside = tape.multiply(
                active, self._product(x, weights[1], inner, "inside an expert"), "gated inside an expert"
            )
            del active
        else:
            inside = tape.activation(
                self._product(x, weights[0], inner, "inside an expert"), kind, "inside an expert after its activation"
            )
        return self._product(inside, weights[-1], f"{rows} * D", "answer of an expert")

    def _product(self, x: Value, weight: Value, shape: str, name: str) -> Value:
        """Autocast casts the matrix of each expert for itself: it keeps copies of whole parameters only."""
        tape, read = self.tape, x
        if tape.kernels.autocast:
            weight = tape.cast(weight, HALF, copy_of(f"an expert's {weight.name}"))
            if not tape.is_half(x):
                read = tape.cast(x, "a", f"{x.name} in bf16")
        return tape.product(read, weight, f"gradient of an expert's {weight.name} weights", shape, name)

    def _others(self, x: Value, rows: str, weights: Sequence[Value]) -> Value:
        """All between the first and the last at once: what they keep comes one by one, and so it goes."""
        tape = self.tape
        made = [(f"gradient of {each.name} weights of experts", each.shape, "w") for each in weights]
        of_x, keeping = (gradient_of(x), x.shape, x.width), list(self._kept_by_others(x, rows, weights))

        def run(_: Gradients) -> Gradients:
            gradients = [tape.born(*size) for size in made]
            return tape.born(*of_x), *gradients

        held = [tape.born(*size) for size in keeping] if tape.keeping else [Value(*size) for size in keeping]
        result = tape.apply([x, *weights], held, [("answers of other experts", f"{rows} * D", "a")], run)[0]
        tape.nodes[-1].lets_go = True
        return result

    def _kept_by_others(self, x: Value, rows: str, weights: Sequence[Value]) -> Iterator[Size]:
        inner = 4 if self.structure.gated else 1 if self.structure.activation == "relu" else 2
        yield "inside other experts", f"{inner} * {rows} * F", "a"
        if self.tape.kernels.autocast:
            yield "bf16 copies of other experts' weights", times(str(len(weights)), weights[0].shape), HALF
            yield "rows of other experts in bf16", f"{len(weights) - 1} * {x.shape}", HALF


def _hand_on(gradients: Gradients) -> Gradients:
    """A gradient of a few values a position, which are left out."""
    return gradients
