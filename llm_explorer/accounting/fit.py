"""Does it fit, what would make it fit, and how much would."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any, Final, Literal, NamedTuple

from llm_explorer import machine
from llm_explorer.accounting.kernels import KernelSet, kernels_of_hardware
from llm_explorer.accounting.memory import Memory, count_memory, peak_by_size
from llm_explorer.config import ModelConfig, RunConfig, check, field_range, replace
from llm_explorer.hardware import THIS_MACHINE, find

# what the driver, the allocator's gaps and the program itself take: kept free unless the user says otherwise
DEFAULT_RESERVE: Final = 0.10
_STEP: Final = 64
_CHUNKS: Final = 8  # of the token positions: few enough for large products, many enough to help

State = Literal["fits", "tight", "does not fit", "unknown"]
Needed = Callable[[ModelConfig, RunConfig], int]  # the bytes of a step that are held against a budget


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a peak fits: ``fits`` with the reserve kept free, ``tight`` only without it."""

    hardware: str
    budget_bytes: int | None
    reserve_bytes: int
    state: State


class Way(NamedTuple):
    """A change that makes it fit: the fields to set, and the peak that results."""

    changes: dict[str, Any]
    model: ModelConfig
    run: RunConfig
    peak_bytes: int


class Saving(NamedTuple):
    """A change that may lower the peak: its name, the fields it sets, and the peak with it; None where it is in use."""

    name: str
    changes: dict[str, Any]
    peak_bytes: int | None


class Fit(NamedTuple):
    """How much fits a budget: 0 where not even one does, all None where the budget is unknown."""

    budget_bytes: int | None
    max_batch_size: int | None
    max_sequence_length: int | None


def memory_on_hardware(model: ModelConfig, run: RunConfig) -> Memory:
    """Memory with the kernels of what the run is sized for: what a verdict is about.

    >>> book, h100 = ModelConfig(), RunConfig(hardware="h100-80gb")  # attention with dropout is fused there
    >>> memory_on_hardware(book, h100).peak_bytes < count_memory(book, h100, "cpu").peak_bytes
    True
    """
    return count_memory(model, run, kernels_of_hardware(run))


def verdict(peak_bytes: int, name: str, reserve: float = DEFAULT_RESERVE) -> Verdict:
    """Judge a peak on a hardware; ``reserve`` is the share of its memory to keep free.

    >>> verdict(20 * 1024**3, "24GiB").state
    'fits'
    """
    budget = _budget_bytes(name)
    if budget is None:
        return Verdict(hardware=name, budget_bytes=None, reserve_bytes=0, state="unknown")
    kept = int(budget * reserve)
    state: State = "fits" if peak_bytes <= budget - kept else "tight" if peak_bytes <= budget else "does not fit"
    return Verdict(hardware=name, budget_bytes=budget, reserve_bytes=kept, state=state)


@lru_cache(maxsize=64)  # the verdict and the plan of a training run ask for the same
def max_batch_size(model: ModelConfig, run: RunConfig, budget_bytes: int, kernels: KernelSet | None = None) -> int:
    """The largest batch whose step takes at most so many bytes; 0 where not even one sequence fits.

    ``kernels`` are those of the run's hardware unless told.

    >>> max_batch_size(ModelConfig(), RunConfig(hardware="h100-80gb", sequence_length=1024), 80 * 1024**3)
    67
    """
    most, length = int(field_range(RunConfig, "batch_size")[1]), run.sequence(model)
    peak = peak_by_size(model, run, kernels or kernels_of_hardware(run))
    return bisect_right(range(1, most + 1), budget_bytes, key=lambda batch: peak(batch, length))


def max_sequence_length(model: ModelConfig, run: RunConfig, budget_bytes: int, kernels: KernelSet | None = None) -> int:
    """The longest sequence, at most C, whose step takes at most so many bytes; 0 where not even one token fits."""
    peak = peak_by_size(model, run, kernels or kernels_of_hardware(run))
    lengths = range(1, model.context_length + 1)
    return bisect_right(lengths, budget_bytes, key=lambda length: peak(run.batch_size, length))


