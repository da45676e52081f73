"""Learn how fast a device is, within 5 seconds. Needs torch: runs in the child."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import cache, partial
from itertools import combinations, cycle, islice, product
from math import prod
from statistics import geometric_mean
from typing import Final, NamedTuple

import torch

from llm_explorer.measure.bf16_on_old_cpus import are_own
from llm_explorer.measure.devices import synchronizer
from llm_explorer.measure.timing import Clock, Report, garbage_collection_paused
from llm_explorer.speed.calibration import Calibration, Key, Table
from llm_explorer.speed.fit_factors import IsTime, fit_factors
from llm_explorer.speed.operation import ATTENTIONS, CHECKPOINTS, PRODUCTS, VALUES, Recipe, updates_of
from llm_explorer.speed.single_calls import TENSORS, Call, Kernels

OPERATIONS_S: Final = 3.7  # from the start until the tables are made
WHOLE_MODELS_S: Final = 4.7  # from the start; the last one may take somewhat longer
LEAST_S: Final = 1e-4  # of one look at the clock: shorter calls are repeated
MOST_REPEATS: Final = 1000
MOST_CALL_S: Final = 0.03  # a call that is expected to take longer is not made: a smaller one stands for it
MOST_UPDATE_S: Final = 0.3  # but smaller updates would stay in a cache, and be no measure of a model's

MOST_SLOWER: Final = 1.5  # a point that is not timed, than the slowest one step smaller: disturbances multiply too
LEAST_SHARE: Final = 0.05  # of a time, that is work even where the clock says it is not

ROWS: Final = (4, 32, 128, 512)
WIDTHS: Final = (32, 128, 512, 2048)
LAYERS: Final = 6  # whose weights are met in turn, as in a model: no cache has just seen them
HEADS: Final = (2, 32)
LENGTHS: Final = (16, 64, 256, 768)
FLASH_LENGTHS: Final = (16, 64, 191, 192, 767, 768)  # torch 2.13 works in other blocks from 192 and from 768 on
HEAD_WIDTHS: Final = (16, 64)
COUNTS: Final = (2**10, 2**13, 2**16, 2**19, 2**22)
PARAMETERS: Final = (2**14, 2**18, 2**23)
COPIED: Final = 2**24  # values, too many for a cache


class Grid(NamedTuple):
    """One kind of operation over sizes: ``make`` gives a call, ``work`` is its work; ``smallest`` is next to none."""

    kind: str
    axes: tuple[tuple[int, ...], ...]
    smallest: tuple[int, ...]
    make: Callable[..., Call]
    work: Callable[..., int]
    calls: int = 1  # of torch that one call stands for
    operands: int = 1  # sets of operands taken in turn
    most_s: float = MOST_CALL_S


class Stopwatch:
    """The shortest time seen of each call: whatever disturbs only makes it longer."""

    def __init__(self, synchronize: Callable[[], None], clock: Clock) -> None:
        self._synchronize, self._clock = synchronize, clock
        self.best: dict[tuple[str, tuple[int, ...]], float] = {}
        self._repeats: dict[tuple[str, tuple[int, ...]], int] = {}

    def look(self, grid: Grid, sizes: tuple[int, ...]) -> float:
        """Time one more call, or several when it is short; the best so far in seconds."""
        calls, place = [grid.make(*sizes) for _ in range(grid.operands)], (grid.kind, sizes)
        if place not in self.best:
            self._time(calls[-1:], 1)  # the first finds its kernel, and room for what that needs
            once = self._time(calls, 1)
            self._repeats[place] = max(1, min(MOST_REPEATS, int(LEAST_S / once)))
            self.best[place] = once if self._repeats[place] == 1 else self._time(calls, self._repeats[place])
        else:
            self.best[place] = min(self.best[place], self._time(calls, self._repeats[place]))
        return self.best[place]

    def _time(self, calls: Sequence[Call], repeats: int) -> float:
        in_turn = islice(cycle(calls), repeats)
        self._synchronize()
        start = self._clock()
        for call in in_turn:
            call()
        self._synchronize()
        return max((self._clock() - start) / repeats, 1e-8)


def calibrate(key: Key, *, report: Report, now: Clock = time.perf_counter) -> Calibration:
    """Time every kind of operation at several sizes, then a few whole small models, within 5 s of ``now``.

    Torch's threads, and the settings of malloc, are those the process has: the key says which. With one thread on a
    CPU it is processor time that counts, so that whatever else runs there does not; a thread that waits for others has
    none to count.
    """
    start = now()
    clock = time.thread_time if key.device == "cpu" and key.threads == 1 else time.perf_counter
    synchronize = synchronizer(key.device)
    kernels = Kernels(key.recipe, key.device)
    grids = [*_grids(kernels, key.recipe)]
    watch = Stopwatch(synchronize, clock)
    with garbage_collection_paused(), _precision(key):
        _go_round(grids, watch, lambda: now() < start + OPERATIONS_S, report)
        base, bandwidth = _differentiation_s(watch, kernels), _bandwidth(watch, kernels)
    tables = {grid.kind: _table(grid, watch, base) for grid in grids}
    report("models", None, "Timing whole small models")
    factors, disturbance = fit_factors(key, tables, synchronize, clock, lambda: now() < start + WHOLE_MODELS_S)
    products = [grid for grid in grids if grid.kind in PRODUCTS]
    return Calibration(
        key=key,
        made=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        seconds=now() - start,
        peak_flops=max(work / seconds for grid in products for work, seconds in _seen(grid, watch)),
        bandwidth_bytes_per_s=bandwidth,
        tables=tables,
        factors=factors,
        disturbance=disturbance,
        products_in_fp32=are_own(),
    )


def _precision(key: Key) -> AbstractContextManager[object]:
    return torch.autocast(key.device.split(":")[0], torch.bfloat16) if key.recipe == "autocast" else nullcontext()


def _grids(kernels: Kernels, recipe: Recipe) -> Iterator[Grid]:
    makers = (kernels.linear, kernels.input_gradient, kernels.weight_gradient)
    for kind, make in zip(PRODUCTS, makers, strict=True):
        yield Grid(kind, (ROWS, WIDTHS, WIDTHS), (1, 4, 4), make, lambda *sizes: 2 * prod(sizes), operands=LAYERS)
    for kind in ATTENTIONS:
        backward = kind.endswith("backward")
        make = partial(kernels.attention, kind.split()[0], backward=backward)
        work = _attention_work_backward if backward else _attention_work
        lengths = FLASH_LENGTHS if kind.startswith("flash") else LENGTHS
        yield Grid(kind, (HEADS, lengths, HEAD_WIDTHS), (1, 2, 4), make, work)
    for kind in CHECKPOINTS:
        backward = kind.endswith("backward")
        yield Grid(kind, ((1,),), (0,), partial(kernels.checkpointed, backward=backward), int)
    for kind in VALUES:
        operands = LAYERS if kind.startswith("cast") else 1  # those of weights, which are large
        yield Grid(kind, (COUNTS,), (16,), partial(kernels.values, kind), int, operands=operands)
    for optimizer, implementation, name in updates_of(recipe):
        make = partial(kernels.update, optimizer, implementation, getattr(torch, name))
        yield Grid(
            f"{optimizer} {implementation} {name}", (PARAMETERS,), (TENSORS,), make, int, TENSORS, most_s=MOST_UPDATE_S
        )


def _attention_work(count: int, length: int, width: int) -> int:
    return 4 * count * length**2 * width


def _attention_work_backward(count: int, length: int, width: int) -> int:
    return 2 * _attention_work(count, length, width)


def _go_round(grids: list[Grid], watch: Stopwatch, is_time: IsTime, report: Report) -> None:
    """Everything once, then again and again until the time is up: a disturbance seldom meets a call twice."""
    for grid in grids:
        for sizes in (grid.smallest, next(product(*grid.axes))):
            watch.look(grid, sizes)
    points = sorted(((grid, sizes) for grid in grids for sizes in product(*grid.axes)), key=_rank)
    for number, (grid, sizes) in enumerate(points):
        report("operations", number / len(points), f"Timing {grid.kind}")
        if is_time() and _expected_s(grid, sizes, watch) <= grid.most_s:
            watch.look(grid, sizes)
    by_kind = {grid.kind: grid for grid in grids}
    while is_time():
        for kind, sizes in tuple(watch.best):
            if is_time():
                watch.look(by_kind[kind], sizes)


def _rank(point: tuple[Grid, tuple[int, ...]]) -> float:
    """From 0 for the smallest sizes of a grid to 1 for the largest: on a slow device the largest are left out."""
    grid, sizes = point
    places = sum(axis.index(size) for axis, size in zip(grid.axes, sizes, strict=True))
    return places / max(1, sum(len(axis) - 1 for axis in grid.axes))


def _expected_s(grid: Grid, sizes: tuple[int, ...], watch: Stopwatch) -> float:
    return _rates(grid, watch)(sizes) * grid.work(*sizes)


def _rates(grid: Grid, watch: Stopwatch, own: float = 0.0) -> Callable[[tuple[int, ...]], float]:
    """Seconds for a unit of work by sizes: as timed, without a call's own; else carried on from one step smaller.

    What a step on one axis changes where the other is smaller, it changes here: rows make a fast product faster and
    leave a slow one, such as bf16 without instructions for it, as slow as it is; widths make that one slower. Nothing
    gets faster than the fastest point that was timed.
    """
    timed = {
        sizes: max(seconds - own, seconds * LEAST_SHARE) / grid.work(*sizes)
        for (kind, sizes), seconds in watch.best.items()
        if kind == grid.kind and sizes != grid.smallest
    }
    fastest = min(timed.values())  # the first point of the axes is always timed

    @cache  # a point not timed asks for seven smaller ones, and each of them may not be timed either
    def rate(sizes: tuple[int, ...]) -> float:
        if sizes in timed:
            return timed[sizes]
        axes = [number for number, axis in enumerate(grid.axes) if sizes[number] > axis[0]]
        less = {axis: _smaller(grid, sizes, axis) for axis in axes}
        slowest = max(rate(each) for each in less.values())
        carried = [
            rate(less[one]) * rate(less[other]) / rate(_smaller(grid, less[other], one))
            for one, other in combinations(axes, 2)
        ]
        return min(max(geometric_mean(carried), fastest), MOST_SLOWER * slowest) if carried else slowest

    return rate


def _smaller(grid: Grid, sizes: tuple[int, ...], number: int) -> tuple[int, ...]:
    """The point one step smaller on one axis."""
    axis = grid.axes[number]
    return (*sizes[:number], axis[axis.index(sizes[number]) - 1], *sizes[number + 1 :])


def _seen(grid: Grid, watch: Stopwatch) -> Iterator[tuple[int, float]]:
    for sizes in product(*grid.axes):
        if (grid.kind, sizes) in watch.best:
            yield grid.work(*sizes), watch.best[grid.kind, sizes]


def _table(grid: Grid, watch: Stopwatch, base: float) -> Table:
    own = watch.best[grid.kind, grid.smallest]
    rate = _rates(grid, watch, own)
    rates = tuple(rate(sizes) for sizes in product(*grid.axes))
    if grid.kind.endswith("backward"):
        own = max(own - base, own * LEAST_SHARE)
    return Table(overhead_s=own / grid.calls, axes=grid.axes, seconds_per_work=rates)


def _differentiation_s(watch: Stopwatch, kernels: Kernels) -> float:
    """What asking autograd costs, which a whole model pays once for all its operations."""
    grid = Grid("differentiation", ((16,),), (16,), kernels.differentiation, int)
    return min(watch.look(grid, (16,)) for _ in range(5))


def _bandwidth(watch: Stopwatch, kernels: Kernels) -> float:
    grid = Grid("large copy", ((COPIED,),), (COPIED,), kernels.large_copy, int)
    return 2 * 4 * COPIED / min(watch.look(grid, (COPIED,)) for _ in range(3))
