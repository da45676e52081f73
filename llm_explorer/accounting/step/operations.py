"""The operations of a model on a tape: what torch 2.13 makes, saves and frees for each on a CPU.

Written down from traces of this model (2026-11). Left out are gradients of biases and of norms, and what has a value a
position and is gone at once. CUDA's, where they differ, are stated from torch's own rules.
"""

from collections.abc import Sequence
from typing import Final

from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.rows import leaf
from llm_explorer.accounting.step.tape import Gradients, Tape, Value
from llm_explorer.parts import ACTIVATIONS, RESIDUAL

OUTPUT: Final = leaf("block outputs", ACTIVATIONS, "r * B * T * D", part=RESIDUAL)
FULL: Final = "4"
HALF: Final = "2"
NOTHING: Final = "0"  # the size of what is left out


class Torch(Tape):
    """A tape that knows torch's operations, with the kernels of a run."""

    def __init__(self, kernels: Kernels, *, accumulating: bool = False, tied: bool = False) -> None:
        super().__init__(accumulating=accumulating)
        self.kernels, self.tied = kernels, tied
        letters = {"float32": "", "autocast": "a"}.get(kernels.precision, "arwl")
        self._halves = {HALF, *letters} | (set("s") if letters and not kernels.upcast else set())

    def is_half(self, x: Value) -> bool:
        """Whether a tensor is in bf16."""
        return x.width in self._halves

    def cast(self, x: Value, width: str, name: str) -> Value:
        """In another dtype: a copy, whose gradient is copied back."""
        of_x = (gradient_of(x), x.shape, x.width)
        result = self.apply([x], [], [(name, x.shape, width)], lambda _: (self.born(*of_x),))[0]
        result.heads_first = x.heads_first
        return result

    def block_output(self) -> Value:
        """What a block is given and gives; a gradient that comes to it is received."""
        self.part = RESIDUAL
        x = self.born(OUTPUT.name, "B * T * D", "r")
        x.node = self.sink
        return x

    # matrix products

    def linear(self, x: Value, matrix: str, shape: tuple[str, str], name: str) -> Value:
        """A linear layer of ``shape`` outputs x inputs; autocast casts both, the weights once a forward."""
        outputs, inputs = shape
        weight, read = self._weight(matrix, times(outputs, inputs)), x  # x lives on till the product is there
        if self.kernels.autocast:
            weight = self._copy(matrix, weight)
            if not self.is_half(x):
                read = self.cast(x, "a", f"{x.name} in bf16")
        made = times(rows_of(x, inputs), outputs)
        return self.product(self._as_rows(read), weight, f"gradient of {matrix} weights", made, name)

    def _as_rows(self, x: Value) -> Value:
        """As the matrix that a product reads; its gradient is a view, to which autograd adds nothing in place."""

        def run(gradients: Gradients) -> Gradients:
            (found,) = gradients
            assert found is not None
            seen = found.view()
            seen.base = found
            return (seen,)

        self.apply([x], [], [], run)
        rows = x.view()
        rows.node = self.nodes[-1]
        return rows

    def head(self) -> Value:
        """The weights of the head; where they are those of the embedding too, one gradient waits for the other."""
        return self._weight("head", "V * D")

    def _weight(self, matrix: str, shape: str) -> Value:
        waits = matrix == "head" and self.tied and self.accumulating
        return self.weight(f"{matrix} weights", shape, waits=waits)

    def product(self, x: Value, weight: Value, of_weight: str, shape: str, name: str) -> Value:
        """Of x and weights, or of their copies under autocast."""
        of_x, weight_shape = (gradient_of(x), x.shape, "a"), weight.shape
        width = HALF if self.kernels.autocast else "w"
        of_weight += " in bf16" if self.kernels.autocast else ""

        def run(_: Gradients) -> Gradients:
            of_weights = self.born(of_weight, weight_shape, width)
            return self.born(*of_x), of_weights

        return self.apply([x, weight], [x, weight], [(name, shape, "a")], run)[0]

    def _copy(self, matrix: str, weight: Value) -> Value:
        if matrix not in self.copies:
            self.copies[matrix] = self.cast(weight, HALF, copy_of(matrix))
        return self.copies[matrix]

    # value by value

    def add(self, x: Value, y: Value, name: str) -> Value:
        """The sum, in the wider of both dtypes; the gradient of what was narrower is a copy in its dtype."""
        wide = y if self.is_half(x) and not self.is_half(y) else x
        narrow = [self.is_half(each) and not self.is_half(wide) for each in (x, y)]
        sizes = [(gradient_of(each), each.shape, each.width) for each in (x, y)]

        def run(gradients: Gradients) -> Gradients:
            return [self.born(*size) if half else gradients[0] for size, half in zip(sizes, narrow, strict=True)]

        return self.apply([x, y], [], [(name, x.shape, wide.width)], run)[0]

    def subtract(self, x: Value, y: Value, name: str) -> Value:
        """x - y, whose gradient is negated for y."""
        of_y = (gradient_of(y), y.shape, y.width)
        return self.apply([x, y], [], [(name, x.shape, x.width)], lambda found: (found[0], self.born(*of_y)))[0]

    def scale(self, x: Value, by: Value, name: str) -> Value:
        """Times something that needs no gradient."""
        return self.pointwise(x, [by], name)

    def pointwise(self, x: Value, saved: Sequence[Value], name: str, *, keeps_result: bool = False) -> Value:
        """A function of each value, and its gradient, which is as large."""
        of_x = (gradient_of(x), x.shape, x.width)
        made = [(name, x.shape, x.width)]
        result = self.apply([x], saved, made, lambda _: (self.born(*of_x),), keeps_results=keeps_result)[0]
        result.heads_first = x.heads_first
        return result

    def activation(self, x: Value, kind: str, name: str) -> Value:
        """ReLU keeps what it gives, the others what they are given."""
        if kind == "relu":
            return self.pointwise(x, [], name, keeps_result=True)
        return self.pointwise(x, [x], name)

    def multiply(self, x: Value, y: Value, name: str) -> Value:
        """Times something that needs a gradient too and has as many values."""
        of_x, of_y = ((gradient_of(each), x.shape, x.width) for each in (x, y))
        made = [(name, x.shape, x.width)]
        return self.apply([x, y], [x, y], made, lambda _: (self.born(*of_x), self.born(*of_y)))[0]

    def multiply_rows(self, x: Value, y: Value, name: str, width: str | None = None) -> Value:
        """Times something small that needs a gradient: that is summed up from one as large as ``x``."""
        of_x = (gradient_of(x), x.shape, x.width)
        of_y = (f"{gradient_of(y)} before its sum", x.shape, x.width)
        small = y.view() if y.storage is None else Value(gradient_of(y), y.shape, NOTHING)

        def run(_: Gradients) -> Gradients:
            products = [self.born(*of_y)]
            result = self.born(*of_x)
            del products
            return result, small.view()

        result = self.apply([x, y], [x, y], [(name, x.shape, width or x.width)], run)[0]
        result.heads_first = x.heads_first
        return result

    def softcapped(self, x: Value, name: str) -> Value:
        """c tanh(x / c)."""
        divided = self.pointwise(x, [], f"{name} divided by their cap")
        pressed = self.pointwise(divided, [], f"{name} pressed", keeps_result=True)
        del divided
        return self.pointwise(pressed, [], f"{name} soft-capped")

    def dropout(self, x: Value, mask: str, name: str) -> Value:
        """With a mask that backward multiplies by again."""
        drawn = self.born(mask, x.shape, self.kernels.mask_bytes(x.width))
        return self.pointwise(x, [drawn], name)

    # in other shapes

    def split(self, x: Value, shapes: Sequence[str], joint: str) -> list[Value]:
        """Parts as views; backward puts their gradients side by side into a new tensor."""
        of_x = (joint, x.shape, x.width)
        self.apply([x], [], [], lambda _: (self.born(*of_x),))
        node, parts = self.nodes[-1], [x.view(shape) for shape in shapes]
        node.outputs = len(parts)
        for index, part in enumerate(parts):
            part.node, part.index = node, index
        return parts

    def cat(self, parts: Sequence[Value], shape: str, name: str) -> Value:
        """Side by side in a new tensor, the heads one after the other; backward hands out views."""
        number = len(parts)

        def run(gradients: Gradients) -> Gradients:
            assert gradients[0] is not None
            return [gradients[0].view() for _ in range(number)]

        result = self.apply(parts, [], [(name, shape, parts[0].width)], run)[0]
        result.heads_first = True
        return result

    def ordered(self, x: Value, name: str) -> Value:
        """A copy in another order, whose gradient is only looked at in the old one."""
        return self.apply([x], [], [(name, x.shape, x.width)], lambda gradients: gradients)[0]

    def back_in_order(self, x: Value) -> Value:
        """Looked at in another order, of which backward makes a copy."""
        of_x = (f"{gradient_of(x)} in order", x.shape, x.width)
        self.apply([x], [], [], lambda _: (self.born(*of_x),))
        result = x.view()
        result.node = self.nodes[-1]
        return result

    # norms

    def norm(self, x: Value, kind: str, name: str, rows: str = "B * T") -> Value:
        """LayerNorm is one operation; so is RMSNorm on CUDA, but on a CPU it is many."""
        if kind == "rmsnorm" and not self.kernels.cuda:
            return self._rms_norm(x, name, rows)
        short = name.removesuffix(" outputs")
        of_x, made = (f"gradient through {short}", x.shape, x.width), (name, x.shape, x.width)
        statistics = (f"{short} means and deviations", f"2 * {rows}", x.width)
        if kind == "rmsnorm":
            statistics = (f"sizes of {name}", rows, FULL)
        result, numbers = self.apply([x], [x], [made, statistics], lambda _: (self.born(*of_x),))
        self.save(self.nodes[-1], [numbers])
        result.heads_first = x.heads_first
        return result

    def _rms_norm(self, x: Value, name: str, rows: str) -> Value:
        """x / sqrt(mean(x^2)) in fp32, times the weights."""
        width = x.width
        half = self.is_half(x)
        if half:
            x = self.cast(x, FULL, f"input of {name} in fp32")
        result = self.multiply_rows(x, self._size(x, name, rows), f"{name} before weights")
        weights = Value(f"weights of {name}", "D", NOTHING)
        result = self.multiply_rows(result, weights, f"{name} in fp32" if half else name)
        return self.cast(result, width, name) if half else result

    def _size(self, x: Value, name: str, rows: str) -> Value:
        """1 / sqrt(mean(x^2)), a value a row."""
        shape = x.shape
        squares, once, twice = (
            (f"{word} of {name}", shape, x.width) for word in ("squared input", "input once more", "twice the input")
        )
        of_squares, of_x = (f"gradient of the squares of {name}", shape, x.width), (gradient_of(x), shape, x.width)

        def square(_: Gradients) -> Gradients:
            steps = [self.born(*once), self.born(*twice)]
            result = self.born(*of_x)
            del steps
            return (result,)

        squared = self.apply([x], [x], [squares], square)[0]
        made = [(f"sizes of {name}", rows, x.width)]
        return self.apply([squared], [], made, lambda _: (self.born(*of_squares),), keeps_results=True)[0]


def copy_of(matrix: str) -> str:
    """The bf16 copy of a matrix under autocast, which has it until forward ends and backward has used it."""
    return f"bf16 copies of {matrix} weights"


def gradient_of(x: Value) -> str:
    """What its gradient is called."""
    return f"gradient of {x.name}"


def times(*factors: str) -> str:
    """One product; a factor that is a sum has its own brackets."""
    return " * ".join(factors)


def rows_of(x: Value, inputs: str) -> str:
    """The rows of a matrix whose columns are ``inputs``: of B * T * D with D columns B * T."""
    assert x.shape.endswith(f" * {inputs}"), (x.shape, inputs)
    return x.shape.removesuffix(f" * {inputs}")