def fit(model: ModelConfig, run: RunConfig, judged: Verdict) -> Fit:
    """How much fits what the run is sized for, with the verdict's reserve kept free."""
    if judged.budget_bytes is None:
        return Fit(None, None, None)
    budget = judged.budget_bytes - judged.reserve_bytes
    return Fit(budget, max_batch_size(model, run, budget), max_sequence_length(model, run, budget))


def ways_to_fit(
    model: ModelConfig,
    run: RunConfig,
    budget_bytes: int,
    kernels: KernelSet | None = None,
    needed: Needed | None = None,
) -> tuple[Way, ...]:
    """Changes that bring the peak, or what else is ``needed``, under a budget, the mildest first; each alone is enough.

    Tried one by one: a loss in chunks, the fused optimizer, a smaller batch, a shorter sequence, checkpointing, half
    the precision, no optimizer state, fewer layers, a narrower model, fewer tokens to know; where none is enough alone,
    as many of them together as it takes. ``kernels`` are those of the run's hardware unless told.
    """
    kernels = kernels or kernels_of_hardware(run)

    def peak(model: ModelConfig, run: RunConfig) -> int:
        return count_memory(model, run, kernels).peak_bytes

    needed = needed or peak
    found = [_enough(model, run, budget_bytes, needed, *candidate) for candidate in _candidates(model, run)]
    alone = [changes for changes in found if changes is not None]
    # in a model that is small enough the chunks' own memory is more than what they save
    ways = (
        alone
        or _together(model, run, budget_bytes, needed)
        or _together(model, run, budget_bytes, needed, left_out="loss_chunk")
    )
    configs = [apply(model, run, changes) for changes in ways]
    return tuple([Way(changes, *pair, peak(*pair)) for changes, pair in zip(ways, configs, strict=True)])


