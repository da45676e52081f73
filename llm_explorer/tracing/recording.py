"""Record one training step in the steady state: on fake tensors, which take no memory, or on real ones."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llm_explorer.parts import ACTIVATIONS, BATCH, CATEGORIES, GRADIENTS, OPTIMIZER, TEMPORARY, WEIGHTS
from llm_explorer.torch_private import FakeTensorMode
from llm_explorer.tracing.parts import Whereabouts
from llm_explorer.tracing.traceable import Built, Traceable
from llm_explorer.tracing.tracker import Operation, Tracker
from llm_explorer.training import Batch, Phase

Bytes = NDArray[np.int64]


class Section(NamedTuple):
    """A stretch of operations: a phase of a micro-batch, or one of the optimizer's three loops.

    ``alive`` (operations, categories) are bytes at the end of each operation, ``places`` (operations,) its place
    among the ``length`` of the section.
    """

    phase: Phase
    operations: list[Operation]
    alive: Bytes
    places: Bytes
    length: int


class Recording(NamedTuple):
    """A step: its sections, and the bytes that the first forward leaves for backward by part, and by each loss."""

    sections: list[Section]
    saved: dict[str, int]
    loss_bytes: int


def record(model: Traceable, n_layers: int, accumulation: int, *, fake: bool = True) -> Recording:
    """Run a step of the real code under the tracker; with real tensors as many bytes are really taken.

    The optimizer's state exists and gradients are None at the start, as in every step but the first.
    """
    with _fake(model) if fake else nullcontext(), _garbage_collection_off():
        built = model.build(n_layers, accumulation)
        batches = [built.batch] * accumulation
        if fake:
            _make_optimizer_state(built)
        else:
            built.step(batches, lambda _phase: None)
        return _StepRecorder(built, batches, Whereabouts(built.module, model.place_of)).record()


@contextmanager
def _fake(model: Traceable) -> Iterator[None]:
    with FakeTensorMode(), model.without_values():
        yield


@contextmanager
def _garbage_collection_off() -> Iterator[None]:
    """The moment of a collection is chance, and must not decide when a storage dies."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _make_optimizer_state(built: Built) -> None:
    """An update alone makes the same state as a whole step."""
    for weight in built.module.parameters():
        weight.grad = torch.empty_like(weight)
    built.step.update()


class _StepRecorder:
    """Runs one step, and sorts the storages into categories as it goes."""

    def __init__(self, built: Built, batches: list[Batch], where: Whereabouts) -> None:
        self._weights: list[Tensor] = list(built.module.parameters())
        self._step, self._batches = built.step, batches
        self._where, self._tracker = where, Tracker(where)
        self._category: dict[int, str] = {}
        self._starts: list[tuple[int, Phase]] = []
        self._kept: dict[int, int] = {}  # storages alive at the end of the first forward, with their bytes

    def record(self) -> Recording:
        step, tracker = self._step, self._tracker
        self._name(self._weights, WEIGHTS)
        self._name(list(step.masters.values()), OPTIMIZER)
        if step.optimizer is not None:
            states = step.optimizer.state.values()
            self._name([value for state in states for value in state.values() if isinstance(value, Tensor)], OPTIMIZER)
            step.optimizer.register_step_pre_hook(self._begin_update)
            step.optimizer.register_step_post_hook(lambda *_: self._begin("optimizer"))
        self._name([tensor for batch in self._batches for tensor in batch], BATCH)
        with tracker.watching():
            loss = step(self._batches, self._enter)
        return Recording(list(self._sections()), self._saved(), loss.nbytes)

    def _enter(self, phase: Phase) -> None:
        """What a phase leaves behind is named as the next one begins."""
        if phase == "backward":
            self._end_forward()
        elif self._starts:
            self._name_gradients(self._weights)
        self._tracker.in_backward = phase == "backward"
        self._begin(phase)
        self._where.enter(phase)

    def _begin(self, phase: Phase) -> None:
        self._starts.append((len(self._tracker.operations), phase))

    def _begin_update(self, *_: object) -> None:
        self._name_gradients(list(self._step.masters.values()))
        self._begin("optimizer")

    def _name(self, tensors: list[Tensor], category: str) -> None:
        for tensor in tensors:
            self._category[self._tracker.number(tensor)] = category

    def _name_gradients(self, weights: list[Tensor]) -> None:
        self._name([weight.grad for weight in weights if weight.grad is not None], GRADIENTS)

    def _end_forward(self) -> None:
        kept = {number: size for number, size in self._tracker.alive() if number not in self._category}
        self._category |= dict.fromkeys(kept, ACTIVATIONS)
        self._kept = self._kept or kept

    def _saved(self) -> dict[str, int]:
        """By part; what turned out to be a gradient, which a loss in chunks makes in forward, is none of it."""
        saved: dict[str, int] = {}
        for number, size in self._kept.items():
            if self._category[number] == ACTIVATIONS:
                part = self._tracker.makers[number]
                saved[part] = saved.get(part, 0) + size
        return saved

    def _sections(self) -> Iterator[Section]:
        operations, alive = self._tracker.operations, self._alive()
        for (start, phase), (end, _) in pairwise([*self._starts, (len(operations), "optimizer")]):
            yield Section(phase, operations[start:end], alive[start:end], np.arange(end - start), end - start)

    def _alive(self) -> Bytes:
        changes = [change for change in self._tracker.changes if change.row < len(self._tracker.operations)]
        columns = [CATEGORIES.index(self._category.get(change.storage, TEMPORARY)) for change in changes]
        alive = np.zeros((len(self._tracker.operations), len(CATEGORIES)), np.int64)
        np.add.at(alive, ([change.row for change in changes], columns), [change.size for change in changes])
        return alive.cumsum(axis=0)
