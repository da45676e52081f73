"""Exercises on modern configs: every lesson has them, and of experts they ask about one."""

import pytest

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.exercises import backprop, concepts, tensors
from llm_explorer.exercises.one_expert import one_expert
from tests.variants import VARIANTS


def test_a_model_of_one_expert_has_its_width() -> None:
    model = one_expert(VARIANTS["qwen3_moe"])
    assert (model.n_experts, model.feed_forward_dim) == (None, 24)
    assert one_expert(ModelConfig()) == ModelConfig()


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_has_exercises(name: str) -> None:
    model, run = replace(VARIANTS[name], n_layers=3), RunConfig(sequence_length=32)
    inputs_of_down, _, inputs_of_blocks = backprop.exercises(model, run)
    width = one_expert(model).feed_forward_dim
    assert inputs_of_down.answer == 3 * 2 * 32 * width * 4
    assert inputs_of_blocks.answer == 3 * 2 * 32 * model.emb_dim * 4
    assert tensors.exercises(model, run)[-1].answer == 2 * 2 * 32 * model.emb_dim * width
    assert all(exercise.answer > 0 for exercise in concepts.exercises(model, run))
