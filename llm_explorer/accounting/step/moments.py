"""The moments of a step outside its blocks at which its peak can lie, each a list of what is alive then.

Of all moments those remain in which no other holds all that they hold.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.rows import Leaf, leaf
from llm_explorer.parts import BATCH, GRADIENTS, OPTIMIZER, TEMPORARY, WEIGHTS

BELOW: Final = "L - 1"
HEAD_GRADIENT: Final = "gradient of head weights"
ERROR: Final = leaf("gradient of the residual stream", TEMPORARY, "r * B * T * D")


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


def named(phase: str, found: Iterable[tuple[Leaf, ...]]) -> list[Moment]:
    """Moments of a phase."""
    return [Moment(phase, leaves) for leaves in found]


def base_of(recipe: Recipe) -> tuple[Leaf, ...]:
    """What is there all through a step."""
    always = (leaf("weights", WEIGHTS, "w * P"), *optimizer_state(recipe), leaf("batch", BATCH, "16 * B * T"))
    if recipe.accumulating:
        return (*always, leaf("accumulated gradients", GRADIENTS, "w * P"))
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


def gradients_of_head(recipe: Recipe) -> tuple[Leaf, ...]:
    """What is there when backward has come to the blocks; one of two of a tied matrix waits for the other."""
    if not recipe.accumulating:
        return (leaf(HEAD_GRADIENT, GRADIENTS, "w * V * D"), leaf("gradient of the final norm", GRADIENTS, "2 * w * D"))
    return (leaf(HEAD_GRADIENT, TEMPORARY, "w * V * D"),) if recipe.tied else ()


def gradients_above(recipe: Recipe) -> tuple[Leaf, ...]:
    """Of the weights of all blocks but the first, when backward has come to that."""
    return () if recipe.accumulating else (leaf("gradients of blocks above", GRADIENTS, "w * Q", repeats=BELOW),)


def embedding_backward(recipe: Recipe, base: tuple[Leaf, ...], *, learned: bool) -> list[tuple[Leaf, ...]]:
    """All other gradients exist, ``learned`` positions' too; a tied matrix gets its second one beside the first."""
    around: tuple[Leaf, ...] = (*base, leaf("gradients", GRADIENTS, "w * P"))
    second = "second gradient of the tied matrix" if recipe.tied else "gradient of the embedding"
    if recipe.accumulating:
        around = (*base, *gradients_of_head(recipe))
    elif not recipe.tied:
        return [(*around, ERROR)]
    found = [(*around, leaf(second, TEMPORARY, "w * V * D"), ERROR)]
    if recipe.accumulating and learned:
        of_rows = leaf("gradient of the rows of the position embedding", TEMPORARY, "r * T * D")
        whole = leaf("gradient of the position embedding", TEMPORARY, "w * C * D")
        found.append((*around, whole, of_rows, ERROR))
    # autograd adds in place where the first owns its storage: not where it is the transposed view of a product
    if recipe.tied and not (recipe.kernels.autocast or recipe.kernels.chunked):
        found.append(
            (*around, leaf(second, TEMPORARY, "w * V * D"), leaf("sum of both gradients", TEMPORARY, "w * V * D"))
        )
    return found


def update(recipe: Recipe, base: tuple[Leaf, ...]) -> list[tuple[Leaf, ...]]:
    """Gradients to fp32 where there are masters, one by one (X elements new and beside the old at most); then foreach
    makes one more tensor of every parameter, the loop two of each beside one of the parameter before (M elements)."""
    if recipe.optimizer == "none":
        return []
    master = recipe.kernels.precision == "bfloat16_master"
    gradients = base if recipe.accumulating else (*base, leaf("gradients", GRADIENTS, "w * P"))
    found = []
    if master:
        found.append((*gradients, leaf("gradients turned into fp32 so far", TEMPORARY, "w * X")))
        gradients = (*gradients, leaf("gradients in fp32", TEMPORARY, "(4 - w) * P"))
    value = "4" if master else "w"
    sizes = {"foreach": f"{value} * P", "for_loop": f"{value} * M", "fused": "0"}
    working = sizes[recipe.implementation] if recipe.optimizer == "adamw" else "0"
    return [*found, (*gradients, leaf("optimizer's working memory", TEMPORARY, working))]


def not_within_others(moments: Sequence[Moment]) -> tuple[Moment, ...]:
    """The moments without those that are never the first with the most bytes: another holds the same sizes and more."""
    sizes = [_sizes(moment.leaves) for moment in moments]
    largest: dict[int, frozenset[tuple[str, str, int]]] = {}
    for number in sorted(range(len(moments)), key=lambda number: (-len(sizes[number]), number)):
        if not any(sizes[number] <= larger for larger in largest.values()):
            largest[number] = sizes[number]
    return tuple([moments[number] for number in sorted(largest)])


def _sizes(leaves: Iterable[Leaf]) -> frozenset[tuple[str, str, int]]:
    """Formula and repeats of each leaf, equal ones numbered, so that sets of them compare as lists would."""
    met = Counter([(each.formula.text, each.repeats) for each in leaves])
    return frozenset([(*size, number) for size, times in met.items() for number in range(times)])
