"""Exercises on tensors: the answers are what torch really allocates and counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.exercises.judge import TOLERANCE, judge
from llm_explorer.exercises.tensors import exercises
from llm_explorer.model import build
from llm_explorer.presets import PRESETS
from llm_explorer.presets.preset import Preset

SMALL = ModelConfig(vocab_size=65, context_length=64, emb_dim=48, n_heads=4, n_layers=3)
RUNS = [
    RunConfig(),
    RunConfig(batch_size=1, sequence_length=1),
    RunConfig(precision="bfloat16", batch_size=3),
    RunConfig(precision="autocast"),
]


@pytest.mark.parametrize("run", RUNS, ids=["default", "one token", "bfloat16", "autocast"])
def test_the_bytes_of_the_token_embedding_are_torchs(run: RunConfig) -> None:
    weight = build(SMALL, run).token_embedding.weight
    assert exercises(SMALL, run)[0].answer == weight.numel() * weight.itemsize


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("run", RUNS, ids=["default", "one token", "bfloat16", "autocast"])
def test_the_copied_bytes_are_those_of_the_new_storage(heads: int, run: RunConfig) -> None:
    model = ModelConfig(vocab_size=65, context_length=64, emb_dim=48, n_heads=heads, n_layers=3)
    batch, length = run.batch_size, run.sequence(model)
    dtype = torch.float32 if run.precision == "float32" else torch.bfloat16
    x = torch.zeros(batch, heads, length, 48 // heads, dtype=dtype)
    joined = x.transpose(1, 2).reshape(batch, length, 48)
    copied = 0 if joined.data_ptr() == x.data_ptr() else joined.untyped_storage().nbytes()
    assert exercises(model, run)[1].answer == copied


def test_the_flops_of_the_product_are_those_that_torch_counts() -> None:
    run = RunConfig(batch_size=2, sequence_length=16)
    x, weight = torch.zeros(2, 16, 48, device="meta"), torch.zeros(192, 48, device="meta")
    with FlopCounterMode(display=False) as counter:
        _ = x @ weight.T
    assert exercises(SMALL, run)[2].answer == counter.get_total_flops()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_answer_is_right_as_it_is_written_and_no_slip_is(preset: Preset) -> None:
    for exercise in exercises(preset.model, preset.run):
        assert judge(exercise, f"{exercise.answer}").correct
        for slip in exercise.slips:
            assert abs(slip.value - exercise.answer) > TOLERANCE * exercise.answer
            assert judge(exercise, f"{slip.value:.0f}").message in {other.meaning for other in exercise.slips}


def test_the_usual_slips_are_named() -> None:
    embedding, copy, product = exercises(ModelConfig(), RunConfig())
    assert "each float32 takes 4 bytes" in judge(embedding, f"{50257 * 768}").message
    assert "reshape copies every number" in judge(copy, "0").message
    assert "a multiply-add counts 2" in judge(product, f"{2 * 256 * 768 * 3072}").message


def test_with_one_head_nothing_is_copied_and_the_slip_is_the_copy() -> None:
    model = ModelConfig(n_heads=1)
    copy = exercises(model, RunConfig())[1]
    assert judge(copy, "0").correct
    assert "reshape gives a view" in judge(copy, f"{4 * 2 * 256 * 768}").message
