"""Exercises on the parts of a config: a block, the vocabulary's tables, the bytes of training."""

from collections.abc import Iterable

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import Row, model_letters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.exercises.judge import Exercise, Slip
from llm_explorer.units import byte_size, count, exact


def exercises(model: ModelConfig, run: RunConfig) -> tuple[Exercise, Exercise, Exercise]:
    """Three exercises on a config, answered by the accounting.

    >>> [exercise.answer for exercise in exercises(ModelConfig(), RunConfig())]
    [7085568, 77194752, 2608153124]
    """
    return one_more_layer(model), vocabulary_tables(model), bytes_of_training(model, run)


def one_more_layer(model: ModelConfig) -> Exercise:
    """How many parameters one more block has."""
    rows = [row for row in count_parameters(model).rows if row.name.startswith("blocks.")]
    layer = _one_each(rows)
    attention = _one_each(row for row in rows if row.component == "attention")
    feed_forward = _one_each(row for row in rows if row.component == "feed-forward")
    slips = (
        Slip(attention, "That is the attention alone; a block has a feed-forward layer too"),
        Slip(feed_forward, "That is the feed-forward layer alone; a block has attention too"),
        Slip(layer * model.n_layers, f"That is all {model.n_layers} layers; the question is about one"),
        Slip(layer * (model.n_layers + 1), "That is all layers and the new one; only the new one is asked for"),
    )
    letters = model_letters(model)
    question = (
        f"Your config has D = {letters['D']:,} and F = {letters['F']:,}. "
        "How many parameters does **one more layer** add?"
    )
    solution = f"Attention {exact(attention)}, feed-forward {exact(feed_forward)}, and two norms."
    return Exercise(question, layer, "parameters", slips, solution)


def vocabulary_tables(model: ModelConfig) -> Exercise:
    """How many parameters token embedding and output head have together."""
    rows = count_parameters(model).rows
    answer = sum(row.total for row in rows if row.component in ("token embedding", "head"))
    table, width = model.vocab_size * model.emb_dim, model.emb_dim
    if model.tie_embeddings:
        tied, slip = "tied", Slip(2 * table, "The head is tied: it is the token embedding once more, counted once")
    else:
        tied, slip = "not tied", Slip(table, "That is one of the two; they are not tied, so the head has as many again")
    positions = Slip(
        answer + model.context_length * width, "That has the position embedding in it, which the question leaves out"
    )
    question = (
        f"Your config has V = {model.vocab_size:,} and D = {width:,}; its output head is {tied}. How many parameters "
        "do **token embedding and output head** have together?"
    )
    times = "" if model.tie_embeddings else "2 times "
    solution = f"{times}{model.vocab_size:,} times {width:,}."
    return Exercise(question, answer, "parameters", (slip, positions), solution)


def bytes_of_training(model: ModelConfig, run: RunConfig) -> Exercise:
    """How many bytes weights, gradients and AdamW's states have in fp32."""
    memory = count_memory(model, replace(run, precision="float32", optimizer="adamw"), "cpu")
    answer = memory.parameters_bytes + memory.gradients_bytes + memory.optimizer_bytes
    parameters = count_parameters(model).total
    slips = (
        Slip(4 * parameters, "4 bytes a parameter: you forgot the gradients and Adam's two states"),
        Slip(8 * parameters, "8 bytes a parameter: you forgot Adam's two states"),
        Slip(12 * parameters, "12 bytes a parameter: Adam has two states, and there are gradients too"),
    )
    question = (
        f"Your model has {count(parameters)} parameters. How many bytes do **weights, gradients and AdamW's states** "
        "need in fp32, 4 bytes a number?"
    )
    solution = f"4 + 4 + 8 = 16 bytes a parameter; {byte_size(4 * parameters)} of them are the weights."
    return Exercise(question, answer, "bytes", slips, solution)


def _one_each(rows: Iterable[Row]) -> int:
    return sum(row.count for row in rows)
