from collections import Counter
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.speed.operation import PRODUCTS
from llm_explorer.speed.operations import operations
from tests.speed.calibrations import KINDS
from tests.strategies import modern_models, pairs, run_configs
from tests.variants import VARIANTS

SMALL = ModelConfig(vocab_size=100, context_length=32, emb_dim=24, n_heads=3, n_layers=2, drop_rate=0.0)


def flops_of(model: ModelConfig, run: RunConfig, *phases: str) -> int:
    return sum(each.flops * each.times for each in operations(model, run, "cpu") if each.phase in phases)


@given(pairs(loss_chunk=None))
def test_their_flops_are_those_that_are_counted(pair: tuple[ModelConfig, RunConfig]) -> None:
    model, run = pair
    counted = count_flops(model, run)
    assert flops_of(model, run, "forward") == run.accumulation * counted.forward
    assert flops_of(model, run, "backward") == run.accumulation * counted.backward
    assert flops_of(model, run, "optimizer") == 0


@given(modern_models(), st.data())
def test_the_operations_of_a_modern_model_have_its_flops_and_known_kinds(
    model: ModelConfig, data: st.DataObject
) -> None:
    run = data.draw(run_configs(model, loss_chunk=None))
    counted, found = count_flops(model, run), operations(model, run, "cpu")
    assert flops_of(model, run, "forward") == run.accumulation * counted.forward
    assert flops_of(model, run, "backward") == run.accumulation * counted.backward
    for each in found:
        assert each.kind in KINDS
        assert min(each.sizes) >= 1
        assert each.times >= 1


@pytest.mark.parametrize("name", VARIANTS)
def test_every_weight_of_a_variant_has_a_product_and_its_backward_two(name: str) -> None:
    model, run = VARIANTS[name], RunConfig(sequence_length=32)
    found = operations(model, run, "cpu")
    kinds = {kind: sum(each.times for each in found if each.kind == kind) for kind in PRODUCTS}
    assert kinds["linear"] == kinds["input gradient"] == kinds["weight gradient"]
    matrices = {"gate": 3, "up": 2}["gate" if model.is_gated else "up"]
    per_layer = 2 + (matrices * (model.n_experts or 1)) + (1 if model.n_experts else 0)
    per_layer += matrices if model.n_shared_experts else 0
    assert kinds["linear"] == per_layer * model.n_layers + 1


LLAMA = replace(VARIANTS["llama"], n_layers=3)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_kv_heads": 4},
        {"head_dim": 16},
        {"norm": "layernorm"},
        {"norm_place": "post"},
        {"norm_place": "sandwich"},
        {"residual": "parallel_one_norm"},
        {"activation": "relu"},
        {"activation": "gelu"},
        {"positions": "learned"},
        {"positions": "none"},
        {"qk_norm": "head"},
        {"attention_softcap": 30.0},
        {"logit_softcap": 30.0},
        {"head_bias": True},
        {"n_experts": 4},
        {"n_experts": 4, "n_active_experts": 1},
        {"n_experts": 4, "expert_hidden_dim": 10},
        {"n_experts": 4, "n_shared_experts": 1},
    ],
    ids=str,
)
def test_every_choice_of_a_block_changes_something(settings: dict[str, Any]) -> None:
    run = RunConfig(sequence_length=32)
    assert operations(replace(LLAMA, **settings), run, "cpu") != operations(LLAMA, run, "cpu")


def test_routed_rows_are_shared_out_evenly() -> None:
    model, run = VARIANTS["qwen3_moe"], RunConfig(batch_size=1, sequence_length=31)  # 93 rows to 6 experts
    rows: Counter[int] = Counter()
    for each in operations(model, run, "cpu"):
        if each.sizes[1:] == (24, 48):
            rows[each.sizes[0]] += each.times
    assert rows == {16: 2 * 3 * 3, 15: 2 * 3 * 3}  # 2 layers; down and its two gradients; 3 experts of each number


@given(pairs(loss_chunk=None), st.integers(1, 200))
def test_a_chunked_loss_does_the_same_products_all_of_them_in_forward(
    pair: tuple[ModelConfig, RunConfig], chunk: int
) -> None:
    model, run = pair
    chunked = replace(run, loss_chunk=chunk)
    assert flops_of(model, chunked, "forward", "backward") == flops_of(model, run, "forward", "backward")
    head = 2 * run.batch_size * run.sequence(model) * model.emb_dim * model.vocab_size
    more = flops_of(model, chunked, "forward") - flops_of(model, run, "forward")
    assert more == 2 * head * run.accumulation


