"""What was learnt about a device, as plain data: how long each kind of operation takes, by its sizes."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from math import exp, log, prod
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from llm_explorer.accounting.process import Allocator
from llm_explorer.config import Bf16Products, RunConfig
from llm_explorer.machine import default_threads, processor_name, torch_version
from llm_explorer.plain import Plain
from llm_explorer.speed.operation import ATTENTIONS, PRODUCTS, Operation, Phase, Recipe, kinds_of

VERSION: Final = 3  # of the way a calibration is made and read; any other is made anew

Group = Literal["products", "attention", "values", "overhead"]
# wider than any device there is, and so narrow that no sum of a step leaves the range of a float
Seconds = Annotated[float, Field(ge=1e-18, le=1e3)]
Factor = Annotated[float, Field(ge=1e-3, le=1e3)]  # fit_factors.py gives 0.3 to 8
Rate = Annotated[float, Field(ge=1, le=1e24)]  # FLOPs or bytes a second
Size = Annotated[int, Field(ge=1, le=2**53)]


class Key(Plain):
    """What a calibration holds for; anything else is measured anew."""

    version: int
    processor: str
    torch: str | None
    device: str
    recipe: Recipe
    bf16_products: Bf16Products
    threads: int
    allocator: Allocator


class Table(Plain):
    """Seconds of one kind of operation: a call's own, and for each unit of work, on a grid of sizes.

    With one axis the size is the work. Between the points the logarithms are interpolated, beyond them the nearest
    point's seconds for a unit of work hold.

    >>> table = Table(overhead_s=1e-6, axes=((100, 10000),), seconds_per_work=(1e-9, 4e-9))
    >>> round(table.seconds((1000,), 1000) * 1e6, 6)  # µs: half way between the points, 2 ns for each of 1000
    2.0
    """

    overhead_s: Seconds
    axes: tuple[tuple[Size, ...], ...]  # each from its smallest size to its largest
    seconds_per_work: tuple[Seconds, ...]  # the last axis runs fastest

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        if not self.axes or len(self.seconds_per_work) != prod(map(len, self.axes)) or not self.seconds_per_work:
            raise ValueError("as many values as the axes have places are needed, and at least one")
        if any(size >= following for axis in self.axes for size, following in pairwise(axis)):
            raise ValueError("the sizes of an axis rise")
        return self

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


class Calibration(Plain):
    """All that is known of a device: tables by kind of operation, and what whole small models said of their sums.

    ``factors``: by phase and group of operations, what their tables' seconds are multiplied by. ``peak_flops``: of the
    fastest matrix product seen; ``bandwidth_bytes_per_s``: of a copy too large for any cache, read and written.
    ``disturbance``: by what share a usual step took longer than the shortest while this was learnt, which is the doing
    of whatever else used the processor. ``products_in_fp32``: whether bf16 products were made so.
    """

    key: Key
    made: str  # date and time, ISO 8601
    seconds: Seconds
    peak_flops: Rate
    bandwidth_bytes_per_s: Rate
    tables: Mapping[str, Table]
    factors: Mapping[Phase, Mapping[Group, Factor]]
    disturbance: Annotated[float, Field(ge=0, le=1e6)]
    products_in_fp32: bool

    @field_validator("made")
    @classmethod
    def _is_a_date(cls, made: str) -> str:
        datetime.fromisoformat(made)
        return made

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """A file that is well formed may lack what a prediction looks up."""
        missing = set(kinds_of(self.key.recipe)) - set(self.tables)
        if missing:
            raise ValueError(f"no tables of {missing}")
        for kind, table in self.tables.items():
            if len(table.axes) != (3 if kind in (*PRODUCTS, *ATTENTIONS) else 1):
                raise ValueError(f"the table of {kind} has {len(table.axes)} axes")
        if any(set(get_args(Group)) - set(self.factors.get(phase, ())) for phase in get_args(Phase)):
            raise ValueError("not every phase has a factor for every group")
        return self


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
