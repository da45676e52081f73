"""A training step followed on a tape: what is alive at each moment of its last block, its first and its ends.

What is alive in the blocks between is a straight line from the one to the other.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.rows import Leaf, leaf, sums_of
from llm_explorer.accounting.step import moments
from llm_explorer.accounting.step.attention import CAUSAL
from llm_explorer.accounting.step.block import Block
from llm_explorer.accounting.step.ends import kept_by_embeddings, kept_in_forward, loss
from llm_explorer.accounting.step.moments import BELOW, ERROR, Moment, Plan, Recipe, not_within_others
from llm_explorer.accounting.step.operations import NOTHING, OUTPUT, Torch
from llm_explorer.accounting.step.tape import Value
from llm_explorer.accounting.structure import Structure
from llm_explorer.parts import (
    ACTIVATIONS,
    EMBEDDINGS,
    GRADIENTS,
    RANDOM_STATES,
)

Leaves = tuple[Leaf, ...]
Found = Sequence[Moment]
EMBEDDED: Final = leaf("embedded tokens", ACTIVATIONS, "r * B * T * D", part=EMBEDDINGS)
# with which checkpointing repeats the same dropout: of the CPU's generator, and so not in a GPU's memory
RANDOM_STATE: Final = leaf("random states", ACTIVATIONS, "5056", part=RANDOM_STATES)
_NOTHING: Final = Value("gradient of the loss", "1", NOTHING)


@lru_cache(maxsize=128)  # kinds of step that a stranger asks for may be any, at 0.12 MB each
def plan(recipe: Recipe, structure: Structure) -> Plan:
    """Follow a step of this recipe and structure."""
    kernels = recipe.kernels
    step = _stretches(kernels, structure, recipe.accumulating, recipe.tied)
    always, embeddings = moments.base_of(recipe), kept_by_embeddings(structure, kernels)
    base, head = (*always, *embeddings), moments.gradients_of_head(recipe)
    below, all_blocks = (*base, *step.times(step.block, BELOW)), step.times(step.block, "L")
    after_blocks = _first_input((*base, *all_blocks))
    cached = (*step.times(step.cached, BELOW), *kept_in_forward(kernels))
    above = moments.gradients_above(recipe)
    found = [
        *_from_first_input(step.around(step.last_forward, (*below, *cached, *step.states))),
        *step.around(step.loss_forward, (*after_blocks, *step.times(step.cached, "L"))),
        *step.around(step.loss_backward, after_blocks),
        *_from_first_input(step.around(step.last_backward, (*below, *head, *step.states))),
        *_from_first_input(step.around(step.first_backward, (*base, *head, *above, *step.states))),
        *moments.named(
            "embedding backward",
            moments.embedding_backward(recipe, always, learned=structure.positions == "learned"),
        ),
        *moments.named("optimizer", moments.update(recipe, always)),
    ]
    kept = _merged((*_first_input((*embeddings, *all_blocks)), *step.ends))
    largest = not_within_others(found)
    sums = sums_of([kept, moments.optimizer_state(recipe), *(moment.leaves for moment in largest)])
    return Plan(largest, kept, sums)


@lru_cache(maxsize=128)
def _stretches(kernels: Kernels, structure: Structure, accumulating: bool, tied: bool) -> "_Step":  # noqa: FBT001
    """Apart from the optimizer, of which many are asked for with the same model."""
    return _Step(kernels, structure, accumulating=accumulating, tied=tied)


class _Step:
    """The stretches of a step, each on a tape of its own, without what is around it.

    ``block`` is what a block keeps until its backward, its input included, ``cached`` what autocast keeps of it until
    forward ends, ``ends`` what comes to that from the final norm on.
    """

    def __init__(self, kernels: Kernels, structure: Structure, *, accumulating: bool, tied: bool) -> None:
        self.kernels, self.structure, self.accumulating, self.tied = kernels, structure, accumulating, tied
        self.states = (RANDOM_STATE,) if kernels.checkpointing and not kernels.cuda else ()
        self.some_masks = structure.mixed and kernels.masked  # layers with a window make none of their own
        self.block, self.cached = self._kept_by_a_block(structure.of_full_layer)
        last = structure.of_last_layer
        self.last_forward = self._block_forward(last)
        self.ends, self.loss_forward, self.loss_backward = self._loss()
        self.last_backward = self._block_backward(last)
        self.first_backward = [
            Moment("first block backward", leaves)
            for _, leaves in (self.last_backward if last == structure else self._block_backward(structure))
        ]

    def around(self, stretch: Found, around: Leaves) -> list[Moment]:
        """The moments of a stretch with what is around it."""
        found = [Moment(phase, _merged((*around, *leaves))) for phase, leaves in stretch]
        if self.some_masks:
            found = [Moment(phase, tuple([_of_full_layers(each) for each in leaves])) for phase, leaves in found]
        return found

    def times(self, leaves: Leaves, repeats: str) -> Leaves:
        """In so many blocks."""
        below = "L - G - 1" if self.structure.windows == "last full" else "L - G"
        masks = {"L": "L - G", BELOW: below}[repeats] if self.some_masks else repeats
        return tuple([each.times(masks if each.name == CAUSAL else repeats) for each in leaves])

    def _kept_by_a_block(self, structure: Structure) -> tuple[Leaves, Leaves]:
        tape, x = self._tape("")
        output = self._forward(tape, structure, x)
        del output
        if self.kernels.checkpointing:
            cached = tuple([each.leaf() for each in tape.alive() if each.name != OUTPUT.name])
            return (OUTPUT, *self.states), cached
        del x
        return _kept(tape), ()

    def _block_forward(self, structure: Structure) -> Found:
        tape, x = self._tape("last block forward")
        output = self._forward(tape, structure, x)
        del output
        if not self.kernels.checkpointing:
            del x
            _kept(tape)
        elif x.storage is not None:
            x.storage.entry.component = ACTIVATIONS
        return _found(tape)

    def _loss(self) -> tuple[Leaves, Found, Found]:
        """What it keeps, and from the final norm to the loss and back."""
        tape = Torch(self.kernels, accumulating=self.accumulating, tied=self.tied)
        tape.phase = "loss forward"
        root = loss(tape, self.structure).node
        tape.copies.clear()
        kept, forward = _kept(tape), _found(tape)
        tape.moments = []
        assert root is not None
        tape.backward(root, [_NOTHING])
        return kept, forward, _found(tape)

    def _block_backward(self, structure: Structure) -> Found:
        """A block's output is freed before its backward begins."""
        tape, x = self._tape("")
        root = self._forward(tape, structure, x).node
        tape.copies.clear()
        inputs = [x] if self.kernels.checkpointing else []
        del x
        _kept(tape)
        tape.moments, tape.phase, tape.part = [], "last block backward", ""
        if inputs:
            tape.run_again(lambda: self._second_run(tape, structure, inputs[0]))
        assert root is not None
        tape.backward(root, [tape.born(ERROR.name, "B * T * D", "r")])
        return _found(tape)

    def _tape(self, phase: str) -> tuple[Torch, Value]:
        tape = Torch(self.kernels, accumulating=self.accumulating, tied=self.tied)
        tape.phase = phase
        return tape, tape.block_output()

    def _forward(self, tape: Torch, structure: Structure, x: Value) -> Value:
        tape.keeping = not self.kernels.checkpointing
        return Block(structure, self.kernels, tape).forward(x)

    def _second_run(self, tape: Torch, structure: Structure, x: Value) -> None:
        state = [tape.born("random state of the second run", "", each.formula.text) for each in self.states]
        Block(structure, self.kernels, tape).forward(x)
        del state


