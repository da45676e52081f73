"""Our own engine against PyTorch: every value and every gradient."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.lessons.autograd.scalar_engine import Value, inputs_first

numbers = st.floats(-3, 3, allow_subnormal=False).map(lambda number: round(number, 3))
positive = numbers.map(lambda number: abs(number) + 0.1)

ONE: dict[str, Callable[[Any], Any]] = {
    "exp": lambda u: u.exp(),
    "tanh": lambda u: u.tanh(),
    "sigmoid": lambda u: u.sigmoid(),
    "relu": lambda u: u.relu(),
    "log": lambda u: (u * u + 1).log(),
    "square": lambda u: u**2,
    "power 0": lambda u: u**0,
    "negative": operator.neg,
    "plus a number": lambda u: 1.5 + u,
    "number minus": lambda u: 1.5 - u,
    "number times": lambda u: 1.5 * u,
    "number over": lambda u: 1.5 / (u * u + 1),
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": lambda u, v: u / (v * v + 1),
}


def both(expression: Callable[..., Any], *data: float) -> tuple[list[float], list[float]]:
    """The value and the gradients of the inputs, by our engine and by PyTorch."""
    ours = [Value(number) for number in data]
    theirs = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in data]
    result, reference = expression(*ours), expression(*theirs)
    result.backward()
    reference.backward()
    gradients = [0.0 if leaf.grad is None else leaf.grad.item() for leaf in theirs]
    return [result.data, *(leaf.grad for leaf in ours)], [reference.item(), *gradients]


@pytest.mark.parametrize("name", ONE)
@given(number=numbers)
def test_each_operation_on_one_number_is_that_of_torch(name: str, number: float) -> None:
    ours, theirs = both(ONE[name], number)
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", TWO)
@given(left=numbers, right=numbers)
def test_each_operation_on_two_numbers_is_that_of_torch(name: str, left: float, right: float) -> None:
    ours, theirs = both(TWO[name], left, right)
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)


@given(number=positive, exponent=st.sampled_from([-2.5, -1, 0.5, 1, 3]))
def test_powers_of_positive_numbers_are_those_of_torch(number: float, exponent: float) -> None:
    ours, theirs = both(lambda u: u**exponent, number)
    assert ours == pytest.approx(theirs, rel=1e-12)


@given(
    st.lists(numbers, min_size=3, max_size=3), st.lists(st.tuples(st.sampled_from([*TWO]), *[st.integers(0, 99)] * 2))
)
def test_random_graphs_that_use_values_again_and_again_are_those_of_torch(
    leaves: list[float], operations: list[tuple[str, int, int]]
) -> None:
    def expression(*values: Any) -> Any:
        made = list(values)
        for name, left, right in operations:
            made.append(TWO[name](made[left % len(made)], made[right % len(made)]).tanh())  # tanh keeps them small
        return reduce(operator.add, made)

    ours, theirs = both(expression, *leaves)
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@given(number=st.floats(-700, 700, allow_subnormal=False))
def test_the_sigmoid_of_large_numbers_does_not_overflow(number: float) -> None:
    ours, theirs = both(lambda u: u.sigmoid(), number)
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-15)


def test_gradients_of_intermediate_values_are_those_that_torch_retains() -> None:
    u, v = Value(2.2), Value(1.1)
    product = u * v
    result = product.sigmoid() * product
    result.backward()
    p = torch.tensor(2.2 * 1.1, dtype=torch.float64, requires_grad=True)
    (torch.sigmoid(p) * p).backward()
    assert p.grad is not None
    assert product.grad == pytest.approx(p.grad.item(), rel=1e-12)
    assert result.grad == 1


def test_a_second_backward_adds_as_in_torch() -> None:
    w = Value(2.0)
    loss = (w * 3) ** 2
    loss.backward()
    first = w.grad
    loss.backward()
    assert first == 36  # d(9 w^2)/dw = 18 w
    assert w.grad == 72


def test_a_value_used_twice_by_one_operation_counts_twice() -> None:
    ours, theirs = both(lambda u: u * u + u, 1.5)
    assert ours == theirs == [3.75, 4.0]  # u^2 + u and 2 u + 1


def test_a_chain_of_a_hundred_thousand_operations_needs_no_recursion() -> None:
    start = Value(0.0)
    value = start
    for _ in range(100_000):
        value = value + 1
    value.backward()
    assert (value.data, start.grad) == (100_000, 1)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=12))
def test_each_value_comes_once_and_after_all_its_inputs(pairs: list[tuple[int, int]]) -> None:
    made = [Value(1.0)]
    for left, right in pairs:
        made.append(made[left % len(made)] * made[right % len(made)])
    order = inputs_first(made[-1])
    assert len(set(order)) == len(order)
    assert order[-1] is made[-1]
    for place, value in enumerate(order):
        assert all(source in order[:place] for source, _ in value.inputs)


def test_the_logarithm_of_nothing_is_an_error_and_not_a_number() -> None:
    with pytest.raises(ValueError):
        Value(0.0).log()
