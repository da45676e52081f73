"""FLOPs: published counts, and torch's own counter on the meta device."""

import pytest
import torch
from hypothesis import example, given
from torch.utils.flop_counter import FlopCounterMode

from llm_explorer.accounting.flops import count_flops
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import build
from llm_explorer.training import random_batch
from tests.strategies import pairs
from tests.variants import VARIANTS

BOOK = ModelConfig()
WHOLE_CONTEXT = RunConfig(batch_size=1, sequence_length=1024)
DROPPING = ModelConfig(vocab_size=50, context_length=8, emb_dim=12, n_heads=2, n_layers=2)


def counted_by_torch(model: ModelConfig, run: RunConfig) -> tuple[int, int]:
    """FLOPs of the loss alone, and what its gradients take more. Only meta: on CPU torch counts sdpa as nothing."""
    gpt, batch = build(model, run), random_batch(model, run)
    with torch.no_grad(), FlopCounterMode(display=False) as alone:
        gpt.loss(*batch, run.loss_chunk)
    with FlopCounterMode(display=False) as both:
        gpt.loss(*batch, run.loss_chunk).backward()
    return alone.get_total_flops(), both.get_total_flops() - alone.get_total_flops()


@given(pairs(device="meta", precision="float32"))
@example((DROPPING, RunConfig(device="meta", checkpointing=True)))
@example((replace(DROPPING, drop_rate=0.0), RunConfig(device="meta", checkpointing=True)))
def test_forward_and_backward_are_what_torch_counts(configs: tuple[ModelConfig, RunConfig]) -> None:
    flops = count_flops(*configs)
    assert (flops.forward, flops.backward) == counted_by_torch(*configs)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("drop_rate", [0.0, 0.1])
@pytest.mark.parametrize("name", VARIANTS)
def test_the_flops_of_every_variant_are_what_torch_counts(name: str, drop_rate: float, checkpointing: bool) -> None:
    model = replace(VARIANTS[name], drop_rate=drop_rate)
    run = RunConfig(device="meta", sequence_length=24, checkpointing=checkpointing)
    flops = count_flops(model, run)
    assert (flops.forward, flops.backward) == counted_by_torch(model, run)


@pytest.mark.parametrize("window", [1, 5, 24, 31])
def test_causal_attention_inside_a_window_counts_the_pairs_of_a_query_and_a_key_that_it_sees(window: int) -> None:
    model = replace(VARIANTS["windows 2 of 3"], sliding_window=window)
    flops = count_flops(model, RunConfig(batch_size=3, sequence_length=24))
    seen = sum(
        sum(model.window(layer) is None or key > query - window for query in range(24) for key in range(query + 1))
        for layer in range(model.n_layers)
    )
    products = sum(row.total for row in flops.rows if row.component != "attention scores")
    assert flops.forward_causal == products + 4 * 3 * model.n_heads * model.head_width * seen


def test_of_experts_only_the_active_ones_count() -> None:
    model = VARIANTS["qwen3_moe"]  # 3 of 6
    rows = {
        row.name: row.count for row in count_flops(model, WHOLE_CONTEXT.model_copy(update={"sequence_length": 8})).rows
    }
    assert rows["gate"] == rows["up"] == rows["down"] == 2 * 8 * 3 * 48 * 24
    assert rows["router"] == 2 * 8 * 48 * 6


def test_every_product_of_gpt2_has_nanogpts_count() -> None:
    # nanoGPT, transformer_sizing.ipynb, GPT-2 small at T=1024, B=1: FLOPs of one layer, then of all
    totals = {row.name: row.total for row in count_flops(BOOK, WHOLE_CONTEXT).rows}
    counts = {row.name: row.count for row in count_flops(BOOK, WHOLE_CONTEXT).rows}
    assert counts == {
        "qkv": 3_623_878_656,
        "scores": 1_610_612_736,
        "weighted values": 1_610_612_736,
        "projection": 1_207_959_552,
        "up": 4_831_838_208,
        "down": 4_831_838_208,
        "head": 79_047_426_048,
    }
    assert sum(count for name, count in counts.items() if name != "head") == 17_716_740_096
    assert sum(totals.values()) == 291_648_307_200


def test_forward_and_backward_of_gpt2_have_nanogpts_count() -> None:
    flops = count_flops(BOOK, WHOLE_CONTEXT)
    assert flops.forward == 291_648_307_200
    assert flops.forward + flops.backward == 874_944_921_600  # transformer_sizing.ipynb: forward and backward
    assert flops.per_token == 874_944_921_600 / 1024


