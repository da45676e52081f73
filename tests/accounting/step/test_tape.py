"""The rules of autograd that a tape follows, one by one."""

import runpy
import sys
import weakref
from collections.abc import Callable

import pytest

from llm_explorer.accounting.kernels import Kernels, kernels_of
from llm_explorer.accounting.step import tape as tape_module
from llm_explorer.accounting.step.operations import Torch
from llm_explorer.accounting.step.tape import Value
from llm_explorer.config import ModelConfig, RunConfig

KERNELS = kernels_of(ModelConfig(drop_rate=0.0), RunConfig(), "cpu")


def tape_with_input(kernels: Kernels = KERNELS, *, accumulating: bool = False) -> tuple[Torch, Value]:
    tape = Torch(kernels, accumulating=accumulating)
    x = tape.born("x", "B * D", "4")
    x.node = tape.sink
    return tape, x


def names(tape: Torch) -> list[str]:
    return [entry.name for entry in tape.alive()]


def test_a_tensor_lives_as_long_as_a_name_or_a_node_that_saved_it() -> None:
    tape, x = tape_with_input()
    once = tape.add(x, x, "twice")
    assert names(tape) == ["x", "twice"]
    squared = tape.multiply(once, once, "product")
    del once, x
    assert names(tape) == ["twice", "product"]  # an addition saves nothing, a product what it multiplied
    del squared
    assert names(tape) == ["twice"]  # the node is what backward starts from


def test_what_a_node_saved_and_the_gradient_it_took_go_when_it_is_done() -> None:
    tape, x = tape_with_input()
    y = tape.pointwise(x, [x], "y")
    root = y.node
    del x, y
    tape.moments = []
    assert root is not None
    tape.backward(root, [tape.born("error", "B * D", "4")])
    assert [{entry.name for entry in entries} for _, entries in tape.moments] == [{"x", "error", "gradient of x"}]
    assert names(tape) == ["gradient of x"]


def test_a_second_gradient_is_added_in_place_where_nobody_else_holds_the_first() -> None:
    tape, x = tape_with_input()
    y = tape.add(tape.pointwise(x, [], "left"), tape.pointwise(x, [], "right"), "sum")
    root = y.node
    del x, y
    tape.moments = []
    assert root is not None
    tape.backward(root, [tape.born("error", "B * D", "4")])
    assert names(tape) == ["gradient of x"]
    assert not any("summed" in entry.name for _, entries in tape.moments for entry in entries)


def test_it_is_a_new_tensor_where_somebody_does() -> None:
    tape, x = tape_with_input()
    root = tape.add(x, x, "sum").node  # both gradients are the one that comes in
    del x
    assert root is not None
    tape.backward(root, [tape.born("error", "B * D", "4")])
    assert names(tape) == ["error, summed"]


def test_a_gradient_of_weights_stays_unless_it_is_added_to_what_is_there() -> None:
    for accumulating, left in ((False, ["gradient of up weights", "gradient of x"]), (True, ["gradient of x"])):
        tape, x = tape_with_input(accumulating=accumulating)
        root = tape.linear(x, "up", ("F", "D"), "y").node
        del x
        assert root is not None
        tape.backward(root, [tape.born("error", "B * F", "4")])
        assert names(tape) == left


def test_a_second_run_ends_where_the_last_tensor_is_saved() -> None:
    tape, x = tape_with_input()
    tape.keeping = False

    def forward() -> Value:
        before = tape.pointwise(x, [x], "before")
        return tape.pointwise(tape.pointwise(before, [before], "last"), [], "result")

    root = forward().node
    assert names(tape) == ["x"]
    tape.moments = []
    tape.run_again(forward)
    assert root is not None
    tape.backward(root, [tape.born("error", "B * D", "4")])
    seen = {entry.name for _, entries in tape.moments for entry in entries}
    assert "before" in seen
    assert not {"last", "result"} & seen


def test_moments_within_the_next_one_are_left_out() -> None:
    tape, x = tape_with_input()
    y = tape.pointwise(x, [], "y")
    z = tape.pointwise(y, [], "z")
    assert [len(entries) for _, entries in tape.moments] == [3]
    del y, z
    tape.pointwise(x, [], "w")
    assert [len(entries) for _, entries in tape.moments] == [3, 2]


@pytest.mark.parametrize(
    ("owner", "name", "ours"),
    [(sys, "getrefcount", lambda _: 1), (weakref, "ref", lambda storage: lambda: storage)],
    ids=["another holder is not counted", "what nobody holds lives on"],
)
def test_a_python_that_counts_references_otherwise_is_refused_at_import(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, ours: Callable[[object], object]
) -> None:
    monkeypatch.setattr(owner, name, ours)
    with pytest.raises(RuntimeError, match="does not count references as CPython"):
        runpy.run_path(str(tape_module.__file__))


def test_an_argument_without_another_name_is_gone_when_its_function_lets_it_go() -> None:
    tape, x = tape_with_input()

    def second(value: Value) -> list[str]:
        del value
        return names(tape)

    left = second(tape.pointwise(x, [], "y"))  # within an assertion pytest would hold it
    assert left == ["x"]
