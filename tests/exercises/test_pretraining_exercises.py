"""The exercises on pre-training, their answers checked against torch."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from safetensors import safe_open

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.exercises.judge import judge, write
from llm_explorer.exercises.pretraining import checkpoint_bytes, exercises, first_loss, steps_of_a_text
from llm_explorer.model import build
from llm_explorer.pretraining.checkpoint import Progress, save
from llm_explorer.pretraining.text import Tokenizer
from llm_explorer.training import TrainingStep, random_batch
from tests.strategies import pairs

SMALL = ModelConfig(vocab_size=200, context_length=16, emb_dim=32, n_heads=2, n_layers=2, drop_rate=0.0)


def test_the_first_loss_is_that_of_a_new_model() -> None:
    model = replace(SMALL, vocab_size=5000)
    run = RunConfig(batch_size=16)
    with torch.no_grad():
        measured = build(model, run).loss(*random_batch(model, run)).item()
    assert first_loss(model).answer == pytest.approx(measured, rel=0.01)


def test_the_bytes_of_a_state_are_those_of_the_tensors_in_its_files(tmp_path: Path) -> None:
    run = RunConfig(batch_size=1)
    step = TrainingStep(build(SMALL, run), run)
    step([random_batch(SMALL, run)])
    assert step.optimizer is not None
    save(tmp_path, step.gpt, step.optimizer, Tokenizer.of("text"), Progress(1, 0.0))
    kept = 0
    for path in tmp_path.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            kept += sum(file.get_tensor(name).nbytes for name in file.keys())  # noqa: SIM118
    assert checkpoint_bytes(SMALL, run).answer == kept


def test_a_text_is_seen_once_when_every_token_was_a_target() -> None:
    run = RunConfig(batch_size=4, sequence_length=100, accumulation=5)
    assert steps_of_a_text(ModelConfig(), run).answer == 10**9 / (4 * 100 * 5) == 500_000


@given(pairs())
def test_the_right_answer_is_judged_right_and_no_slip_is(pair: tuple[ModelConfig, RunConfig]) -> None:
    model, run = pair
    found = exercises(model, run)
    assert len(found) == 3
    for exercise in found:
        assert math.isfinite(exercise.answer)
        assert judge(exercise, f"{exercise.answer:.12g}").correct
        assert all(slip.value != exercise.answer for slip in exercise.slips)


@pytest.mark.parametrize(
    ("number", "typed", "told"),
    [
        (0, "15.6", "That is in bits"),  # log2 of 50,257
        (0, "50257", "the loss is the logarithm of it"),
        (0, "10.8", "Right: 10.82"),
        (1, "1953125", "You forgot that a step adds up 4 micro-batches"),
        (1, "488 k", "Right: 488.3 K"),
        (2, "622 MiB", "you forgot what the optimizer remembers of each"),
        (2, "1.22 GiB", "AdamW keeps two states a parameter"),
        (2, "2.43 GiB", "Gradients are made anew in every step"),
        (2, "1.82 GiB", "Right: 1.8 GiB"),
    ],
)
def test_the_usual_slips_are_named_for_the_book_s_model(number: int, typed: str, told: str) -> None:
    exercise = exercises(ModelConfig(), RunConfig(batch_size=2, accumulation=4))[number]
    assert told in judge(exercise, typed).message, write(exercise.answer, exercise.unit)
