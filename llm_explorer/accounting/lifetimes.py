"""What is alive, operation by operation: each makes some tensors, and when it is done others are needed no more."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from llm_explorer.accounting.rows import Leaf, leaf

WEIGHTS: Final = "parameters"
GRADIENTS: Final = "gradients"
OPTIMIZER: Final = "optimizer state"
ACTIVATIONS: Final = "activations"
TEMPORARY: Final = "temporary"
BATCH: Final = "batch"
CATEGORIES: Final = (WEIGHTS, GRADIENTS, OPTIMIZER, ACTIVATIONS, TEMPORARY, BATCH)

# the part of the model whose code makes a tensor
EMBEDDINGS: Final = "embeddings"
NORMS: Final = "norms"
ATTENTION: Final = "attention"
FEED_FORWARD: Final = "feed-forward"
RESIDUAL: Final = "residual stream"
HEAD: Final = "head"
LOSS: Final = "loss"
RANDOM_STATES: Final = "random states"
UPDATE: Final = "optimizer"
PARTS: Final = (EMBEDDINGS, NORMS, ATTENTION, FEED_FORWARD, RESIDUAL, HEAD, LOSS, RANDOM_STATES, UPDATE)


class Operation(NamedTuple):
    """What is ``born`` by it, by name what ``dies`` after it, and what forward, not backward, is ``done`` with."""

    born: tuple[Leaf, ...] = ()
    dies: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


class Alive:
    """What is alive now, ``around`` it all the time, and every moment at which something had just been born."""

    def __init__(self, around: Iterable[Leaf], now: Iterable[Leaf] = ()) -> None:
        self.around = tuple(around)
        self.now = {each.name: each for each in now}
        self.moments: list[tuple[Leaf, ...]] = []

    def run(self, operations: Iterable[Operation], *, keeping: bool = True, accumulating: bool = False) -> None:
        """Go through operations.

        Without ``keeping`` all dies that forward is done with, as under checkpointing; when ``accumulating`` a new
        gradient is added to the one there is, and gone.
        """
        for operation in operations:
            born = operation.born
            if accumulating:
                born = tuple([temporary(each.name, each.formula.text) for each in born])
            self.now |= {each.name: each for each in born}
            if born:
                self.moments.append(merged((*self.around, *self.now.values())))
            added = [each.name for each in operation.born if accumulating and each.component == GRADIENTS]
            for name in (*operation.dies, *(() if keeping else operation.done), *added):
                self.now.pop(name, None)

    def take_moments(self) -> list[tuple[Leaf, ...]]:
        """The moments since they were last taken."""
        taken, self.moments = self.moments, []
        return taken


def merged(leaves: Iterable[Leaf]) -> tuple[Leaf, ...]:
    """Those of the L - 1 blocks below and those of this block as one leaf each, of L blocks."""
    found: dict[tuple[str, str], Leaf] = {}
    for each in leaves:
        key = each.name, each.component
        if key in found:
            each = each.times("L")
        found[key] = each
    return tuple(found.values())


def saved(name: str, part: str, formula: str) -> Leaf:
    """A tensor that backward needs."""
    return leaf(name, ACTIVATIONS, formula, part=part)


def temporary(name: str, formula: str) -> Leaf:
    """A tensor that is needed for a moment."""
    return leaf(name, TEMPORARY, formula)


def gradient(name: str, formula: str) -> Leaf:
    """A gradient of weights."""
    return leaf(name, GRADIENTS, formula)
