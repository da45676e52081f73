"""What one step of a field does: differences of two counts, and nothing else."""

import pytest
from hypothesis import given

from llm_explorer.accounting.effects import effect_of
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from tests.strategies import pairs


def test_a_layer_of_gpt2_small_is_seven_million_parameters() -> None:
    # 12 D^2 + 10 D without query-key-value bias: 7,077,888 + 7,680 (the book's block, chapter 4)
    assert effect_of(ModelConfig(), RunConfig(), "n_layers", 13).parameters == 7_085_568


def test_heads_add_no_parameters() -> None:
    effect = effect_of(ModelConfig(drop_rate=0.0), RunConfig(), "n_heads", 16)
    assert effect.parameters == 0
    assert (effect.before, effect.after) == (12, 16)


def test_dropout_adds_no_parameters_but_memory() -> None:
    effect = effect_of(ModelConfig(drop_rate=0.0), RunConfig(), "drop_rate", 0.1)
    assert effect.parameters == 0
    assert effect.peak_bytes > 0


@given(pairs())
def test_one_more_layer_is_the_difference_of_two_counts(configs: tuple[ModelConfig, RunConfig]) -> None:
    model, run = configs
    effect = effect_of(model, run, "n_layers", model.n_layers + 1)
    more = replace(model, n_layers=model.n_layers + 1)
    assert effect.parameters == count_parameters(more).total - count_parameters(model).total > 0
    assert effect.peak_bytes == count_memory(more, run, "cpu").peak_bytes - count_memory(model, run, "cpu").peak_bytes


def test_one_more_layer_of_gpt2_small_is_three_times_its_forward_flops() -> None:
    # 2 FLOPs a multiply-add over 12 D^2 weights and 2 T D pairs a token (Kaplan et al. 2020, table 1), B T = 512
    forward = 2 * 512 * (12 * 768**2 + 2 * 256 * 768)
    assert effect_of(ModelConfig(), RunConfig(), "n_layers", 13).flops == 3 * forward


def test_heads_and_dropout_add_no_flops() -> None:
    assert effect_of(ModelConfig(), RunConfig(), "n_heads", 16).flops == 0
    assert effect_of(ModelConfig(), RunConfig(), "drop_rate", 0.15).flops == 0


@given(pairs(checkpointing=False))
def test_one_more_sequence_is_its_share_of_the_flops(configs: tuple[ModelConfig, RunConfig]) -> None:
    model, run = configs
    flops = count_flops(model, run)
    more = effect_of(model, run, "batch_size", run.batch_size + 1).flops
    assert more * run.batch_size == flops.forward + flops.backward


def test_a_field_of_the_run_has_an_effect_too() -> None:
    assert effect_of(ModelConfig(), RunConfig(), "batch_size", 4).peak_bytes > 0


def test_a_step_into_an_invalid_config_says_why() -> None:
    with pytest.raises(ConfigError, match="does not divide"):
        effect_of(ModelConfig(), RunConfig(), "emb_dim", 800)
