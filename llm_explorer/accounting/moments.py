"""The moments of a training step at which its peak can lie, each a list of what is alive then.

The step is followed operation by operation through its last block and its first: what is alive in the blocks between
is a straight line from the one to the other. Of the moments those remain in which no other holds all that they hold.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from llm_explorer.accounting import block_backward, block_forward, ends
from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.lifetimes import (
    BATCH,
    GRADIENTS,
    OPTIMIZER,
    WEIGHTS,
    Alive,
    Operation,
    gradient,
    temporary,
)
from llm_explorer.accounting.rows import Leaf, leaf, sums_of

BELOW: Final = "L - 1"


class Moment(NamedTuple):
    """A point of the step at which the peak can lie: what is alive then."""

    phase: str
    leaves: tuple[Leaf, ...]


class Recipe(NamedTuple):
    """All choices that decide which terms there are; their sizes come in as letters."""

    kernels: Kernels
    tied: bool
    optimizer: str
    implementation: str
    accumulating: bool


class Plan(NamedTuple):
    """The moments of a recipe, and what is kept for backward when forward is done.

    ``sums`` of the letters gives the bytes that are kept, those of the optimizer's state, and those of each moment.
    """

    moments: tuple[Moment, ...]
    kept: tuple[Leaf, ...]
    sums: Callable[..., tuple[int, ...]]


@lru_cache(maxsize=128)
def plan(recipe: Recipe) -> Plan:
    """Follow a step of this recipe."""
    base, kept_by_embeddings = base_of(recipe), ends.kept_by_embeddings(recipe.kernels)
    block, cached = _kept_by_a_block(recipe.kernels)
    loss = Alive((*base, *kept_by_embeddings, *_times(block, "L")), _times(cached, "L"))
    loss.run(ends.chunked_forward(recipe.kernels) if recipe.kernels.chunked else ends.loss_forward(recipe.kernels))
    in_loss = loss.take_moments()
    loss.run([Operation(dies=tuple([each.name for each in cached]))])
    kept = (*kept_by_embeddings, *_times(block, "L"), *[each for each in loss.now.values() if each.part])
    below, head = (*base, *kept_by_embeddings, *_times(block, BELOW)), gradients_of_head(recipe)
    above = (*base, *kept_by_embeddings, *head, *gradients_above(recipe))
    moments = [
        *named("last block forward", _block_forward(recipe, (*below, *_times(cached, BELOW)))),
        *named("loss forward", in_loss),
        *_loss_backward(recipe, loss),
        *named("last block backward", _block_backward(recipe, (*below, *head), block)),
        *named("first block backward", _block_backward(recipe, above, block)),
        *named("embedding backward", embedding_backward(recipe, base, learned=True)),
        *named("optimizer", update(recipe, base)),
    ]
    largest = not_within_others(moments)
    sums = sums_of([kept, optimizer_state(recipe), *(moment.leaves for moment in largest)])
    return Plan(largest, kept, sums)


def named(phase: str, found: Iterable[tuple[Leaf, ...]]) -> list[Moment]:
    """Moments of a phase."""
    return [Moment(phase, leaves) for leaves in found]


def base_of(recipe: Recipe) -> tuple[Leaf, ...]:
    """What is there all through a step."""
    always = (leaf("weights", WEIGHTS, "w * P"), *optimizer_state(recipe), leaf("batch", BATCH, "16 * B * T"))
    if recipe.accumulating:
        return (*always, gradient("accumulated gradients", "w * P"))
    return always


def optimizer_state(recipe: Recipe) -> tuple[Leaf, ...]:
    """What the optimizer keeps from step to step."""
    state: list[Leaf] = []
    if recipe.kernels.precision == "bfloat16_master" and recipe.optimizer != "none":
        state.append(leaf("fp32 master weights", OPTIMIZER, "4 * P"))
    if recipe.optimizer == "adamw":
        size = "2 * w" if recipe.kernels.precision != "bfloat16_master" else "8"
        state.append(leaf("AdamW moments", OPTIMIZER, f"{size} * P"))
        state.append(leaf("AdamW step counts", OPTIMIZER, "4 * Y"))
    return tuple(state) or (leaf("no state", OPTIMIZER, "0"),)


def _kept_by_a_block(kernels: Kernels) -> tuple[tuple[Leaf, ...], tuple[Leaf, ...]]:
    """What a block keeps until its backward, and what autocast keeps of it until forward is over."""
    alive = Alive(())
    alive.run(block_forward.forward(kernels), keeping=not kernels.checkpointing)
    if not kernels.checkpointing:
        return tuple(alive.now.values()), ()
    output = alive.now.pop(block_forward.OUTPUT.name)
    cached = [temporary(each.name, each.formula.text) for each in alive.now.values()]
    return (output, *block_forward.random_states(kernels)), tuple(cached)


def _block_forward(recipe: Recipe, around: tuple[Leaf, ...]) -> list[tuple[Leaf, ...]]:
    kernels = recipe.kernels
    alive = Alive(around, block_forward.random_states(kernels) if kernels.checkpointing else ())
    alive.run(block_forward.forward(kernels), keeping=not kernels.checkpointing)
    return alive.take_moments()


def _loss_backward(recipe: Recipe, alive: Alive) -> Iterator[Moment]:
    """From the loss to the final norm."""
    kernels, accumulating = recipe.kernels, recipe.accumulating
    if kernels.chunked:
        added = (ends.HEAD_GRADIENT,) if accumulating and not recipe.tied else ()
        alive.run([Operation(dies=added), *ends.chunked_backward(kernels)], accumulating=accumulating)
    else:
        alive.run(ends.loss_backward(kernels))
        yield from named("loss backward", alive.take_moments())
        alive.run(ends.head_backward(kernels), accumulating=accumulating)
    yield from named("head backward", alive.take_moments())


def gradients_of_head(recipe: Recipe) -> tuple[Leaf, ...]:
    """What is there when backward has come to the blocks; one of two of a tied matrix waits for the other."""
    if not recipe.accumulating:
        return (gradient(ends.HEAD_GRADIENT, "w * V * D"), gradient("gradient of the final norm", "2 * w * D"))
    return (temporary(ends.HEAD_GRADIENT, "w * V * D"),) if recipe.tied else ()


def gradients_above(recipe: Recipe) -> tuple[Leaf, ...]:
    """Of the weights of all blocks but the first, when backward has come to that."""
    return () if recipe.accumulating else (leaf("gradients of blocks above", GRADIENTS, "w * Q", repeats=BELOW),)


def _block_backward(recipe: Recipe, around: tuple[Leaf, ...], kept: tuple[Leaf, ...]) -> list[tuple[Leaf, ...]]:
    """What the blocks above have left is around; a block's own output is freed before it begins."""
    kernels = recipe.kernels
    alive = Alive((*around, block_backward.ERROR), [each for each in kept if each is not block_forward.OUTPUT])
    if kernels.checkpointing:
        # it runs when backward first asks for what was not kept: after the cast, which asks for nothing
        alive.run([*block_backward.cast(kernels), *block_forward.second_run(kernels)])
    alive.run(block_backward.backward(kernels), accumulating=recipe.accumulating)
    return alive.take_moments()


