"""Three exercises on pre-training the learner's own config."""

import math
from typing import Final

from llm_explorer import units
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.exercises.judge import Exercise, Slip, unlike

TEXT_TOKENS: Final = 10**9


def exercises(model: ModelConfig, run: RunConfig) -> tuple[Exercise, ...]:
    """The first loss, the steps for a text, the bytes of a checkpoint."""
    return first_loss(model), steps_of_a_text(model, run), checkpoint_bytes(model, run)


def first_loss(model: ModelConfig) -> Exercise:
    """What the loss of a model that knows nothing is: ln V.

    >>> round(first_loss(ModelConfig(vocab_size=50257)).answer, 3)
    10.825
    """
    size = model.vocab_size
    slips = (
        Slip(math.log2(size), "That is in bits, by the logarithm to base 2; PyTorch's loss is in nats, by ln"),
        Slip(math.log10(size), "That is the logarithm to base 10; the loss is the natural one, ln"),
        Slip(size, "That is how many tokens there are to choose from; the loss is the logarithm of it"),
        Slip(1 / size, "That is the probability of the right token; the loss is minus its logarithm"),
    )
    return Exercise(
        f"Your model is new: every one of its V = {size:,} tokens is equally likely to come next. "
        "What is its loss, in nats a token?",
        math.log(size),
        "ratio",
        unlike(math.log(size), *slips),
        f"The right token has probability 1/{size:,}, and -ln(1/V) = ln V. A first loss far above it is a bug.",
    )


def steps_of_a_text(model: ModelConfig, run: RunConfig) -> Exercise:
    """How many steps of the optimizer see a text once.

    >>> steps_of_a_text(ModelConfig(), RunConfig(batch_size=2, accumulation=4)).answer  # of 2 x 256 x 4 tokens
    488281.25
    """
    length, micro = run.sequence(model), run.batch_size * run.sequence(model)
    answer = TEXT_TOKENS / (micro * run.accumulation)
    slips = (
        Slip(TEXT_TOKENS / micro, f"You forgot that a step adds up {run.accumulation} micro-batches"),
        Slip(TEXT_TOKENS / run.batch_size, f"A sequence is not one target: it is T = {length} of them"),
        Slip(TEXT_TOKENS / (run.batch_size * run.accumulation), f"Each sequence has T = {length} targets, not one"),
        Slip(TEXT_TOKENS / length, "That is the number of sequences; a batch has B of them"),
        Slip(micro * run.accumulation, "Those are the tokens of one step; how many times do they go into the text?"),
    )
    return Exercise(
        f"Your run has B = {run.batch_size}, T = {length:,} and accumulation {run.accumulation}. "
        "How many steps of the optimizer until it has predicted as many tokens as a text of 1 billion has?",
        answer,
        "values",
        unlike(answer, *slips),
        f"Every position is a target: B x T x accumulation = {micro * run.accumulation:,} tokens a step.",
    )


def checkpoint_bytes(model: ModelConfig, run: RunConfig) -> Exercise:
    """What a paused run needs to go on: the weights and the optimizer's states.

    >>> from llm_explorer.units import byte_size
    >>> byte_size(checkpoint_bytes(ModelConfig(), RunConfig()).answer)  # 12 bytes x 163,009,536
    '1.8 GiB'
    """
    memory = count_memory(model, run, "cpu")
    weights, states = memory.parameters_bytes, memory.optimizer_bytes
    slips = (
        Slip(weights, "Those are the weights alone: you forgot what the optimizer remembers of each"),
        Slip(weights + states // 2, "AdamW keeps two states a parameter, not one: the mean and the mean square"),
        Slip(weights + states + memory.gradients_bytes, "Gradients are made anew in every step: they need no keeping"),
        Slip(states, "Those are the optimizer's states alone; the weights are needed too"),
    )
    return Exercise(
        f"You pause its training in {run.precision} with {run.optimizer}. How many bytes must be kept, so that it "
        "goes on as if nothing had happened?",
        weights + states,
        "bytes",
        unlike(weights + states, *slips),
        f"Weights {units.byte_size(weights)} and optimizer states {units.byte_size(states)}; "
        "the step and the seed are a few bytes more.",
    )
