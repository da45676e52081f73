"""Follows every tensor storage from its birth to its death, one row an operation.

Storages are what takes memory, tensors are views of them; each is counted once, whoever shares it. What is seen are
the operations below autograd: scratch space inside a kernel is not, and is the difference to the allocator's truth.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from weakref import ref

import torch
from torch import Tensor, UntypedStorage

from llm_explorer.parts import RANDOM_STATES
from llm_explorer.torch_private import READ_NUMBER, TorchDispatchMode, address, would_add_in_place

_ADD: Final = torch.ops.aten.add.Tensor
_ADD_IN_PLACE: Final = torch.ops.aten.add_.Tensor


class Operation(NamedTuple):
    """One call: 'aten.mm.default', and the part of the model it belongs to."""

    name: str
    part: str


class Change(NamedTuple):
    """Bytes more or less of one storage, counted from the end of operation ``row`` on."""

    row: int
    storage: int
    size: int


class Tracker(TorchDispatchMode):
    """While active, records operations and what happens to storages; ``part`` tells whose operation it is."""

    def __init__(self, part: Callable[[], str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._part = part
        self._alive: dict[int, tuple[int, int, ref[UntypedStorage]]] = {}  # by address: number, bytes, its end
        self.operations: list[Operation] = []
        self.changes: list[Change] = []
        self.makers: list[str] = []  # the part that made each storage, by number
        self.in_backward = False

    def number(self, tensor: Tensor, maker: str | None = None) -> int:
        """The number of a tensor's storage, which is known from now on at the latest."""
        return self._see(tensor.untyped_storage(), maker or self._part())

    def alive(self) -> Iterator[tuple[int, int]]:
        """Number and bytes of each storage there is now."""
        return ((number, size) for number, size, _ in self._alive.values())

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Active, and told of the two things that no operation shows: a random state saved, a storage resized."""

        def get_rng_state() -> Tensor:
            state = rng_state()
            self.number(state, RANDOM_STATES)
            return state

        def resize(storage: UntypedStorage, size: int) -> None:
            resized(storage, size)
            self._see(storage, self._part())

        rng_state, resized = torch.get_rng_state, UntypedStorage.resize_
        with replaced(torch, "get_rng_state", get_rng_state), replaced(UntypedStorage, "resize_", resize), self:
            yield

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and see what storages come out."""
        if func is _ADD and self.in_backward and isinstance(args[1], Tensor) and would_add_in_place(*args[:2]):
            func = _ADD_IN_PLACE  # what autograd would have done, were there no dispatch mode such as this one
        result, name = func(*args, **(kwargs or {})), str(func)
        if func.namespace != "aten" or name == READ_NUMBER:  # questions such as a tensor's device, and a scalar read
            return result
        part = self._part()
        for tensor in _tensors(result):
            self._see(tensor.untyped_storage(), part)
        self.operations.append(Operation(name, part))
        return result

    def _see(self, storage: UntypedStorage, maker: str) -> int:
        key, size = address(storage), storage.nbytes()
        if key in self._alive:
            number, before, end = self._alive[key]
        else:
            number, before, end = len(self.makers), 0, ref(storage, lambda _: self._forget(key))
            self.makers.append(maker)
        if size != before:
            self.changes.append(Change(len(self.operations), number, size - before))
        self._alive[key] = (number, size, end)
        return number

    def _forget(self, key: int) -> None:
        number, size, _ = self._alive.pop(key)
        self.changes.append(Change(len(self.operations), number, -size))


@contextmanager
def replaced(owner: object, name: str, ours: object) -> Iterator[None]:
    """Within, an attribute of a module or class is another."""
    usual = getattr(owner, name)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        setattr(owner, name, usual)


def _tensors(result: Any) -> Iterable[Tensor]:
    if isinstance(result, Tensor):
        return (result,)
    if isinstance(result, tuple | list):
        return (tensor for each in result for tensor in _tensors(each))
    return ()
