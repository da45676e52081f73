"""The moments of a step of a modern model, followed on a tape: as moments.py has them for GPT-2."""

from functools import lru_cache
from typing import Final

from llm_explorer.accounting import moments
from llm_explorer.accounting.block_forward import CAUSAL, OUTPUT, random_states
from llm_explorer.accounting.ends import EMBEDDED
from llm_explorer.accounting.lifetimes import ACTIVATIONS, GRADIENTS, RESIDUAL, merged, temporary
from llm_explorer.accounting.modern_block import Block
from llm_explorer.accounting.modern_ends import kept_by_embeddings, kept_in_forward, loss
from llm_explorer.accounting.moments import BELOW, Moment, Plan, Recipe
from llm_explorer.accounting.rows import Leaf, sums_of
from llm_explorer.accounting.structure import Structure
from llm_explorer.accounting.tape import Value
from llm_explorer.accounting.tape_operations import NOTHING, Torch

Leaves = tuple[Leaf, ...]
_NOTHING: Final = Value("gradient of the loss", "1", NOTHING)


@lru_cache(maxsize=512)
def plan(recipe: Recipe, structure: Structure) -> Plan:
    """Follow a step of this recipe and structure."""
    step, first = _Step(recipe, structure.of_last_layer), _Step(recipe, structure)
    always, embeddings = moments.base_of(recipe), kept_by_embeddings(structure, recipe.kernels)
    base, head = (*always, *embeddings), moments.gradients_of_head(recipe)
    block, cached = _Step(recipe, structure.of_full_layer).kept_by_a_block()
    below = (*base, *step.times(block, BELOW))
    shared = kept_in_forward(recipe.kernels)
    ends, in_loss = step.loss((*base, *step.times(block, "L")), (*shared, *step.times(cached, "L")))
    found = [
        *step.block_forward((*below, *shared, *step.times(cached, BELOW))),
        *in_loss,
        *step.block_backward("last block backward", (*below, *head)),
        *first.block_backward("first block backward", (*base, *head, *moments.gradients_above(recipe))),
        *moments.named("embedding backward", moments.embedding_backward(recipe, always)),
        *moments.named("optimizer", moments.update(recipe, always)),
    ]
    kept = _first_input((*embeddings, *step.times(block, "L"), *ends))
    largest = moments.not_within_others(found)
    sums = sums_of([kept, moments.optimizer_state(recipe), *(moment.leaves for moment in largest)])
    return Plan(largest, kept, sums)


class _Step:
    """The stretches of a step, each on a tape of its own, and what is around it."""

    def __init__(self, recipe: Recipe, structure: Structure) -> None:
        self.recipe, self.kernels, self.structure = recipe, recipe.kernels, structure
        self.states = random_states(recipe.kernels) if recipe.kernels.checkpointing else ()
        self.some_masks = structure.mixed and recipe.kernels.masked  # layers with a window make none of their own

    def kept_by_a_block(self) -> tuple[Leaves, Leaves]:
        """What a block keeps until its backward, its input included, and what autocast keeps of it to forward's end."""
        tape, x = self._tape("")
        output = self._forward(tape, x)
        del output
        if self.kernels.checkpointing:
            cached = [temporary(each.name, each.formula) for each in tape.alive() if each.name != OUTPUT.name]
            return (OUTPUT, *self.states), tuple(cached)
        del x
        return _kept(tape), ()

    def block_forward(self, around: Leaves) -> list[Moment]:
        """The last block's."""
        tape, x = self._tape("last block forward")
        output = self._forward(tape, x)
        del output
        if not self.kernels.checkpointing:
            del x
            _kept(tape)
        elif x.storage is not None:
            x.storage.entry.component = ACTIVATIONS
        return self.moments(tape, (*around, *self.states))

    def loss(self, around: Leaves, cached: Leaves) -> tuple[Leaves, list[Moment]]:
        """What the end of forward keeps, and the moments from the final norm to the loss and back."""
        tape = Torch(self.kernels, accumulating=self.recipe.accumulating, tied=self.recipe.tied)
        tape.phase = "loss forward"
        root = loss(tape, self.structure).node
        tape.copies.clear()
        kept = _kept(tape)
        forward = self.moments(tape, (*around, *cached))
        tape.moments = []
        assert root is not None
        tape.backward(root, [_NOTHING])
        return kept, [*forward, *self.moments(tape, around)]

    def block_backward(self, phase: str, around: Leaves) -> list[Moment]:
        """What the blocks above have left is around; a block's output is freed before its backward begins."""
        tape, x = self._tape("")
        root = self._forward(tape, x).node
        tape.copies.clear()
        inputs = [x] if self.kernels.checkpointing else []
        del x
        _kept(tape)
        tape.moments, tape.phase, tape.part = [], phase, ""
        if inputs:
            tape.run_again(lambda: self._second_run(tape, inputs[0]))
        assert root is not None
        tape.backward(root, [tape.born("gradient of the residual stream", "B * T * D", "r")])
        return self.moments(tape, (*around, *self.states))

    def moments(self, tape: Torch, around: Leaves) -> list[Moment]:
        """The tape's, with what is around."""
        found = [(phase, merged((*around, *[each.leaf() for each in entries]))) for phase, entries in tape.moments]
        if self.some_masks:
            found = [(phase, tuple([_of_full_layers(each) for each in leaves])) for phase, leaves in found]
        return [Moment(phase, _first_input(leaves)) for phase, leaves in found]

    def times(self, leaves: Leaves, repeats: str) -> Leaves:
        """In so many blocks."""
        below = "L - G - 1" if self.structure.windows == "last full" else "L - G"
        masks = {"L": "L - G", BELOW: below}[repeats] if self.some_masks else repeats
        return tuple([each.times(masks if each.name == CAUSAL else repeats) for each in leaves])

    def _tape(self, phase: str) -> tuple[Torch, Value]:
        tape = Torch(self.kernels, accumulating=self.recipe.accumulating, tied=self.recipe.tied)
        tape.phase, tape.part = phase, RESIDUAL
        x = tape.born(OUTPUT.name, "B * T * D", "r")
        x.node = tape.sink
        return tape, x

    def _forward(self, tape: Torch, x: Value) -> Value:
        tape.keeping = not self.kernels.checkpointing
        return Block(self.structure, self.kernels, tape).forward(x)

    def _second_run(self, tape: Torch, x: Value) -> None:
        state = [tape.born("random state of the second run", each.formula.text, "1") for each in self.states]
        Block(self.structure, self.kernels, tape).forward(x)
        del state


def _kept(tape: Torch) -> Leaves:
    """What is alive when forward is over is kept, but for gradients that were made there already."""
    kept = [each for each in tape.alive() if each.component != GRADIENTS]
    for each in kept:
        each.component = ACTIVATIONS
    return tuple([each.leaf() for each in kept])


def _of_full_layers(each: Leaf) -> Leaf:
    return each.times("L - G") if each.name == CAUSAL and each.repeats == "L" else each


def _first_input(leaves: Leaves) -> Leaves:
    """The input of the first of all blocks is what the embeddings made."""
    found: list[Leaf] = []
    for each in leaves:
        if (each.name, each.component) == (OUTPUT.name, OUTPUT.component) and each.repeats in ("1", "L"):
            found += [EMBEDDED, *([OUTPUT.times(BELOW)] if each.repeats == "L" else [])]
        else:
            found.append(each)
    return tuple(found)
