import json

import pytest
import torch
from hypothesis import given
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, replace
from llm_explorer.presets import PRESETS, Preset
from llm_explorer.pretraining.plan import LOWEST_SHARE, SNAPSHOTS, Plan, learning_rate, shrink, snapshot_steps
from tests.strategies import model_configs
from tests.variants import VARIANTS

PLAN = Plan("text", ModelConfig(), "probe", steps=200, warm_up=20, peak_rate=0.01)


def test_the_learning_rate_is_that_of_torch_s_schedulers() -> None:
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=PLAN.peak_rate)
    warm = LinearLR(optimizer, start_factor=1 / PLAN.warm_up, total_iters=PLAN.warm_up - 1)
    cosine = CosineAnnealingLR(optimizer, PLAN.steps - PLAN.warm_up, eta_min=LOWEST_SHARE * PLAN.peak_rate)
    scheduler = SequentialLR(optimizer, [warm, cosine], milestones=[PLAN.warm_up - 1])
    for step in range(1, PLAN.steps + 1):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(learning_rate(PLAN, step)), step
        optimizer.step()
        scheduler.step()


def test_a_run_is_looked_at_before_it_learns_and_at_its_end() -> None:
    for steps in (1, 7, 300, 4000):
        found = snapshot_steps(steps)
        assert (found[0], found[-1]) == (0, steps)
        assert len(found) <= SNAPSHOTS


def test_a_plan_survives_json() -> None:
    assert Plan.from_json(json.loads(json.dumps(PLAN.to_json()))) == PLAN


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_shrinks_to_about_a_tenth_of_a_million_parameters(preset: Preset) -> None:
    assert count_parameters(shrink(preset.model)).total < 250_000


@given(model_configs(largest_vocab=1000, largest_width=500))
def test_any_config_shrinks_to_a_valid_one_that_keeps_its_flags(model: ModelConfig) -> None:
    small = shrink(model)
    assert count_parameters(small).total < 500_000
    for flag in ("qkv_bias", "tie_embeddings", "bias", "drop_rate"):
        assert getattr(small, flag) == getattr(model, flag)
    assert shrink(small) == small


@pytest.mark.parametrize("model", VARIANTS.values(), ids=VARIANTS)
def test_a_block_variant_stays_what_it_is(model: ModelConfig) -> None:
    small = shrink(replace(model, n_layers=40, context_length=320, emb_dim=576, n_heads=12, head_dim=None))
    kinds = "norm norm_place residual activation positions qk_norm attention_softcap logit_softcap head_bias mlp_bias"
    for kind in kinds.split():
        assert getattr(small, kind) == getattr(model, kind)
    assert (small.sliding_window is None, small.n_experts is None) == (
        model.sliding_window is None,
        model.n_experts is None,
    )
    assert (small.kv_heads < small.n_heads) == (model.n_kv_heads is not None)
    assert {small.window(layer) is None for layer in range(3)} == {model.window(layer) is None for layer in range(40)}
    assert shrink(small) == small


def test_an_extreme_config_shrinks_too() -> None:
    wide = ModelConfig(emb_dim=97, n_heads=97, n_layers=10_000, hidden_dim=8_388_608, vocab_size=10_000_000)
    assert shrink(wide).emb_dim % shrink(wide).n_heads == 0
    assert shrink(ModelConfig(emb_dim=1, n_heads=1, context_length=1)).emb_dim == 1
