"""What a training step and inference need: the peak of the one, the sum of the other.

A peak is not the sum of the parts: gradients are born while activations die. Steady state: the optimizer's state
exists, gradients are None at the start. ``step/`` has what is alive when.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from llm_explorer.accounting.kernels import KernelSet, byte_letters, kernels_of
from llm_explorer.accounting.kv_cache import kv_cache_bytes
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import Letters, Row, letters_of
from llm_explorer.accounting.step import follow
from llm_explorer.accounting.step.moments import Plan, Recipe
from llm_explorer.accounting.structure import structure_of
from llm_explorer.config import HEAD_ROWS_AT_ONCE, ModelConfig, RunConfig, logits_row, replace
from llm_explorer.parts import CATEGORIES, PARTS


class Memory(NamedTuple):
    """Bytes of tensors; ``activations_bytes`` are alive at the end of forward (the loss's log-probabilities included),
    the peak includes the batch, ``rows`` are what is alive at the peak and sum to it. Not ``trusted``: nothing says
    which kernels run, so the peak is an estimate, and a trace (of a CPU's) all that is known."""

    parameters_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    logits_bytes: int
    peak_bytes: int
    peak_phase: str
    inference_bytes: int
    kv_cache_bytes: int
    trusted: bool
    rows: tuple[Row, ...]


@lru_cache(maxsize=256)  # a slider move asks for the same config several times
def count_memory(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> Memory:
    """Follow one training step with these kernels and name its peak.

    >>> count_memory(ModelConfig(), RunConfig(), "cpu").peak_phase
    'loss backward'
    """
    letters = memory_letters(model, run, kernels)
    recipe = recipe_of(model, run, kernels)
    followed = follow.plan(recipe, structure_of(model).without_biases)
    kept, optimizer, *peaks = followed.sums(**letters)
    peak = max(peaks)
    moment = followed.moments[peaks.index(peak)]
    cache = kv_cache_bytes(model, run)
    weights = letters["w"] * letters["P"]
    return Memory(
        parameters_bytes=weights,
        gradients_bytes=weights,
        optimizer_bytes=optimizer,
        activations_bytes=kept,
        logits_bytes=letters["a"] * letters["R"] * letters["V"],
        peak_bytes=peak,
        peak_phase=moment.phase,
        inference_bytes=weights + cache,
        kv_cache_bytes=cache,
        trusted=recipe.kernels.known,
        rows=tuple([row for each in moment.leaves if (row := each.row(letters, "bytes")).count * row.repeats]),
    )


def peak_by_size(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> Callable[[int, int], int]:
    """The peak as a function of batch size and sequence length, all else as it is: a search asks for dozens.

    >>> at = peak_by_size(ModelConfig(), RunConfig(), "cpu")
    >>> at(2, 256) == count_memory(ModelConfig(), RunConfig(), "cpu").peak_bytes
    True
    """
    followed: dict[tuple[bool, bool], tuple[Plan, Letters]] = {}

    def peak(batch: int, length: int) -> int:
        # a batch of one needs no copies of its heads, and a sequence within the window no mask
        kind = batch > 1, length > (model.sliding_window or 0)
        if kind not in followed:
            like = replace(run, batch_size=batch, sequence_length=length)
            followed[kind] = plan_of(model, like, kernels), memory_letters(model, like, kernels)
        steps, letters = followed[kind]
        _kept, _optimizer, *peaks = steps.sums(**{**letters, **sizes_of(run, batch, length)})
        return max(peaks)

    return peak


def sizes_of(run: RunConfig, batch: int, length: int) -> dict[str, int]:
    """The letters that batch and sequence decide: B, T, and R positions that have logits at once."""
    positions = batch * length
    return {"B": batch, "T": length, "R": positions if run.loss_chunk is None else min(run.loss_chunk, positions)}


def kept_rows(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> tuple[Row, ...]:
    """What forward leaves alive for backward, in bytes; the rows sum to ``activations_bytes``, each knows its part."""
    letters = memory_letters(model, run, kernels)
    return tuple([each.row(letters, "bytes") for each in plan_of(model, run, kernels).kept])


def kept_by_part(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> dict[str, int]:
    """What forward leaves alive, by the part of the model that made it, all parts in their fixed order.

    >>> kept_by_part(ModelConfig(), RunConfig(), "cpu")["loss"]  # log-probabilities: B T V values of 4 bytes
    102926336
    """
    rows = kept_rows(model, run, kernels)
    return {part: sum([row.total for row in rows if row.part == part]) for part in PARTS}


def plan_of(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> Plan:
    """What is alive when in a step of this model and run."""
    return follow.plan(recipe_of(model, run, kernels), structure_of(model).without_biases)


def recipe_of(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> Recipe:
    """The choices of this model and run."""
    return Recipe(
        kernels_of(model, run, kernels),
        model.tie_embeddings,
        run.optimizer,
        run.optimizer_implementation,
        run.accumulation > 1,
    )


def memory_letters(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> dict[str, int]:
    """All letters of the memory formulas: P parameters, Q of one block, Y parameter tensors, J rotated values a head, R
    positions that have logits at once, Z values that such a position takes in chunks, U head rows whose gradient a loss
    in chunks sums at once; M and X see ``_largest_steps``."""
    letters = letters_of(model, run) | byte_letters(kernels_of(model, run, kernels))
    counted = count_parameters(model)
    rows, letters["P"] = counted.rows, counted.total
    letters["Q"] = sum([row.count for row in rows if row.name.startswith("blocks.")])
    letters["Y"] = sum([row.repeats for row in rows])
    letters["J"] = model.rope_width
    letters["M"], letters["X"] = _largest_steps(rows, letters)
    letters["U"] = min(letters["V"], HEAD_ROWS_AT_ONCE)
    letters["Z"] = logits_row(letters["V"])
    return letters | sizes_of(run, letters["B"], letters["T"])


def _largest_steps(rows: tuple[Row, ...], letters: Letters) -> tuple[int, int]:
    """What walking over the parameters one by one takes at most, in elements, beside what is there anyway.

    M: two tensors of a parameter beside one of the parameter before, as AdamW's loop has them. X: the gradients turned
    into fp32 so far, and the one that is being turned.
    """
    loop = conversion = passed = before = 0
    blocks_before = (letters["L"] - 1) * letters["Q"]  # the last block has the most behind it
    for row in rows:
        if row.repeats:
            if row.name.startswith("blocks."):
                passed, blocks_before = passed + blocks_before, 0
            loop, before = max(loop, before + 2 * row.count), row.count
            passed += row.count
            conversion = max(conversion, passed + row.count)
    return loop, conversion


def alive_by_category(rows: tuple[Row, ...]) -> dict[str, int]:
    """Bytes of rows by category, all categories in their fixed order."""
    return {name: sum(row.count * row.repeats for row in rows if row.component == name) for name in CATEGORIES}
