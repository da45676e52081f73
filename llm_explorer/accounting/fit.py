"""Does it fit, and what would make it fit."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from llm_explorer import hardware
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, check, replace
from llm_explorer.hardware import State, Verdict

# what the driver, the allocator's gaps and the program itself take: kept free unless the user says otherwise
DEFAULT_RESERVE: Final = 0.10


class Way(NamedTuple):
    """A change that makes it fit: the fields to set, and the peak that results."""

    changes: dict[str, Any]
    model: ModelConfig
    run: RunConfig
    peak_bytes: int


def verdict(peak_bytes: int, name: str, reserve: float = DEFAULT_RESERVE) -> Verdict:
    """Judge a peak on a hardware; ``reserve`` is the share of its memory to keep free.

    >>> verdict(20 * 1024**3, "24GiB").state
    'fits'
    """
    budget = hardware.budget_bytes(name)
    if budget is None:
        return Verdict(hardware=name, budget_bytes=None, reserve_bytes=0, state="unknown")
    kept = int(budget * reserve)
    state: State = "fits" if peak_bytes <= budget - kept else "tight" if peak_bytes <= budget else "does not fit"
    return Verdict(hardware=name, budget_bytes=budget, reserve_bytes=kept, state=state)


def ways_to_fit(model: ModelConfig, run: RunConfig, budget_bytes: int) -> tuple[Way, ...]:
    """Changes that bring the peak under a budget, the mildest first; each alone is enough.

    Tried one by one: a smaller batch, a shorter sequence, checkpointing, half the precision, no optimizer state, fewer
    layers, a narrower model, fewer tokens to know; where none is enough alone, all of them together as far as needed.
    """
    ways = [_enough(model, run, budget_bytes, *candidate) for candidate in _candidates(model, run)]
    alone = tuple([way for way in ways if way is not None])
    return alone or _together(model, run, budget_bytes)


def apply(model: ModelConfig, run: RunConfig, changes: Mapping[str, Any]) -> tuple[ModelConfig, RunConfig]:
    """Both configs with some fields of either changed, validated alone and together."""
    of_model = {field: value for field, value in changes.items() if field in ModelConfig.model_fields}
    of_run = {field: value for field, value in changes.items() if field not in of_model}
    model, run = replace(model, **of_model), replace(run, **of_run)
    check(model, run)
    return model, run


def _candidates(model: ModelConfig, run: RunConfig) -> Iterator[tuple[str, Sequence[Any]]]:
    """Field and values, cheapest peak first, so that a search finds the largest value that fits."""
    yield "batch_size", range(1, run.batch_size)
    yield "sequence_length", range(min(64, run.sequence(model)), run.sequence(model))
    yield "checkpointing", () if run.checkpointing else (True,)
    yield "precision", () if run.precision == "bfloat16" else ("bfloat16",)
    yield "optimizer", ("sgd",) if run.optimizer == "adamw" else ()
    yield "n_layers", range(1, model.n_layers)
    yield "emb_dim", range(model.n_heads, model.emb_dim, model.n_heads)
    yield "vocab_size", range(min(256, model.vocab_size), model.vocab_size)


def _enough(model: ModelConfig, run: RunConfig, budget: int, field: str, values: Sequence[Any]) -> Way | None:
    """The mildest of these values that is enough, or None."""

    def peak(value: Any) -> int:
        return count_memory(*apply(model, run, {field: value})).peak_bytes

    fitting = bisect_right(values, budget, key=peak)
    if fitting == 0:
        return None
    changes = {field: values[fitting - 1]}
    return Way(changes, *apply(model, run, changes), peak(values[fitting - 1]))


def _together(model: ModelConfig, run: RunConfig, budget: int) -> tuple[Way, ...]:
    changes: dict[str, Any] = {}
    for field, values in _candidates(model, run):
        way = _enough(model, run, budget, field, values)
        if way is not None:
            return (Way(changes | way.changes, way.model, way.run, way.peak_bytes),)
        if values:
            changes[field] = values[0]
            model, run = apply(model, run, {field: values[0]})
    return ()
