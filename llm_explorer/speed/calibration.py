"""What was learnt about a device, as plain data: how long each kind of operation takes, by its sizes."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import exp, log
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from llm_explorer.config import Bf16Products, RunConfig
from llm_explorer.machine import default_threads, processor_name, torch_version
from llm_explorer.speed.operations import ATTENTIONS, PRODUCTS, Operation, Phase
from llm_explorer.worker.limits import Allocator

VERSION: Final = 3  # of the way a calibration is made and read; any other is made anew

Recipe = Literal["float32", "autocast", "bfloat16"]
Group = Literal["products", "attention", "values", "overhead"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Key(_Plain):
    """What a calibration holds for; anything else is measured anew."""

    version: int
    processor: str
    torch: str | None
    device: str
    recipe: Recipe
    bf16_products: Bf16Products
    threads: int
    allocator: Allocator


class Table(_Plain):
    """Seconds of one kind of operation: a call's own, and for each unit of work, on a grid of sizes.

    With one axis the size is the work. Between the points the logarithms are interpolated, beyond them the nearest
    point's seconds for a unit of work hold.

    >>> Table(overhead_s=1e-6, axes=((100, 10000),), seconds_per_work=(1e-9, 4e-9)).seconds((1000,), 1000)
    2e-06
    """

    overhead_s: Positive
    axes: tuple[tuple[Annotated[int, Field(ge=1)], ...], ...]
    seconds_per_work: tuple[Positive, ...]  # the last axis runs fastest

    def seconds(self, sizes: Sequence[int], work: int) -> float:
        """Of one operation, without its overhead."""
        if len(self.axes) == 1:
            return self._seconds_by_work(work)
        corners = [(0, 1.0)]
        for axis, size in zip(self._logs, sizes, strict=True):
            below, share = _place(axis, log(max(size, 1)))
            corners = [
                (index * len(axis) + below + step, weight * part)
                for index, weight in corners
                for step, part in ((0, 1 - share), (1, share))
                if part
            ]
        values = self._log_values
        return work * exp(sum([weight * values[index] for index, weight in corners]))

    def _seconds_by_work(self, work: int) -> float:
        """With one axis, as most tables have it: a page asks for a hundred of these."""
        below, share = _place(self._logs[0], log(max(work, 1)))
        values = self._log_values
        value = values[below] + share * (values[below + 1] - values[below]) if share else values[below]
        return work * exp(value)

    @cached_property
    def _logs(self) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(log(size) for size in axis) for axis in self.axes)

    @cached_property
    def _log_values(self) -> tuple[float, ...]:
        return tuple(log(value) for value in self.seconds_per_work)


class Calibration(_Plain):
    """All that is known of a device: tables by kind of operation, and what whole small models said of their sums.

    ``factors``: by phase and group of operations, what their tables' seconds are multiplied by. ``peak_flops``: of the
    fastest matrix product seen; ``bandwidth_bytes_per_s``: of a copy too large for any cache, read and written.
    ``disturbance``: by what share a usual step took longer than the shortest while this was learnt, which is the doing
    of whatever else used the processor. ``products_in_fp32``: whether bf16 products were made so.
    """

    key: Key
    made: str  # date and time, ISO 8601
    seconds: float
    peak_flops: Positive
    bandwidth_bytes_per_s: Positive
    tables: Mapping[str, Table]
    factors: Mapping[Phase, Mapping[Group, Positive]]
    disturbance: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    products_in_fp32: bool


def key_for(run: RunConfig, allocator: Allocator) -> Key:
    """The key of the calibration that a run on this machine needs, with these settings of malloc."""
    return Key(
        version=VERSION,
        processor=processor_name(),
        torch=torch_version(),
        device="cuda:0" if run.device == "cuda" else run.device,
        recipe=recipe_of(run),
        # of nothing else the choice changes anything
        bf16_products=run.bf16_products if run.precision != "float32" and run.device == "cpu" else "own",
        threads=run.threads or default_threads(),
        allocator=allocator,
    )


def recipe_of(run: RunConfig) -> Recipe:
    """The dtypes of forward and backward: those of bfloat16 with and without fp32 masters are the same."""
    return "bfloat16" if run.precision == "bfloat16_master" else run.precision


def group_of(operation: Operation) -> Group:
    """Which factor its seconds take."""
    return "products" if operation.kind in PRODUCTS else "attention" if operation.kind in ATTENTIONS else "values"


def _place(axis: Sequence[float], position: float) -> tuple[int, float]:
    """The point below, and how far it is to the next, from 0 to 1."""
    if position <= axis[0]:
        return 0, 0.0
    if position >= axis[-1]:
        return len(axis) - 1, 0.0
    below = bisect_right(axis, position) - 1
    return below, (position - axis[below]) / (axis[below + 1] - axis[below])