def embedding_backward(recipe: Recipe, base: tuple[Leaf, ...], *, learned: bool) -> list[tuple[Leaf, ...]]:
    """All other gradients exist, ``learned`` positions' too; a tied matrix gets its second one beside the first."""
    around: tuple[Leaf, ...] = (*base, gradient("gradients", "w * P"))
    second = "second gradient of the tied matrix" if recipe.tied else "gradient of the embedding"
    if recipe.accumulating:
        around = (*base, *gradients_of_head(recipe))
    elif not recipe.tied:
        return [(*around, block_backward.ERROR)]
    found = [(*around, temporary(second, "w * V * D"), block_backward.ERROR)]
    if recipe.accumulating and learned:
        of_rows = temporary("gradient of the rows of the position embedding", "r * T * D")
        whole = temporary("gradient of the position embedding", "w * C * D")
        found.append((*around, whole, of_rows, block_backward.ERROR))
    # autograd adds in place where the first owns its storage: not where it is the transposed view of a product
    if recipe.tied and not (recipe.kernels.autocast or recipe.kernels.chunked):
        found.append((*around, temporary(second, "w * V * D"), temporary("sum of both gradients", "w * V * D")))
    return found


def update(recipe: Recipe, base: tuple[Leaf, ...]) -> list[tuple[Leaf, ...]]:
    """Gradients to fp32 where there are masters, one by one (X elements new and beside the old at most); then foreach
    makes one more tensor of every parameter, the loop two of each beside one of the parameter before (M elements)."""
    if recipe.optimizer == "none":
        return []
    master = recipe.kernels.precision == "bfloat16_master"
    gradients = base if recipe.accumulating else (*base, gradient("gradients", "w * P"))
    found = []
    if master:
        found.append((*gradients, temporary("gradients turned into fp32 so far", "w * X")))
        gradients = (*gradients, temporary("gradients in fp32", "(4 - w) * P"))
    value = "4" if master else "w"
    sizes = {"foreach": f"{value} * P", "for_loop": f"{value} * M", "fused": "0"}
    working = sizes[recipe.implementation] if recipe.optimizer == "adamw" else "0"
    return [*found, (*gradients, temporary("optimizer's working memory", working))]


def _times(leaves: Iterable[Leaf], repeats: str) -> tuple[Leaf, ...]:
    return tuple([each.times(repeats) for each in leaves])


def not_within_others(moments: list[Moment]) -> tuple[Moment, ...]:
    """The moments without those that are never the first with the most bytes: another holds the same sizes and more."""
    sizes = [_sizes(moment.leaves) for moment in moments]
    largest: dict[int, frozenset[tuple[str, str, int]]] = {}
    for number in sorted(range(len(moments)), key=lambda number: (-len(sizes[number]), number)):
        if not any(sizes[number] <= larger for larger in largest.values()):
            largest[number] = sizes[number]
    return tuple([moments[number] for number in sorted(largest)])


def _sizes(leaves: Iterable[Leaf]) -> frozenset[tuple[str, str, int]]:
    """Formula and repeats of each leaf, equal ones numbered, so that sets of them compare as lists would."""
    met: Counter[tuple[str, str]] = Counter()
    found = []
    for each in leaves:
        size = each.formula.text, each.repeats
        found.append((*size, met[size]))
        met[size] += 1
    return frozenset(found)
