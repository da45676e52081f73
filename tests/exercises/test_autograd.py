"""The exercises on gradients, their answers against torch and the slips that are named."""

from typing import Any

import pytest
from hypothesis import given, settings
from torch.utils.flop_counter import FlopCounterMode

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.exercises.autograd import exercises, gradient_bill
from llm_explorer.exercises.judge import judge
from llm_explorer.model import build
from llm_explorer.training import random_batch
from tests.strategies import model_configs, pairs
from tests.there import there

BOOK = ModelConfig()
TINY = ModelConfig(vocab_size=65, context_length=16, emb_dim=24, n_heads=2, n_layers=2)


def test_the_answers_for_the_book_s_gpt2_small() -> None:
    # 163,009,536 parameters (the book, chapter 4); backward is two products for each of forward: 3 forward in all
    ratio, backward, grads = exercises(BOOK, RunConfig(batch_size=1, sequence_length=1024))
    assert ratio.answer == pytest.approx(163_009_537 / 3)
    assert backward.answer == 2 * 291_648_307_200  # nanoGPT's notebook transformer_sizing: forward at T=1024
    assert grads.answer == 4 * 163_009_536


@settings(max_examples=8)  # a model and its backward each; test_flops.py searches longer
@given(pairs(device="meta", precision="float32"))
def test_the_work_of_a_gradient_is_what_torch_counts(configs: tuple[ModelConfig, RunConfig]) -> None:
    gpt, batch = build(*configs), random_batch(*configs)
    with FlopCounterMode(display=False) as forward:
        loss = gpt.loss(*batch)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    passes = sum(weight.numel() for weight in gpt.parameters()) + 1
    once, back = forward.get_total_flops(), backward.get_total_flops()
    assert exercises(*configs)[0].answer == pytest.approx(passes * once / (once + back))
    assert exercises(*configs)[1].answer == back


@pytest.mark.parametrize("precision", ["float32", "autocast", "bfloat16", "bfloat16_master"])
@pytest.mark.parametrize("tied", [False, True])
def test_the_bytes_of_grad_are_those_of_torch_after_backward(precision: Any, tied: bool) -> None:
    model, run = replace(TINY, tie_embeddings=tied), RunConfig(precision=precision)
    gpt = build(model, run)
    gpt.loss(*random_batch(model, run)).backward()
    assert exercises(model, run)[2].answer == sum(there(weight.grad).nbytes for weight in gpt.parameters())


@given(model_configs())
def test_the_bill_without_times_counts_and_with_times_tells_seconds(model: ModelConfig) -> None:
    run = RunConfig()
    bill = gradient_bill(model, run)
    assert (bill.differences_s, bill.autograd_s) == (None, None)
    timed = gradient_bill(model, run, 0.5, 1.5)
    assert (timed.differences_s, timed.autograd_s) == (bill.passes * 0.5, 2.0)
    assert timed.differences_flops / timed.autograd_flops == exercises(model, run)[0].answer


def test_every_slip_is_wrong_and_named() -> None:
    for item in exercises(BOOK, RunConfig()):
        for slip in item.slips:
            assert not judge(item, str(slip.value)).correct
        told = [judge(item, str(slip.value)).message for slip in item.slips]
        assert told == [slip.meaning for slip in item.slips]
        assert judge(item, str(item.answer)).correct


@pytest.mark.parametrize(
    ("number", "answer", "told"),
    [
        (0, "54.3 M", "Right: 54.3 M"),
        (0, "163 M", "a forward and a backward"),
        (1, "131.3 GFLOP", "each matrix product needs two"),
        (2, "163 MB", "each takes 4 bytes"),
        (2, "311 MiB", "a gradient is stored in 4 bytes"),
        (2, "2.4 GiB", "the optimizer's state"),
    ],
)
def test_what_learners_write_is_answered(number: int, answer: str, told: str) -> None:
    assert told in judge(exercises(BOOK, RunConfig())[number], answer).message


def test_with_checkpointing_backward_repeats_forward_and_the_solution_says_so() -> None:
    plain, repeated = (exercises(BOOK, RunConfig(checkpointing=way))[1] for way in (False, True))
    assert repeated.answer > plain.answer
    assert "checkpointing" in repeated.solution
    assert "checkpointing" not in plain.solution