def test_gpt2_small_has_the_flops_that_torch_counts() -> None:
    # torch.utils.flop_counter, GPT-2 small, B=1, T=1024
    run = RunConfig(batch_size=1, sequence_length=1024)
    assert flops_of(ModelConfig(), run, "forward") == 291_648_307_200


@given(pairs())
def test_every_kind_is_calibrated_and_every_size_is_positive(pair: tuple[ModelConfig, RunConfig]) -> None:
    for each in operations(*pair, "cpu"):
        assert each.kind in KINDS
        assert min(each.sizes) >= 1
        assert each.times >= 1
        assert each.work == (each.flops or (each.sizes[0] if each.phase == "optimizer" else prod(each.sizes)))


def test_a_product_reads_its_operands_once_and_writes_its_result() -> None:
    up = next(each for each in operations(SMALL, RunConfig(), "cpu") if each.sizes == (64, 24, 96))
    assert up.kind == "linear"
    assert up.read_bytes == 4 * (64 * 24 + 24 * 96)
    assert up.written_bytes == 4 * 64 * 96
    gradient = next(
        each
        for each in operations(SMALL, RunConfig(), "cpu")
        if each.kind == "weight gradient" and each.sizes == (64, 24, 96)
    )
    assert (gradient.read_bytes, gradient.written_bytes) == (4 * (64 * 24 + 64 * 96), 4 * 24 * 96)


def test_each_micro_batch_is_done_and_all_but_the_first_are_added() -> None:
    once, thrice = (operations(SMALL, RunConfig(accumulation=n), "cpu") for n in (1, 3))
    products = [sum(each.times for each in found if each.kind in PRODUCTS) for found in (once, thrice)]
    assert products[1] == 3 * products[0]
    parameters = count_parameters(SMALL).total
    (sums,) = [each for each in thrice if each.sizes == (parameters,)]
    assert (sums.kind, sums.phase, sums.times) == ("accumulate", "backward", 2)


@pytest.mark.parametrize(
    ("settings", "bytes_a_parameter"),
    [
        # weight, gradient and two states are read, all but the gradient are written
        ({}, 4 * 7),
        ({"precision": "autocast"}, 4 * 7),
        ({"precision": "bfloat16"}, 2 * 7),
        # besides the fp32 update: gradients to fp32 (2 + 4), masters to bf16 (4 + 2)
        ({"precision": "bfloat16_master"}, 4 * 7 + 12),
        ({"optimizer": "sgd"}, 4 * 3),
        ({"optimizer": "none"}, 0),
    ],
)
def test_the_optimizer_s_bytes_a_parameter(settings: dict[str, Any], bytes_a_parameter: int) -> None:
    found = [each for each in operations(SMALL, RunConfig(**settings), "cpu") if each.phase == "optimizer"]
    assert sum(each.bytes for each in found) == bytes_a_parameter * count_parameters(SMALL).total
    assert all(each.calls == 2 * 12 + 4 + 1 - 2 for each in found)  # tensors: 12 a block, 2 embeddings, norm, head


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "autocast"},
        {"precision": "bfloat16"},
        {"batch_size": 3},
        {"sequence_length": 20},
        {"accumulation": 2},
        {"optimizer": "sgd"},
        {"optimizer_implementation": "foreach"},
        {"attention": "materialized"},
        {"checkpointing": True},
        {"loss_chunk": 10},
    ],
)
def test_every_setting_changes_something(settings: dict[str, Any]) -> None:
    assert operations(SMALL, RunConfig(**settings), "cpu") != operations(SMALL, RunConfig(), "cpu")


@pytest.mark.parametrize(
    "settings", [{"drop_rate": 0.1}, {"tie_embeddings": True}, {"bias": False}, {"qkv_bias": True}, {"hidden_dim": 50}]
)
def test_every_field_of_a_model_changes_something(settings: dict[str, Any]) -> None:
    assert operations(replace(SMALL, **settings), RunConfig(), "cpu") != operations(SMALL, RunConfig(), "cpu")


def test_dropout_costs_a_cpu_its_fused_attention_but_not_cuda() -> None:
    dropped = replace(SMALL, drop_rate=0.1)
    kinds = [{each.kind for each in operations(dropped, RunConfig(), kernels)} for kernels in ("cpu", "cuda")]
    assert "math attention" in kinds[0]
    assert "flash attention" in kinds[1]
