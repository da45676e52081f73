"""Autograd without numbers: what a forward keeps and a backward makes, of tensors that have a size and nothing else.

What is alive is what Python still refers to, as it is in torch: a tensor lives while a name, a node that saved it or a
waiting gradient holds it. The rules of the engine (torch 2.13, torch/csrc/autograd): the node that was made last runs
first; what it saved and the gradient it took are let go when it is done; then its results are handed on, and a gradient
that meets another is added to it in place where nobody else holds that one.

So all of it rests on how CPython counts references (the same 1,000 plans on 3.11, 3.12 and 3.13), and has three traps:

- A name lives until its function ends, as a local of torch's C++ does. Where torch has no name for a tensor, or lets it
  go earlier, a ``del`` stands in that very line; and what a backward needs is captured as sizes, for a function holds
  what it captures.
- ``_references`` asks ``sys.getrefcount``, which counts the asking too, and whoever looks on: a debugger that reads
  locals is a holder. Whether this Python counts as is assumed here is tried at import, by ``_count_alone``.
- An exception holds the frames that it went through, and they all their names: a StopError must end where it is caught.
"""

import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from itertools import chain, count
from typing import Final, NamedTuple
from weakref import ref

from llm_explorer.accounting.rows import Leaf, in_order, leaf
from llm_explorer.parts import ACTIVATIONS, GRADIENTS, TEMPORARY

WEIGHTS_FIRST: Final = sys.maxsize  # a gradient that has reached its weights waits for nothing


class Entry:
    """What is known of a storage when it is gone."""

    __slots__ = ("component", "formula", "name", "part")

    def __init__(self, name: str, formula: str, part: str) -> None:
        self.name, self.formula, self.part, self.component = name, formula, part, TEMPORARY

    def leaf(self) -> Leaf:
        """As a row of an account: only what is kept for backward belongs to a part."""
        part = self.part if self.component == ACTIVATIONS else ""
        return leaf(self.name, self.component, self.formula, part=part)


class Storage:
    """What takes memory: as long as it is there it stands in ``alive``, by its number."""

    __slots__ = ("__weakref__", "alive", "entry", "number")

    def __init__(self, entry: Entry, alive: dict[int, Entry], number: int) -> None:
        self.entry, self.alive, self.number = entry, alive, number
        alive[number] = entry

    def __del__(self) -> None:
        del self.alive[self.number]


class Value:
    """A tensor: ``shape`` as a product such as "B * T * D", bytes of a value, and the node that made it.

    ``storage`` is None for what is counted elsewhere, such as weights; ``heads_first`` is true where the heads lie one
    after the other, (B, N, T, H) in memory; ``base`` is what a gradient is a view of
    and holds, so that neither is alone.
    """

    __slots__ = ("base", "heads_first", "index", "name", "node", "shape", "storage", "width")

    def __init__(self, name: str, shape: str, width: str, storage: Storage | None = None) -> None:
        self.name, self.shape, self.width, self.storage = name, shape, width, storage
        self.node: Node | None = None
        self.base: Value | None = None
        self.index, self.heads_first = 0, False

    def view(self, shape: str | None = None) -> "Value":
        """Another tensor of the same storage, without a node."""
        other = Value(self.name, shape or self.shape, self.width, self.storage)
        other.heads_first = self.heads_first
        return other


Gradients = Sequence[Value | None]
Size = tuple[str, str, str]  # name, shape and bytes of a value


class Node:
    """One differentiable operation: where gradients go from it, what it keeps, and how it makes them."""

    __slots__ = ("asks", "edges", "lets_go", "number", "outputs", "run", "saved")

    def __init__(self, number: int, inputs: Iterable[Value], run: Callable[[Gradients], Gradients]) -> None:
        self.number, self.run, self.outputs = number, run, 1
        self.edges = [(each.node, each.index) for each in inputs]
        self.saved: tuple[Value, ...] = ()
        self.asks = False  # for what it saved
        self.lets_go = False  # of what it saved before it makes anything


class Waiting(NamedTuple):
    """A backward on its way: nodes that are ready, by number, and those that wait for gradients."""

    ready: list[tuple[int, int, Node]]
    dependencies: Counter[Node]
    gradients: dict[Node, list[Value | None]]


class StopError(Exception):
    """The second run of a checkpointed block has made the last tensor that backward needs."""


