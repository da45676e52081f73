"""The learner's own GPT in the backpropagation lesson: gradients against torch, kept bytes against the formulas."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from llm_explorer import presets
from llm_explorer.accounting.memory import count_memory, kept_rows
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import total
from llm_explorer.config import ModelConfig, RunConfig, check, replace
from llm_explorer.lessons.backprop.own_gpt import MOST, gradient_norms, own_gpt, shrink
from llm_explorer.model import build
from llm_explorer.training import random_batch
from tests.strategies import pairs
from tests.there import there

SMALL = ModelConfig(vocab_size=65, context_length=16, emb_dim=24, n_heads=2, n_layers=3)


def ask(model: ModelConfig, run: RunConfig) -> dict[str, Any]:
    return own_gpt(model.model_dump(), run.model_dump())


@given(pairs())
def test_the_kept_rows_sum_to_the_activations(configs: tuple[ModelConfig, RunConfig]) -> None:
    assert total(kept_rows(*configs, "cpu")) == count_memory(*configs, "cpu").activations_bytes


@settings(max_examples=15)  # each runs a model
@given(pairs())
def test_autograd_saves_what_the_formulas_say_and_one_number_more(configs: tuple[ModelConfig, RunConfig]) -> None:
    found = ask(*configs)
    formula = count_memory(ModelConfig(**found["model"]), RunConfig(**found["run"]), "cpu").activations_bytes
    assert found["saved_bytes"] == formula + 4  # total_weight of nll_loss, fp32
    assert sum(row["bytes"] for row in found["saved"]) == found["saved_bytes"]


@pytest.mark.parametrize("preset", presets.PRESETS, ids=presets.names())
def test_every_preset_is_shrunk_to_a_valid_small_one(preset: presets.Preset) -> None:
    small, run = shrink(preset.model, preset.run)
    check(small, run)
    assert small.tie_embeddings == preset.model.tie_embeddings
    assert small.drop_rate == preset.model.drop_rate
    assert count_parameters(small).total < 500_000
    assert small.n_layers == min(preset.model.n_layers, MOST["n_layers"])


def test_what_is_small_is_left_as_it_is() -> None:
    run = RunConfig(batch_size=2, sequence_length=8, attention="materialized")
    assert shrink(SMALL, run) == (SMALL, run)
    large = replace(run, precision="bfloat16", checkpointing=True, batch_size=64, device="meta")
    assert shrink(SMALL, large) == (SMALL, run)


def test_the_norms_are_those_of_the_gradients_of_each_component() -> None:
    run = RunConfig(sequence_length=8)
    gpt = build(SMALL, run)
    gpt.loss(*random_batch(SMALL, run)).backward()
    rows = {(row["layer"], row["component"]): row["norm"] for row in gradient_norms(gpt)}
    attention = gpt.get_submodule("blocks.1.attention")
    squares = sum(weight.grad.square().sum().item() for weight in attention.parameters() if weight.grad is not None)
    assert rows[2, "attention"] == pytest.approx(squares**0.5, rel=1e-5)
    assert rows[None, "head"] == pytest.approx(there(gpt.head.weight.grad).norm().item(), rel=1e-5)
    whole = sum(weight.grad.square().sum().item() for weight in gpt.parameters() if weight.grad is not None)
    assert sum(norm**2 for norm in rows.values()) == pytest.approx(whole, rel=1e-5)
    assert len(rows) == 3 * 3 + 4  # three components a layer; two embeddings, final norm and head


def test_a_tied_head_has_no_gradient_of_its_own() -> None:
    rows = ask(replace(SMALL, tie_embeddings=True), RunConfig())["norms"]
    assert "head" not in {row["component"] for row in rows}


@pytest.mark.parametrize("seed", range(3))
def test_the_first_layer_gets_about_as_much_as_the_last(seed: int) -> None:
    rows = ask(ModelConfig(), RunConfig(seed=seed))["norms"]
    norms = [row["norm"] for row in rows if row["component"] == "attention"]
    assert len(norms) == 8
    assert 0.5 < norms[0] / norms[-1] < 2


def test_the_answer_is_plain_data_and_the_same_each_time() -> None:
    found = ask(ModelConfig(), RunConfig())
    assert json.loads(json.dumps(found)) == found == ask(ModelConfig(), RunConfig())
    assert found["loss"] == pytest.approx(5.55, abs=0.1)  # ln(256) = 5.545: nothing is learnt yet
