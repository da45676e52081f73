"""The exercises on backward: their answers against torch, and the slips that are named."""

from typing import Any

import pytest
import torch
from hypothesis import given
from torch.utils.flop_counter import FlopCounterMode

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.exercises.backprop import exercises
from llm_explorer.exercises.judge import judge
from llm_explorer.model import build
from llm_explorer.training import random_batch
from tests.strategies import pairs

TINY = ModelConfig(vocab_size=65, context_length=16, emb_dim=24, n_heads=2, n_layers=3, hidden_dim=40)


def test_the_answers_for_the_book_s_gpt2_small() -> None:
    # by hand, B = 2, T = 256, D = 768, F = 3072, V = 50,257, L = 12, fp32
    down, head, blocks = exercises(ModelConfig(), RunConfig())
    assert down.answer == 12 * 2 * 256 * 3072 * 4
    assert head.answer == 2 * 50257 * 768 * 2 * 256
    assert blocks.answer == 12 * 2 * 256 * 768 * 4


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "bfloat16_master"])
@pytest.mark.parametrize("number", [0, 2])
def test_the_bytes_are_those_of_the_tensors_that_really_go_in(number: int, precision: Any) -> None:
    run = RunConfig(precision=precision, batch_size=3, sequence_length=7)
    gpt = build(TINY, run)
    modules = [
        gpt.get_submodule(f"blocks.{layer}{'.mlp.down' if number == 0 else ''}") for layer in range(TINY.n_layers)
    ]
    read: list[int] = []
    for module in modules:
        module.register_forward_pre_hook(lambda _module, inputs: read.append(inputs[0].nbytes))
    gpt.loss(*random_batch(TINY, run))
    assert len(read) == 3
    assert exercises(TINY, run)[number].answer == sum(read)


def test_the_gradient_of_the_head_takes_the_flops_that_torch_counts() -> None:
    run = RunConfig(batch_size=3, sequence_length=7)
    head = build(TINY, run).head
    logits = head(torch.randn(3, 7, 24))  # an input that asks for no gradient: only the weights' product is left
    with FlopCounterMode(display=False) as counter:
        logits.sum().backward()
    assert exercises(TINY, run)[1].answer == counter.get_total_flops()


def test_every_slip_is_wrong_and_named() -> None:
    for item in exercises(TINY, RunConfig(batch_size=5, sequence_length=7)):
        assert [judge(item, repr(slip.value)).message for slip in item.slips] == [slip.meaning for slip in item.slips]
        assert not any(judge(item, repr(slip.value)).correct for slip in item.slips)
        assert judge(item, str(item.answer)).correct


@given(pairs())
def test_every_config_has_three_exercises_and_checkpointing_changes_none(
    configs: tuple[ModelConfig, RunConfig],
) -> None:
    model, run = configs
    items = exercises(model, run)
    assert [item.answer > 0 for item in items] == [True] * 3
    other = exercises(model, replace(run, checkpointing=not run.checkpointing))
    assert [item.answer for item in other] == [item.answer for item in items]


def test_the_numbers_of_the_questions_are_those_of_the_config() -> None:
    questions = [item.question for item in exercises(TINY, RunConfig(batch_size=3, sequence_length=7))]
    assert "F = 40 down to D = 24" in questions[0]
    assert "B = 3, T = 7" in questions[0]
    assert "V = 65, B = 3" in questions[1]
    assert "L = 3 layers" in questions[2]
