"""What is alive in a step of a modern model, against traces of the real code: the peak, and what forward keeps."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_explorer.accounting.memory import count_memory, kept_by_part, kept_rows, plan_of
from llm_explorer.accounting.rows import total
from llm_explorer.config import ModelConfig, Precision, RunConfig, choices, replace
from llm_explorer.tracing.trace import trace
from tests.strategies import modern_models, run_configs
from tests.variants import VARIANTS

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIGS = 12  # hundreds by hand

# attention is most of it, so its moments are the peak
ATTENTION = ModelConfig(vocab_size=50, context_length=64, emb_dim=128, n_heads=8, n_layers=2, hidden_dim=32)
WINDOW: dict[str, Any] = {"sliding_window": 8}
GROUPED: dict[str, Any] = {"n_kv_heads": 2, "head_dim": 64}


def config_of(seed: int) -> tuple[ModelConfig, RunConfig]:
    """Every choice meets every other in some of a few hundred; up to 3 layers."""
    pick = random.Random(seed)
    kv_heads = pick.choice([1, 2, 4])
    width, length = pick.choice([64, 128, 192]), pick.choice([16, 50, 128])
    fields: dict[str, Any] = {
        "vocab_size": pick.choice([100, 1000, 8000]),
        "context_length": length,
        "emb_dim": width,
        "n_kv_heads": kv_heads,
        "n_heads": kv_heads * pick.choice([1, 2, 4]),
        "head_dim": pick.choice([16, 32, 64]),
        "n_layers": pick.choice([1, 2, 3]),
        "drop_rate": pick.choice([0.0, 0.0, 0.1]),
        "hidden_dim": pick.choice([None, width // 2, 3 * width]),
        "norm": pick.choice(["rmsnorm", "rmsnorm", "layernorm", "layernorm_plain"]),
        "activation": pick.choice(["swiglu", "geglu", "gelu", "relu"]),
        "positions": pick.choice(["rope", "rope", "learned", "none"]),
        "rope_share": pick.choice([1.0, 0.5]),
        "qk_norm": pick.choice(["none", "none", "head", "full"]),
        "attention_softcap": pick.choice([None, None, 50.0]),
        "logit_softcap": pick.choice([None, None, 30.0]),
    }
    fields |= {field: pick.random() < 0.5 for field in ("qkv_bias", "tie_embeddings", "bias")}
    fields["residual"] = pick.choice(["sequential", "sequential", "parallel", "parallel_one_norm"])
    if fields["residual"] == "sequential":
        fields["norm_place"] = pick.choice(["pre", "post", "sandwich"])
    if pick.random() < 0.4:
        fields |= {"sliding_window": pick.choice([8, 40]), "full_attention_every": pick.choice([None, 2, 3])}
    if pick.random() < 0.4:
        experts = pick.choice([1, 2, 4])
        fields |= {"n_experts": experts, "n_active_experts": pick.choice([1, min(2, experts)]), "mlp_bias": False}
        fields |= {"n_shared_experts": pick.choice([0, 1])}
    run = RunConfig(
        precision=choices("precision")[seed % 4],
        batch_size=pick.choice([1, 2, 5]),
        accumulation=pick.choice([1, 1, 2]),
        optimizer=pick.choice(["adamw", "sgd", "none"]),
        attention=pick.choice(["sdpa", "sdpa", "materialized"]),
        checkpointing=pick.random() < 0.3,
        loss_chunk=pick.choice([None, None, 16]),
    )
    return ModelConfig(**fields), run


@pytest.mark.parametrize("seed", range(CONFIGS))
def test_the_computed_peak_is_the_traced_one(seed: int) -> None:
    model, run = config_of(seed)
    found, computed = trace(model, run), count_memory(model, run, "cpu")
    assert computed.trusted
    assert computed.peak_bytes == pytest.approx(found.peak_bytes, rel=0.01)
    assert computed.activations_bytes == pytest.approx(found.activations_bytes, rel=0.01)


@pytest.mark.parametrize("name", VARIANTS)
def test_what_forward_keeps_of_a_variant_is_what_was_traced_part_by_part(name: str) -> None:
    model, run = replace(VARIANTS[name], vocab_size=40), RunConfig(optimizer="none", sequence_length=32)
    computed, found = kept_by_part(model, run, "cpu"), trace(model, run)
    scalars = 8  # the loss and the weight of all targets
    few = 0 if name != "plain experts" else 0.01  # rows of an expert are no whole number
    assert computed | {"loss": computed["loss"] + scalars} == pytest.approx(found.saved, rel=few)
    assert count_memory(model, run, "cpu").peak_bytes == pytest.approx(found.peak_bytes, rel=0.002)


@given(modern_models(), st.data())
@settings(max_examples=30)
def test_rows_of_modern_models_sum_to_their_totals(model: ModelConfig, data: st.DataObject) -> None:
    run = data.draw(run_configs(model))
    memory, kept = count_memory(model, run, "cpu"), kept_rows(model, run, "cpu")
    assert total(memory.rows) == memory.peak_bytes
    assert all(row.count > 0 and row.repeats > 0 for row in memory.rows)
    assert total(kept) == sum(kept_by_part(model, run, "cpu").values()) == memory.activations_bytes
    assert all(row.repeats >= 0 and row.part for row in kept)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_to_the_gradient_of_what_a_linear_layer_read_nothing_is_added_in_place(precision: Precision) -> None:
    fields: dict[str, Any] = {"norm": "rmsnorm", "residual": "parallel_one_norm", "activation": "swiglu"}
    fields |= {"emb_dim": 192, "n_heads": 1, "head_dim": 16, "hidden_dim": 96, "context_length": 128, "n_layers": 3}
    model = replace(ATTENTION, **fields)
    run = RunConfig(precision=precision, batch_size=1, sequence_length=128, checkpointing=True)
    found = trace(model, run)
    assert found.peak_op == "aten.add.Tensor"
    assert count_memory(model, run, "cpu").peak_bytes == pytest.approx(found.peak_bytes, rel=0.0005)


@pytest.mark.parametrize("changes", [{}, {"n_heads": 4, "emb_dim": 64}, {"n_kv_heads": 2}, WINDOW, WINDOW | GROUPED])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("precision", ["autocast", "bfloat16", "bfloat16_master"])
def test_what_torchs_attention_has_a_name_for_outlives_the_cast_of_its_result(
    precision: Precision, checkpointing: bool, changes: dict[str, Any]
) -> None:
    model = replace(ATTENTION, **changes)
    run = RunConfig(precision=precision, batch_size=4, checkpointing=checkpointing, loss_chunk=16)
    found = trace(model, run)
    assert (found.peak_part, found.peak_op) == ("attention", "aten._to_copy.default")
    assert count_memory(model, run, "cpu").peak_bytes == pytest.approx(found.peak_bytes, rel=0.0002)


def test_the_gradient_of_learned_positions_is_beside_those_that_add_up() -> None:
    run = RunConfig(sequence_length=50, accumulation=2, optimizer="none", batch_size=1, loss_chunk=16)
    for tied in (False, True):
        model = replace(ATTENTION, context_length=4096, n_layers=1, tie_embeddings=tied)
        found = trace(model, run)
        assert found.peak_part == "embeddings"
        assert count_memory(model, run, "cpu").peak_bytes == pytest.approx(found.peak_bytes, rel=0.002)


def test_gradients_are_called_the_same_in_all_precisions() -> None:
    names = {
        precision: {
            each.name
            for moment in plan_of(LLAMA, RunConfig(precision=precision), "cpu").moments
            for each in moment.leaves
        }
        for precision in ("float32", "autocast")
    }
    assert "gradient of qkv weights" in names["float32"] & names["autocast"]
    assert not [name for name in names["autocast"] if name.startswith("gradient of gradient")]


LLAMA = replace(VARIANTS["llama"], vocab_size=200, n_layers=3)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_kv_heads": 4},
        {"head_dim": 16},
        {"norm": "layernorm"},
        {"norm_place": "post"},
        {"norm_place": "sandwich"},
        {"residual": "parallel"},
        {"residual": "parallel_one_norm"},
        {"activation": "relu"},
        {"positions": "learned"},
        {"positions": "none"},
        {"qk_norm": "head"},
        {"qk_norm": "full"},
        {"sliding_window": 8},
        {"attention_softcap": 30.0},
        {"logit_softcap": 30.0},
        {"n_experts": 4},
        {"n_experts": 4, "n_active_experts": 1},
        {"n_experts": 4, "expert_hidden_dim": 10},
        {"n_experts": 4, "n_shared_experts": 1},
        {"hidden_dim": 81},
    ],
    ids=str,
)
def test_each_choice_of_a_block_changes_the_peak(changes: dict[str, Any]) -> None:
    run = RunConfig(sequence_length=32, optimizer="none", checkpointing=True)
    before = replace(LLAMA, vocab_size=2000) if "logit_softcap" in changes else LLAMA
    assert (
        count_memory(replace(before, **changes), run, "cpu").peak_bytes != count_memory(before, run, "cpu").peak_bytes
    )


def test_some_layers_without_a_window_keep_masks_of_their_own() -> None:
    run = RunConfig(sequence_length=32, attention="materialized")
    kept = {}
    for every in (None, 2, 3):
        model = replace(LLAMA, sliding_window=8, full_attention_every=every)
        kept[every] = sum(row.total for row in kept_rows(model, run, "cpu") if row.name == "causal masks")
    assert kept == {None: 0, 2: 32**2, 3: 32**2}


def test_the_kernel_of_a_window_on_cuda_is_not_known() -> None:
    windows, run = replace(LLAMA, sliding_window=8), RunConfig(sequence_length=32)
    assert count_memory(windows, run, "cpu").trusted
    assert not count_memory(windows, run, "cuda").trusted
    assert count_memory(windows, replace(run, sequence_length=8), "cuda").trusted  # no position is out of sight
    assert count_memory(LLAMA, run, "cuda").trusted


def test_plans_without_a_difference_are_followed_once() -> None:
    run = RunConfig(sequence_length=32)
    assert plan_of(LLAMA, run, "cpu") is plan_of(
        replace(LLAMA, qkv_bias=True, rope_theta=5e5, hidden_dim=7), run, "cpu"
    )
