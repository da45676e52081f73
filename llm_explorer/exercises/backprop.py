"""Exercises on backward: what it needs kept, what a gradient costs, and what checkpointing keeps instead."""

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import kept_rows, memory_letters
from llm_explorer.accounting.rows import Row, leaf
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.exercises.judge import Exercise, Slip
from llm_explorer.exercises.one_expert import one_expert
from llm_explorer.parts import ACTIVATIONS
from llm_explorer.units import byte_size


def exercises(model: ModelConfig, run: RunConfig) -> tuple[Exercise, Exercise, Exercise]:
    """Three exercises on a config, answered by the accounting.

    >>> [exercise.answer for exercise in exercises(ModelConfig(), RunConfig())]
    [75497472, 39523713024, 18874368]
    """
    return inputs_of_down(model, run), gradient_of_the_head(model, run), inputs_of_blocks(model, run)


def inputs_of_down(model: ModelConfig, run: RunConfig) -> Exercise:
    """How many bytes all layers keep of what goes into the feed-forward's second matrix."""
    model, run = one_expert(model), replace(run, checkpointing=False)
    letters = memory_letters(model, run, "cpu")
    row = leaf("inputs of down", ACTIVATIONS, "a * B * T * F", repeats="L").row(letters, "bytes")
    size = letters["a"]
    slips = (
        *_slips_of_repeats(row, letters["B"], size),
        Slip(row.total * letters["D"] / letters["F"], "That is D values a token; this matrix reads F of them"),
        Slip(letters["L"] * letters["D"] * letters["F"] * size, "That is the matrix itself; its input is asked for"),
    )
    question = (
        "A matrix's gradient is made of the error behind it and of **its input**, so the input must be kept. In each "
        f"layer the matrix that leads from F = {letters['F']:,} down to D = {letters['D']:,} reads F values of {size} "
        f"bytes for every token. With {_batch_words(letters)}: how many bytes are kept for these matrices?"
    )
    solution = f"L B T F values: {row.repeats:,} layers times {byte_size(row.count)}."
    return Exercise(question, row.total, "bytes", slips, solution)


def gradient_of_the_head(model: ModelConfig, run: RunConfig) -> Exercise:
    """How many FLOPs the gradient of the output head's weights takes."""
    row = next(row for row in count_flops(model, run).rows if row.component == "head")
    letters = memory_letters(model, run, "cpu")
    slips = (
        Slip(2 * row.total, "That is both of backward's products; the gradient of the logits' input is the other one"),
        Slip(row.total / 2, "That counts a multiply-add once; it is two FLOPs, a product and a sum"),
        Slip(row.total / letters["B"], f"That is one sequence; there are {letters['B']:,} in the batch"),
        Slip(2 * letters["V"] * letters["D"], "That is one token; there are B T of them"),
    )
    question = (
        "The output head turns D values a token into V logits. Backward multiplies the errors of all logits, "
        "(V, B T), by the inputs, (B T, D), and has the gradient of the head's weights, (V, D). With "
        f"D = {letters['D']:,}, V = {letters['V']:,}, B = {letters['B']:,} and T = {letters['T']:,}: how many FLOPs is "
        "this one product?"
    )
    solution = "2 V D B T: as many as the head's forward. The gradient of its input takes as many again."
    return Exercise(question, row.total, "FLOPs", slips, solution)


def inputs_of_blocks(model: ModelConfig, run: RunConfig) -> Exercise:
    """How many bytes of block inputs are kept with checkpointing."""
    run = replace(run, checkpointing=True)
    letters = memory_letters(model, run, "cpu")
    row = leaf("block inputs", ACTIVATIONS, "r * B * T * D", repeats="L").row(letters, "bytes")
    size = letters["r"]
    slips = (
        *_slips_of_repeats(row, letters["B"], size),
        Slip(row.total * letters["F"] / letters["D"], "That is F values a token; between the blocks there are D"),
    )
    without = sum(row.total for row in kept_rows(model, replace(run, checkpointing=False), "cpu"))
    question = (
        f"Without checkpointing your config keeps {byte_size(without)} for backward. With it, only **each block's "
        f"input** is kept, D = {letters['D']:,} values of {size} bytes a token, and backward runs the block once more. "
        f"With {_batch_words(letters)}: how many bytes are these inputs?"
    )
    solution = f"L B T D values: {row.repeats:,} layers times {byte_size(row.count)}, for about a third more compute."
    return Exercise(question, row.total, "bytes", slips, solution)


def _batch_words(letters: dict[str, int]) -> str:
    return f"B = {letters['B']:,}, T = {letters['T']:,} and L = {letters['L']:,} layers"


def _slips_of_repeats(row: Row, batch: int, size: int) -> tuple[Slip, Slip, Slip]:
    return (
        Slip(row.count, f"That is one layer; there are {row.repeats:,}"),
        Slip(row.total / batch, f"That is one sequence; there are {batch:,} in the batch"),
        Slip(row.total / size, f"That is how many values there are; each has {size} bytes"),
    )
