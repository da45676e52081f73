"""What one step of a field does: differences of two counts, and nothing else."""

import pytest
from hypothesis import given
from strategies import pairs

from llm_explorer.accounting.effects import effect_of
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace


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
    assert effect.peak_bytes == count_memory(more, run).peak_bytes - count_memory(model, run).peak_bytes


def test_a_field_of_the_run_has_an_effect_too() -> None:
    assert effect_of(ModelConfig(), RunConfig(), "batch_size", 4).peak_bytes > 0


def test_a_step_into_an_invalid_config_says_why() -> None:
    with pytest.raises(ConfigError, match="does not divide"):
        effect_of(ModelConfig(), RunConfig(), "emb_dim", 800)
