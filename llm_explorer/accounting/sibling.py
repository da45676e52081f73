"""The largest sibling of a config that fits a budget: the same kind of blocks and the same recipe, only smaller.

``ways_to_fit`` is about how else to run a model. A sibling is what a machine that is too small for it can build
instead, to see the formulas confirmed on something of its kind.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from llm_explorer.accounting.fit import Needed, Way, apply
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig

# What is given up, the least first. Depth changes no shape; batch and sequence only how much runs at once; then the
# vocabulary, which is most of a small model; heads, and with them the width of every matrix, last.
_AT_ONCE: Final = ("accumulation", "batch_size", "sequence_length")
GIVEN_UP: Final[tuple[tuple[str, ...], ...]] = (
    ("n_layers",),
    ("n_layers", "accumulation", "batch_size"),
    ("n_layers", *_AT_ONCE),
    ("n_layers", "vocab_size"),
    ("n_layers", *_AT_ONCE, "vocab_size"),
    ("n_layers", *_AT_ONCE, "vocab_size", "n_heads"),
)
# coarse, so that the sibling stays the same while the memory that is free changes a little
_SEQUENCE_STEP: Final = 64
_VOCABULARY_STEP: Final = 1024
_SIZES: Final = ("n_layers", "vocab_size", "n_heads", "n_kv_heads", "emb_dim", "hidden_dim", "expert_hidden_dim")


def _tensors(model: ModelConfig, run: RunConfig) -> int:
    return count_memory(model, run, "cpu").peak_bytes


class Room(NamedTuple):
    """What a step may take: bytes, of tensors on a CPU or what else is ``needed``, and FLOPs where time is short."""

    peak_bytes: int
    flops: int | None = None
    needed: Needed = _tensors

    def has(self, model: ModelConfig, run: RunConfig) -> bool:
        """Whether a step of this config fits.

        >>> Room(3 * 1024**3).has(ModelConfig(), RunConfig())
        True
        """
        fits = self.needed(model, run) <= self.peak_bytes
        return fits and (self.flops is None or step_flops(model, run) <= self.flops)


@lru_cache(maxsize=64)  # a page asks at every rerun
def largest_sibling(model: ModelConfig, run: RunConfig, room: Room) -> Way | None:
    """The sibling of a config that does not fit; None where not even the smallest does.

    >>> largest_sibling(ModelConfig(), RunConfig(), Room(2 * 1024**3)).changes
    {'n_layers': 6}
    """
    for fields in GIVEN_UP:
        way = _giving_up(model, run, room, fields)
        if way is not None:
            return way
    return None


def smaller_by(
    model: ModelConfig, run: RunConfig, other_model: ModelConfig, other_run: RunConfig
) -> dict[str, Any] | None:
    """What makes the other config a smaller sibling of this one; None where it is none.

    >>> smaller_by(ModelConfig(), RunConfig(), ModelConfig(n_layers=4), RunConfig())
    {'n_layers': 4}
    """
    sizes, others = _sizes(model, run), _sizes(other_model, other_run)
    changes = {field: size for field, size in others.items() if size != sizes[field]}
    is_smaller = all(None not in (size, sizes[field]) and size < sizes[field] for field, size in changes.items())
    if not changes or not is_smaller:
        return None
    return changes if apply(model, run, changes) == (other_model, other_run) else None


def _sizes(model: ModelConfig, run: RunConfig) -> dict[str, Any]:
    """All that a sibling may have smaller."""
    of_run = {field: getattr(run, field) for field in _AT_ONCE} | {"sequence_length": run.sequence(model)}
    return {field: getattr(model, field) for field in _SIZES} | of_run


def _giving_up(model: ModelConfig, run: RunConfig, room: Room, fields: Sequence[str]) -> Way | None:
    """These fields as small as they go, then each given back as far as it fits, what was given up last first."""
    values = {field: _values(model, run, field) for field in fields}
    chosen = {field: sizes[0] for field, sizes in values.items()}

    def smaller(sizes: Mapping[str, int]) -> tuple[ModelConfig, RunConfig]:
        return apply(model, run, _changes(model, run, sizes))

    def is_too_large(field: str, size: int) -> bool:
        return not room.has(*smaller(chosen | {field: size}))

    for field in reversed(fields):
        fitting = bisect_left(values[field], True, key=partial(is_too_large, field))
        if fitting == 0:
            return None
        chosen[field] = values[field][fitting - 1]
    changes, configs = _changes(model, run, chosen), smaller(chosen)
    return Way(changes, *configs, count_memory(*configs, "cpu").peak_bytes) if changes and room.has(*configs) else None


def _values(model: ModelConfig, run: RunConfig, field: str) -> list[int]:
    """The values that a field may take, the smallest first, its own last."""
    steps = {"sequence_length": _SEQUENCE_STEP, "vocab_size": _VOCABULARY_STEP}
    own, step = _sizes(model, run)[field], steps.get(field, 1)
    return [*range(step, own, step), own]


def _changes(model: ModelConfig, run: RunConfig, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The fields to set for these sizes: those that differ, and with fewer heads all that is as wide as they are."""
    own = _sizes(model, run)
    changes: dict[str, Any] = {field: size for field, size in sizes.items() if size != own[field]}
    return changes | (_narrower(model, changes["n_heads"]) if "n_heads" in changes else {})


def _narrower(model: ModelConfig, heads: int) -> dict[str, Any]:
    """So many of its heads, each as wide as before, and everything else narrower by the same share."""
    changes = {}
    for field in ("emb_dim", "hidden_dim", "expert_hidden_dim", "n_kv_heads"):
        size = getattr(model, field)
        if size is not None:
            changes[field] = max(1, size * heads // model.n_heads)
    if "n_kv_heads" in changes:  # they must divide the heads
        most = changes["n_kv_heads"]
        changes["n_kv_heads"] = max(count for count in range(1, most + 1) if heads % count == 0)
    return {field: size for field, size in changes.items() if size != getattr(model, field)}