def savings(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> Iterator[Saving]:
    """What may lower the peak, each alone, what costs least first: with the peak that each gives.

    >>> next(savings(ModelConfig(), RunConfig(), "cpu"))
    Saving(name='loss_chunk', changes={'loss_chunk': 64}, peak_bytes=2708887076)
    """
    for name, changes in _savings(model, run).items():
        changed = apply(model, run, changes)
        yield Saving(name, changes, None if changed == (model, run) else count_memory(*changed, kernels).peak_bytes)


def _savings(model: ModelConfig, run: RunConfig) -> dict[str, dict[str, Any]]:
    """The fields that each change sets; those that they have already, where there is nothing more to take away."""
    length = run.sequence(model)
    chunk = min(max(1, run.batch_size * length // _CHUNKS), field_range(RunConfig, "loss_chunk")[1])
    split = 2 if run.batch_size % 2 == 0 else run.batch_size
    split = split if run.accumulation * split <= field_range(RunConfig, "accumulation")[1] else 1
    return {
        "loss_chunk": {"loss_chunk": min(chunk, run.loss_chunk or chunk)},
        "optimizer_implementation": {"optimizer_implementation": "fused"},
        "attention": {"attention": "sdpa"},
        "checkpointing": {"checkpointing": True},
        "batch_size": {"batch_size": run.batch_size // split, "accumulation": run.accumulation * split},
        "sequence_length": {"sequence_length": length // 2 if length > 1 else run.sequence_length},
        "drop_rate": {"drop_rate": 0.0},
        "precision": {"precision": "bfloat16"},
        "optimizer": {"optimizer": "sgd" if run.optimizer == "adamw" else run.optimizer},
        "tie_embeddings": {"tie_embeddings": True},
    }


def apply(model: ModelConfig, run: RunConfig, changes: Mapping[str, Any]) -> tuple[ModelConfig, RunConfig]:
    """Both configs with some fields of either changed, validated alone and together."""
    of_model = {field: value for field, value in changes.items() if field in ModelConfig.model_fields}
    of_run = {field: value for field, value in changes.items() if field not in of_model}
    model, run = replace(model, **of_model), replace(run, **of_run)
    check(model, run)
    return model, run


def _budget_bytes(name: str) -> int | None:
    """What may be used on that hardware: all of an accelerator's memory, what is free now on this machine."""
    row = find(name)
    return machine.free_bytes() if name == THIS_MACHINE else (row.memory_bytes if row else None)


def _candidates(model: ModelConfig, run: RunConfig) -> Iterator[tuple[str, Sequence[Any]]]:
    """Field and values, cheapest peak first, so that a search finds the largest value that fits."""
    switched, positions = _savings(model, run), run.batch_size * run.sequence(model)

    def switch(field: str) -> tuple[Any, ...]:
        value = switched[field][field]
        return () if value == getattr(run, field) else (value,)

    chunks = [2**power for power in range(6, 21)]  # from 64 on: smaller products are slow
    yield "loss_chunk", [chunk for chunk in chunks if chunk < min(positions, run.loss_chunk or positions)]
    yield "optimizer_implementation", switch("optimizer_implementation") if run.optimizer == "adamw" else ()
    yield "batch_size", range(1, run.batch_size)
    yield "sequence_length", range(min(64, run.sequence(model)), run.sequence(model))
    for field in ("checkpointing", "precision", "optimizer"):
        yield field, switch(field)
    yield "n_layers", range(1, model.n_layers)
    yield "emb_dim", _narrower(model)
    yield "vocab_size", range(min(256, model.vocab_size), model.vocab_size)


def _narrower(model: ModelConfig) -> Sequence[int]:
    """The smaller widths of whole heads, of even ones where rope turns pairs; in steps of at most 64 where heads have a
    width of their own."""
    if model.head_dim is not None:
        step = gcd(model.emb_dim, _STEP)
        return range(step, model.emb_dim, step)
    widths = range(model.n_heads, model.emb_dim, model.n_heads)
    if model.positions != "rope":
        return widths
    rotated = {width: int(width // model.n_heads * model.rope_share) for width in widths}
    return [width for width, values in rotated.items() if values and values % 2 == 0]


def _enough(
    model: ModelConfig, run: RunConfig, budget: int, needed: Needed, field: str, values: Sequence[Any]
) -> dict[str, Any] | None:
    """The mildest of these values that is enough, as a change; or None."""
    fitting = bisect_right(values, budget, key=lambda value: needed(*apply(model, run, {field: value})))
    return {field: values[fitting - 1]} if fitting else None


def _together(
    model: ModelConfig, run: RunConfig, budget: int, needed: Needed, left_out: str = ""
) -> list[dict[str, Any]]:
    """Each change as far as it goes, until with the next it fits; then without those that it fits without."""
    changes: dict[str, Any] = {}
    for field, values in _candidates(model, run):
        if field == left_out:
            continue
        enough = _enough(*apply(model, run, changes), budget, needed, field, values)
        if enough is not None:
            return [_without_needless(model, run, budget, needed, changes | enough)]
        if values:
            changes[field] = values[0]
    return []


def _without_needless(
    model: ModelConfig, run: RunConfig, budget: int, needed: Needed, changes: dict[str, Any]
) -> dict[str, Any]:
    """Only the changes that it does not fit without, the last of them as mild as is enough beside the others."""
    for field in tuple(changes):
        fewer = {other: value for other, value in changes.items() if other != field}
        if fewer and needed(*apply(model, run, fewer)) <= budget:
            changes = fewer
    *others, last = changes
    around = apply(model, run, {field: changes[field] for field in others})
    milder = _enough(*around, budget, needed, last, dict(_candidates(*around))[last])
    return changes | (milder or {})