def test_causal_attention_counts_only_the_pairs_that_the_mask_leaves() -> None:
    flops = count_flops(BOOK, WHOLE_CONTEXT)
    # scores and weighted values, 12 layers: 4 T^2 D in full, 4 D for each of T (T + 1) / 2 pairs when causal
    assert flops.forward - flops.forward_causal == 12 * 4 * 768 * (1024**2 - 1024 * 1025 // 2)
    one_token = count_flops(BOOK, replace(WHOLE_CONTEXT, sequence_length=1))
    assert one_token.forward_causal == one_token.forward


@given(pairs())
def test_the_parts_add_up(configs: tuple[ModelConfig, RunConfig]) -> None:
    model, run = configs
    flops, tokens = count_flops(model, run), run.batch_size * run.sequence(model)
    assert flops.forward == sum(row.count * row.repeats for row in flops.rows)
    assert flops.per_token == (flops.forward + flops.backward) / tokens
    assert flops.forward_causal <= flops.forward
    assert count_flops(model, replace(run, batch_size=2 * run.batch_size)).forward == 2 * flops.forward


@pytest.mark.parametrize(
    "changes",
    [
        {"vocab_size": 50258},
        {"emb_dim": 780},
        {"n_layers": 13},
        {"hidden_dim": 3071},
        {"batch_size": 2},
        {"sequence_length": 1023},
        {"checkpointing": True},
    ],
    ids=str,
)
def test_each_of_these_changes_the_count(changes: dict[str, int]) -> None:
    model = replace(BOOK, **{field: value for field, value in changes.items() if field in ModelConfig.model_fields})
    run = replace(
        WHOLE_CONTEXT, **{field: value for field, value in changes.items() if field in RunConfig.model_fields}
    )
    before, after = count_flops(BOOK, WHOLE_CONTEXT), count_flops(model, run)
    assert (after.forward, after.backward) != (before.forward, before.backward)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_heads": 1},
        {"drop_rate": 0.0},
        {"context_length": 2048},
        {"qkv_bias": True},
        {"bias": False},
        {"tie_embeddings": True},
    ],
    ids=str,
)
def test_none_of_these_changes_the_count(changes: dict[str, int]) -> None:
    assert count_flops(replace(BOOK, **changes), WHOLE_CONTEXT) == count_flops(BOOK, WHOLE_CONTEXT)


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bfloat16"},
        {"attention": "materialized"},
        {"optimizer": "none"},
        {"optimizer_implementation": "for_loop"},
        {"accumulation": 2},  # the count is of one micro-batch
        {"loss_chunk": 100},
        {"threads": 1},
        {"seed": 1},
        {"device": "meta"},
        {"hardware": "24GiB"},
    ],
    ids=str,
)
def test_no_other_field_of_the_run_changes_the_count(changes: dict[str, object]) -> None:
    assert count_flops(BOOK, replace(WHOLE_CONTEXT, **changes)) == count_flops(BOOK, WHOLE_CONTEXT)


def test_dropout_matters_with_checkpointing_alone() -> None:
    run = replace(WHOLE_CONTEXT, checkpointing=True)
    dropping, whole = count_flops(BOOK, run), count_flops(replace(BOOK, drop_rate=0.0), run)
    # the mask of the block's last dropout is made after "down", which is then computed again
    down = 12 * 4_831_838_208
    assert dropping.forward == whole.forward
    assert dropping.backward - whole.backward == down


def test_giants_are_counted_in_whole_numbers() -> None:
    giant = ModelConfig(
        vocab_size=10_000_000, context_length=100_000_000, emb_dim=1_048_576, n_heads=65_536, n_layers=10_000
    )
    run = RunConfig(batch_size=1_048_576, sequence_length=100_000_000)
    tokens, d = 1_048_576 * 100_000_000, 1_048_576
    by_hand = 10_000 * tokens * (24 * d**2 + 4 * 100_000_000 * d) + 2 * tokens * d * 10_000_000
    assert count_flops(giant, run).forward == by_hand


def test_torchs_counter_agrees_with_nanogpt_about_gpt2() -> None:
    run = replace(WHOLE_CONTEXT, device="meta")
    assert counted_by_torch(BOOK, run) == (291_648_307_200, 2 * 291_648_307_200)