class Tape:
    """Runs operations, and notes every moment at which something had just been born.

    ``accumulating``: a new gradient of weights is added to the one there is, and gone.
    """

    def __init__(self, *, accumulating: bool = False) -> None:
        self.accumulating, self.keeping = accumulating, True
        self.part = ""
        self.moments: list[tuple[str, tuple[Entry, ...]]] = []
        self.copies: dict[str, Value] = {}  # autocast's, of weights: until forward ends
        self.gradients: list[Value] = []  # of weights
        self.nodes: list[Node] = []  # in the order in which they were made
        self.phase, self.phases = "", dict[Node, str]()  # the phase now, and those that begin at a node
        self.received: list[Value] = []  # the gradient of the input
        self.sink = Node(-1, (), self._receive)
        self.saves, self.most_saves = 0, sys.maxsize
        self._second_run: Callable[[], object] | None = None
        self._alive = dict[int, Entry]()
        self._numbers = count()

    def alive(self) -> tuple[Entry, ...]:
        """All there is now, the oldest first."""
        return tuple(self._alive.values())

    def born(self, name: str, shape: str, width: str) -> Value:
        """A new tensor."""
        before = self.alive()
        names = {entry.name for entry in before}
        candidates = chain([name], (f"{name}, {number}" for number in count(2)))
        unique = next(each for each in candidates if each not in names)
        entry = Entry(unique, in_order(f"{width} * {shape}"), self.part)
        storage = Storage(entry, self._alive, next(self._numbers))
        if self.moments and self.moments[-1] == (self.phase, before):  # nothing has gone since
            self.moments.pop()
        self.moments.append((self.phase, (*before, entry)))
        return Value(name, shape, width, storage)

    def weight(self, name: str, shape: str, *, waits: bool = False) -> Value:
        """A matrix of weights, whose gradient backward makes; it ``waits`` for another of the same weights."""
        value = Value(name, shape, "w")
        value.node = Node(WEIGHTS_FIRST, (), self._wait if waits else self._keep_gradient)
        return value

    def apply(
        self,
        inputs: Sequence[Value],
        saved: Sequence[Value],
        made: Iterable[Size],
        run: Callable[[Gradients], Gradients],
        *,
        keeps_results: bool = False,
    ) -> list[Value]:
        """An operation on ``inputs`` that saves some tensors, and perhaps its results; ``run`` is its backward."""
        node = Node(next(self._numbers), inputs, run)
        self.nodes.append(node)
        self.save(node, saved)
        results = [self.born(*size) for size in made]
        if keeps_results:
            self.save(node, results)
        for index, result in enumerate(results):
            result.node, result.index = node, index
        node.outputs = max(1, len(results))
        return results

    def backward(self, root: Node, gradient: list[Value]) -> None:
        """Run everything behind ``root``; ``gradient`` is taken out of its list."""
        waiting = Waiting([], _dependencies(root), {root: [gradient.pop()]})
        heappush(waiting.ready, (-root.number, 0, root))
        while waiting.ready:
            self._step(waiting)

    def run_again(self, forward: Callable[[], object]) -> None:
        """When backward first asks for what was not kept, ``forward`` makes it a second time."""

        def second_run() -> None:
            nodes, self.nodes = self.nodes, []
            self.most_saves, self.saves, self.keeping = self.saves, 0, True
            with suppress(StopError):
                forward()
            for first, second in zip(nodes, self.nodes, strict=False):
                first.saved = second.saved
            self.nodes = []
            self.copies.clear()

        self._second_run = second_run

    def _step(self, waiting: Waiting) -> None:
        node = heappop(waiting.ready)[2]
        self.phase = self.phases.get(node, self.phase)
        if node.asks and self._second_run is not None:
            second_run, self._second_run = self._second_run, None
            second_run()
        if node.lets_go:
            node.saved = ()
        results = list(node.run(waiting.gradients.pop(node)))
        node.saved = ()
        for place, (target, index) in enumerate(node.edges):
            if target is not None:
                gradients = waiting.gradients.setdefault(target, [None] * target.outputs)
                self._hand_over(results, place, gradients, index)
                waiting.dependencies[target] -= 1
                if not waiting.dependencies[target]:
                    heappush(waiting.ready, (-target.number, next(self._numbers), target))

    def _hand_over(self, results: list[Value | None], place: int, there: list[Value | None], index: int) -> None:
        """A result goes where others may have come before: in place where that one is held by nobody else."""
        if results[place] is None:
            return
        first = there[index]
        if first is None:
            there[index] = results[place]
        else:
            name, shape, width = f"{first.name}, summed", first.shape, first.width
            del first
            if _references(there, index) != _ALONE:
                there[index] = self.born(name, shape, width)
        results[place] = None

    def _keep_gradient(self, gradients: Gradients) -> Gradients:
        (gradient,) = gradients
        assert gradient is not None
        if not self.accumulating and gradient.storage is not None:
            gradient.storage.entry.component = GRADIENTS
            self.gradients.append(gradient)
        return ()

    def _wait(self, gradients: Gradients) -> Gradients:
        (gradient,) = gradients
        assert gradient is not None
        self.gradients.append(gradient)
        return ()

    def _receive(self, gradients: Gradients) -> Gradients:
        (gradient,) = gradients
        assert gradient is not None
        self.received.append(gradient)
        return ()

    def save(self, node: Node, values: Sequence[Value]) -> None:
        """What a node keeps for its backward."""
        if values:
            node.asks = True
            if self.keeping:
                node.saved += tuple([each.view() for each in values if each.storage is not None])
            self.saves += len(values)
            if self.saves >= self.most_saves:
                raise StopError


def _dependencies(root: Node) -> Counter[Node]:
    """How many gradients each node waits for."""
    found, path, seen = Counter[Node](), [root], {root}
    while path:
        for target, _ in path.pop().edges:
            if target is not None:
                found[target] += 1
                if target not in seen:
                    seen.add(target)
                    path.append(target)
    return found


def _references(values: list[Value | None], index: int) -> tuple[int, int]:
    """How many hold a value, and how many its storage."""
    value = values[index]
    assert value is not None
    return sys.getrefcount(value), sys.getrefcount(value.storage)


def _count_alone() -> tuple[int, int]:
    """The ``_references`` of what one list alone holds.

    RuntimeError where another holder does not count one more, or where what nobody holds is not gone at once.
    """
    values: list[Value | None] = [Value("", "", "", Storage(Entry("", "", ""), {}, 0))]
    alone, value = _references(values, 0), values[0]
    assert value is not None
    storage = value.storage
    assert storage is not None
    held, gone = _references(values, 0), ref(storage)
    del value, storage
    values.clear()
    if held != (alone[0] + 1, alone[1] + 1) or gone() is not None:
        raise RuntimeError(
            f"memory cannot be computed with {platform.python_implementation()} {platform.python_version()}: it does "
            "not count references as CPython 3.11 to 3.13 do, and these say what is alive when; use one of those"
        )
    return alone


_ALONE: Final = _count_alone()
