"""What is alive at the peak of one training step, and what inference needs.

A peak is not the sum of the parts: gradients are born while activations die. The step is followed through the moments
at which the peak can lie (loss, head, last and first block, embedding, optimizer); each is a list of what is alive
then, and the largest is the peak. Steady state: the optimizer's state exists, gradients are None at the start.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from llm_explorer.accounting import activations
from llm_explorer.accounting.activations import Kernels
from llm_explorer.accounting.kv_cache import kv_cache_row
from llm_explorer.accounting.parameters import parameter_rows
from llm_explorer.accounting.rows import Formula, Leaf, Row, leaf, letters_of, sum_of
from llm_explorer.config import ModelConfig, RunConfig

WEIGHTS: Final = "parameters"
GRADIENTS: Final = "gradients"
OPTIMIZER: Final = "optimizer state"
TEMPORARY: Final = "temporary"
BATCH: Final = "batch"
CATEGORIES: Final = (WEIGHTS, GRADIENTS, OPTIMIZER, activations.CATEGORY, TEMPORARY, BATCH)


class Memory(NamedTuple):
    """Bytes of tensors; ``activations_bytes`` are alive at the end of forward (the loss's log-probabilities included),
    the peak includes the batch, ``rows`` are what is alive at the peak and sum to it."""

    parameters_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    logits_bytes: int
    peak_bytes: int
    peak_phase: str
    inference_bytes: int
    kv_cache_bytes: int
    rows: tuple[Row, ...]


class Moment(NamedTuple):
    """A point of the step at which the peak can lie: what is alive then."""

    phase: str
    leaves: tuple[Leaf, ...]
    total: Formula


class Recipe(NamedTuple):
    """All choices that decide which terms there are; their sizes come in as letters."""

    kernels: Kernels
    tied: bool
    optimizer: str
    implementation: str
    accumulating: bool


@lru_cache(maxsize=256)  # a slider move asks for the same config several times
def count_memory(model: ModelConfig, run: RunConfig) -> Memory:
    """Follow one training step and name its peak.

    >>> count_memory(ModelConfig(), RunConfig()).peak_phase
    'loss backward'
    """
    letters = memory_letters(model, run)
    recipe = recipe_of(model, run)
    plan = _plan(recipe)
    peak, moment = max(((each.total.value(letters), each) for each in plan.moments), key=lambda pair: pair[0])
    cache = kv_cache_row(model, run).total
    weights = letters["w"] * letters["P"]
    return Memory(
        parameters_bytes=weights,
        gradients_bytes=weights,
        optimizer_bytes=plan.optimizer.value(letters),
        activations_bytes=plan.activations.value(letters),
        logits_bytes=letters["a"] * letters["B"] * letters["T"] * letters["V"],
        peak_bytes=peak,
        peak_phase=moment.phase,
        inference_bytes=weights + cache,
        kv_cache_bytes=cache,
        rows=tuple([row for each in moment.leaves if (row := each.row(letters, "bytes")).count * row.repeats]),
    )


def kept_rows(model: ModelConfig, run: RunConfig) -> tuple[Row, ...]:
    """What forward leaves alive for backward, in bytes; the rows sum to ``activations_bytes``."""
    letters = memory_letters(model, run)
    kept = activations.kept_for_backward(activations.kernels_of(model, run))
    return tuple([each.row(letters, "bytes") for each in kept])


def recipe_of(model: ModelConfig, run: RunConfig) -> Recipe:
    """The choices of this model and run."""
    kernels = activations.kernels_of(model, run)
    implementation = run.optimizer_implementation
    return Recipe(kernels, model.tie_embeddings, run.optimizer, implementation, run.accumulation > 1)


def memory_letters(model: ModelConfig, run: RunConfig) -> dict[str, int]:
    """All letters of the memory formulas: P parameters, Q of one block, K parameter tensors, M see ``_update``."""
    letters = letters_of(model, run) | activations.byte_letters(activations.kernels_of(model, run))
    rows = parameter_rows(model, letters)
    letters["P"] = sum([row.count * row.repeats for row in rows])
    letters["Q"] = sum([row.count for row in rows if row.name.startswith("blocks.")])
    letters["K"] = sum([row.repeats for row in rows])
    letters["M"] = max([before.count + 2 * row.count for before, row in pairwise(rows)])
    return letters


class _Plan(NamedTuple):
    moments: tuple[Moment, ...]
    optimizer: Formula
    activations: Formula


@lru_cache(maxsize=512)
def _plan(recipe: Recipe) -> _Plan:
    """The moments of a recipe, with their sums compiled once."""
    kernels = recipe.kernels
    kept = (*activations.kept_by_blocks(kernels), *activations.kept_around_blocks(kernels))
    log_probabilities = activations.LOG_PROBABILITIES
    base = _base(recipe)
    parts = [
        ("loss forward", (*kept, log_probabilities, *_loss_forward(kernels))),
        ("loss backward", (*kept, log_probabilities, *_loss_backward())),
        *(("head backward", leaves) for leaves in _head_backward(recipe, kept)),
        *(("last block backward", leaves) for leaves in _block_backward(recipe, last=True)),
        *(("first block backward", leaves) for leaves in _block_backward(recipe, last=False)),
        ("embedding backward", _embedding_backward(recipe)),
        *(("optimizer", leaves) for leaves in _update(recipe)),
    ]
    alive = [(phase, (*base, *leaves)) for phase, leaves in parts]
    moments = tuple([Moment(phase, leaves, sum_of(leaves)) for phase, leaves in alive])
    return _Plan(moments, sum_of(_optimizer_state(recipe)), sum_of(activations.kept_for_backward(kernels)))


def _base(recipe: Recipe) -> tuple[Leaf, ...]:
    always = (leaf("weights", WEIGHTS, "w * P"), *_optimizer_state(recipe), leaf("batch", BATCH, "16 * B * T"))
    if recipe.accumulating:
        return (*always, leaf("accumulated gradients", GRADIENTS, "w * P"))
    return always


def _optimizer_state(recipe: Recipe) -> tuple[Leaf, ...]:
    state: list[Leaf] = []
    if recipe.kernels.precision == "bfloat16_master" and recipe.optimizer != "none":
        state.append(leaf("fp32 master weights", OPTIMIZER, "4 * P"))
    if recipe.optimizer == "adamw":
        size = "2 * w" if recipe.kernels.precision != "bfloat16_master" else "8"
        state.append(leaf("AdamW moments", OPTIMIZER, f"{size} * P"))
        state.append(leaf("AdamW step counts", OPTIMIZER, "4 * K"))
    return tuple(state) or (leaf("no state", OPTIMIZER, "0"),)


def _loss_forward(kernels: Kernels) -> tuple[Leaf, ...]:
    """Logits, and under autocast their fp32 copy and every weight's bf16 copy, cached until the context ends."""
    logits = leaf("logits", TEMPORARY, "a * B * T * V")
    if kernels.precision != "autocast":
        return (logits,)
    copies = [each for each in activations.block_leaves(kernels) if each.name == activations.WEIGHT_COPIES]
    cached = [leaf(each.name, TEMPORARY, each.formula.text, repeats="L") for each in copies]
    return (logits, leaf("logits in fp32", TEMPORARY, "l * B * T * V"), *(cached if kernels.checkpointing else ()))


def _loss_backward() -> tuple[Leaf, ...]:
    return (
        leaf("gradient of log-probabilities", TEMPORARY, "l * B * T * V"),
        leaf("gradient of logits", TEMPORARY, "l * B * T * V"),
    )


def _head_backward(recipe: Recipe, kept: tuple[Leaf, ...]) -> Iterator[tuple[Leaf, ...]]:
    """The product that gives the head's gradient; under autocast then its fp32 copy, when the inputs are gone."""
    category = TEMPORARY if recipe.accumulating else GRADIENTS
    of_norm = leaf("gradient of the final norm output", TEMPORARY, "a * B * T * D")
    of_logits = leaf("gradient of logits", TEMPORARY, "a * B * T * V")
    yield (*kept, of_logits, leaf("gradient of the head", category, "a * V * D"), of_norm)
    if recipe.kernels.precision == "autocast":
        left = [each for each in kept if each.name not in (activations.HEAD_COPY, activations.HEAD_INPUT)]
        yield (*left, leaf("gradient of the head, bf16 and fp32", category, "6 * V * D"), of_norm)


def _block_backward(recipe: Recipe, *, last: bool) -> Iterator[tuple[Leaf, ...]]:
    """In the feed-forward layer, then in attention, of the last or the first block: gradients above exist."""
    kernels = recipe.kernels
    around = (
        *_kept_below(kernels, "L - 1" if last else "0"),
        *(() if recipe.accumulating else _gradients_above(last=last)),
        leaf("gradient of the residual stream", TEMPORARY, "r * B * T * D"),
    )
    inside = leaf("gradients inside the feed-forward layer", TEMPORARY, "a * B * T * F + w * D * F")
    yield (*around, *activations.block_leaves(kernels), inside)
    own = leaf("gradients of the block so far", GRADIENTS, "w * (2 * D * F + D**2)")
    yield (
        *around,
        *activations.attention_half(kernels),
        *(() if recipe.accumulating else (own,)),
        *_inside_attention(kernels),
    )


def _kept_below(kernels: Kernels, blocks: str) -> tuple[Leaf, ...]:
    """What the embeddings and the blocks further down still keep."""
    of_blocks = [
        leaf(each.name, each.component, each.formula.text, repeats=blocks)
        for each in activations.kept_by_blocks(kernels)
    ]
    return (*of_blocks, *activations.kept_by_embeddings(kernels))


def _gradients_above(*, last: bool) -> tuple[Leaf, ...]:
    return (
        leaf("gradient of the head", GRADIENTS, "w * V * D"),
        leaf("gradient of the final norm", GRADIENTS, "2 * w * D"),
        leaf("gradients of blocks above", GRADIENTS, "w * Q", repeats="0" if last else "L - 1"),
    )


def _inside_attention(kernels: Kernels) -> tuple[Leaf, ...]:
    """Gradients of queries, keys and values and their joint copy, or of the T x T weights: before and after softmax,
    or with dropout of the dropped ones, when the gradients of the output and of the values are there too."""
    if kernels.attention == "flash":
        size = "4 * a * B * T * D"
    elif kernels.dropout:
        size = "s * B * N * T**2 + 2 * s * B * T * D"
    else:
        size = "2 * s * B * N * T**2"
    return (leaf("gradients inside attention", TEMPORARY, size),)


def _embedding_backward(recipe: Recipe) -> tuple[Leaf, ...]:
    """All other gradients exist; a tied matrix gets its second gradient beside the first."""
    gradients = leaf("gradients", GRADIENTS, "w * P")
    if recipe.accumulating:
        gradients = leaf("new gradient of the embedding", TEMPORARY, "w * V * D")
    second: tuple[Leaf, ...] = ()
    if recipe.tied:
        # autograd adds the second gradient in place only where the first owns its storage: under autocast
        copies = "w" if recipe.kernels.precision == "autocast" else "2 * w"
        second = (leaf("second gradient of the tied matrix", TEMPORARY, f"{copies} * V * D"),)
    return (gradients, *second, leaf("gradient of the residual stream", TEMPORARY, "r * B * T * D"))


def _update(recipe: Recipe) -> Iterator[tuple[Leaf, ...]]:
    """Gradients to fp32 where there are masters, then the optimizer: foreach makes one more tensor of every parameter,
    the loop two of each, beside one of the parameter before (M elements at most)."""
    if recipe.optimizer == "none":
        return
    master = recipe.kernels.precision == "bfloat16_master"
    gradients = () if recipe.accumulating else (leaf("gradients", GRADIENTS, "w * P"),)
    if master:
        gradients = (*gradients, leaf("gradients in fp32", TEMPORARY, "(4 - w) * P"))
        # one by one: the last large matrix still has its bf16 gradient beside the new one
        yield (*gradients, leaf("bf16 gradient", TEMPORARY, "w * D * F" if recipe.tied else "w * V * D"))
    value = "4" if master else "w"
    sizes = {"foreach": f"{value} * P", "for_loop": f"{value} * M", "fused": "0"}
    working = sizes[recipe.implementation] if recipe.optimizer == "adamw" else "0"
    yield (*gradients, leaf("optimizer's working memory", TEMPORARY, working))


def alive_by_category(rows: tuple[Row, ...]) -> dict[str, int]:
    """Bytes of rows by category, all categories in their fixed order."""
    return {name: sum(row.count * row.repeats for row in rows if row.component == name) for name in CATEGORIES}
