"""Where the time of a step goes by prediction, and where each operation stands on the roofline. Plain data."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from llm_explorer.config import RunConfig
from llm_explorer.measure.result import Components
from llm_explorer.parts import HEAD, LOSS, PARTS, RANDOM_STATES, UPDATE
from llm_explorer.speed.operation import ATTENTIONS, Operation, Phase

Timed = Sequence[tuple[Operation, float]]  # with the seconds of all its occurrences in a step
COMPONENTS = tuple(part for part in PARTS if part != RANDOM_STATES)


class Placed(NamedTuple):
    """The occurrences of one kind of operation with the same sizes, component and phase; ``seconds`` are of all."""

    operation: Operation
    times: int
    seconds: float

    @property
    def intensity(self) -> float:
        """FLOPs for each byte moved; where there are none, values made."""
        return self.operation.work / self.operation.bytes

    @property
    def rate(self) -> float:
        """FLOPs, or values, a second."""
        return self.operation.work * self.times / self.seconds


def placed(timed: Iterable[tuple[Operation, float]]) -> tuple[Placed, ...]:
    """Each operation once, the one that takes longest first."""
    sums: dict[Operation, tuple[int, float]] = {}
    for operation, seconds in timed:
        alike = operation._replace(times=1)
        times, before = sums.get(alike, (0, 0.0))
        sums[alike] = times + operation.times, before + seconds
    found = [Placed(operation, *sum_) for operation, sum_ in sums.items() if operation.work and operation.bytes]
    return tuple(sorted(found, key=lambda each: each.seconds, reverse=True))


def at_the_roof(found: Iterable[Operation], peak_flops: float, bandwidth_bytes_per_s: float) -> Timed:
    """Each operation at the peak of arithmetic or of memory, whichever takes it longer."""
    return [(each, each.times * max(each.flops / peak_flops, each.bytes / bandwidth_bytes_per_s)) for each in found]


def seconds_by_component(timed: Timed, run: RunConfig, phase: Phase | None = None) -> dict[str, float]:
    """What each component takes, in the order of the step; of one phase or of all.

    With a loss in chunks the head is a part of the loss, as for the stopwatch.
    """
    sums = dict.fromkeys(COMPONENTS, 0.0)
    for operation, seconds in timed:
        if phase in (None, operation.phase):
            in_loss = operation.component == HEAD and run.loss_chunk is not None
            sums[LOSS if in_loss else operation.component] += seconds
    return {name: seconds for name, seconds in sums.items() if seconds}


def measured_by_component(components: Components, phase: Phase | None = None) -> dict[str, float]:
    """The same of a measurement's ``components``."""
    sums = dict.fromkeys(COMPONENTS, 0.0)
    for each, spent in (("forward", components.forward), ("backward", components.backward)):
        if phase in (None, each):
            for name, seconds in spent.items():
                sums[name] += seconds
    if phase in (None, "optimizer"):
        sums[UPDATE] += components.optimizer
    return {name: seconds for name, seconds in sums.items() if seconds}


def flops_by_operation(found: Iterable[Operation]) -> dict[str, dict[str, int]]:
    """FLOPs of a step by product, and of each its forward and backward part, the largest first.

    The two products of attention's T x T scores stand apart from its linear layers.
    """
    sums: dict[str, dict[str, int]] = {}
    for each in found:
        if each.flops:
            name = "attention scores" if each.kind in ATTENTIONS else each.component
            by_phase = sums.setdefault(name, {"forward": 0, "backward": 0})
            by_phase[each.phase] += each.flops * each.times
    return dict(sorted(sums.items(), key=lambda item: sum(item[1].values()), reverse=True))
