"""Automatic differentiation of single numbers in about a hundred lines of plain Python.

The idea is Andrej Karpathy's micrograd (https://github.com/karpathy/micrograd, 2020), the code is our own: a number
keeps what it was made of and how steeply it follows each of these; ``backward`` then only multiplies and adds.
There is no recursion, so a chain of a million operations is no deeper than one of ten.
"""

import math


class Value:
    """A number that knows its inputs, each with the local derivative d(self) / d(input).

    >>> w, b = Value(2.2), Value(0.0)
    >>> loss = -(w * 1.1 + b).sigmoid().log()
    >>> loss.backward()
    >>> round(w.grad, 4), round(b.grad, 4)
    (-0.0898, -0.0817)
    """

    def __init__(self, data: float, inputs: tuple[tuple["Value", float], ...] = ()) -> None:
        self.data = float(data)
        self.inputs = inputs
        self.grad = 0.0

    def backward(self) -> None:
        """Add d(self) / d(each number it was made of) to the ``grad`` of that number."""
        order = inputs_first(self)
        flow = dict.fromkeys(order, 0.0)
        flow[self] = 1.0
        for value in reversed(order):
            for source, slope in value.inputs:
                flow[source] += slope * flow[value]
        for value in order:
            value.grad += flow[value]

    def __add__(self, other: "Number") -> "Value":
        other = as_value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: "Number") -> "Value":
        other = as_value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __pow__(self, exponent: float) -> "Value":
        slope = exponent * math.pow(self.data, exponent - 1) if exponent else 0.0
        return Value(math.pow(self.data, exponent), ((self, slope),))

    def exp(self) -> "Value":
        """e to this power; its slope is itself."""
        result = math.exp(self.data)
        return Value(result, ((self, result),))

    def log(self) -> "Value":
        """The natural logarithm of a number above 0; the slope is 1 / number."""
        return Value(math.log(self.data), ((self, 1 / self.data),))

    def tanh(self) -> "Value":
        """The hyperbolic tangent, from -1 to 1; the slope is 1 - tanh^2."""
        result = math.tanh(self.data)
        return Value(result, ((self, 1 - result * result),))

    def sigmoid(self) -> "Value":
        """1 / (1 + e^-number), from 0 to 1; the slope is s (1 - s)."""
        power = math.exp(-abs(self.data))  # never above 1, so it cannot overflow
        result = (1 if self.data >= 0 else power) / (1 + power)
        return Value(result, ((self, result * (1 - result)),))

    def relu(self) -> "Value":
        """The number where it is above 0, else 0; the slope is 1 or 0, and 0 at 0 itself, as in PyTorch."""
        return Value(max(self.data, 0.0), ((self, float(self.data > 0)),))

    def __neg__(self) -> "Value":
        return self * -1

    def __sub__(self, other: "Number") -> "Value":
        return self + -as_value(other)

    def __truediv__(self, other: "Number") -> "Value":
        return self * as_value(other) ** -1

    def __rsub__(self, other: float) -> "Value":
        return as_value(other) - self

    def __rtruediv__(self, other: float) -> "Value":
        return as_value(other) / self

    __radd__ = __add__
    __rmul__ = __mul__


Number = Value | float


def as_value(number: Number) -> Value:
    """A plain number as a Value without inputs."""
    return number if isinstance(number, Value) else Value(number)


def inputs_first(last: Value) -> list[Value]:
    """Everything ``last`` was made of, each number after all its inputs: a depth-first walk with a stack of its own."""
    order: list[Value] = []
    seen: set[Value] = set()
    stack = [(last, False)]
    while stack:
        value, inputs_are_done = stack.pop()
        if inputs_are_done:
            order.append(value)
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            stack.extend((source, False) for source, _ in value.inputs)
    return order