def _found(tape: Torch) -> Found:
    """What of a stretch is alive at a moment of it, without those within others: around all is the same."""
    leaves = {each: each.leaf() for each in dict.fromkeys(chain(*[entries for _, entries in tape.moments]))}
    return not_within_others([Moment(phase, tuple([leaves[each] for each in found])) for phase, found in tape.moments])


def _kept(tape: Torch) -> Leaves:
    """What is alive when forward is over is kept, but for gradients that were made there already."""
    kept = [each for each in tape.alive() if each.component != GRADIENTS]
    for each in kept:
        each.component = ACTIVATIONS
    return tuple([each.leaf() for each in kept])


def _merged(leaves: Leaves) -> Leaves:
    """Those of the L - 1 blocks below and those of this block as one leaf each, of L blocks."""
    found: dict[tuple[str, str], Leaf] = {}
    for each in leaves:
        key = each.name, each.component
        found[key] = each.times("L") if key in found else each
    return tuple(found.values())


def _of_full_layers(each: Leaf) -> Leaf:
    return each.times("L - G") if each.name == CAUSAL and each.repeats == "L" else each


def _from_first_input(found: list[Moment]) -> list[Moment]:
    return [Moment(phase, _first_input(leaves)) for phase, leaves in found]


def _first_input(leaves: Leaves) -> Leaves:
    """The input of the first of all blocks is what the embeddings made."""
    found: list[Leaf] = []
    for each in leaves:
        if (each.name, each.component) == (OUTPUT.name, OUTPUT.component) and each.repeats in ("1", "L"):
            found += [EMBEDDED, *([OUTPUT.times(BELOW)] if each.repeats == "L" else [])]
        else:
            found.append(each)
    return tuple(found)
