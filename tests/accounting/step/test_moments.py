"""What is alive in a step of GPT-2's blocks, against traces of the real code: the peak, and what forward keeps by part.

With a CPU's kernels and with CUDA's.
"""

import random

import pytest
import torch
from torch import Tensor

from llm_explorer.accounting.memory import count_memory, kept_by_part, kept_rows, plan_of
from llm_explorer.accounting.rows import total
from llm_explorer.config import ModelConfig, RunConfig, choices, replace
from llm_explorer.parts import PARTS
from llm_explorer.tracing.gpt import record_step
from llm_explorer.tracing.timeline import Timeline
from llm_explorer.tracing.trace import trace

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIGS = 48  # benchmarks/memory_accuracy.py takes hundreds, of all sizes


def config_of(seed: int) -> tuple[ModelConfig, RunConfig]:
    """Up to 3 layers (a trace of more is made of those); every choice meets every other in some of a few hundred."""
    pick = random.Random(seed)
    n_heads = pick.choice([1, 2, 3, 8])
    emb_dim = n_heads * pick.choice([16, 32, 64])
    length = pick.choice([16, 50, 128, 300])
    model = ModelConfig(
        vocab_size=pick.choice([100, 1000, 8000, 50257]),
        context_length=pick.choice([length, 1024]),
        emb_dim=emb_dim,
        n_heads=n_heads,
        n_layers=pick.choice([1, 2, 3]),
        drop_rate=pick.choice([0.0, 0.1]),
        qkv_bias=pick.random() < 0.5,
        tie_embeddings=pick.random() < 0.5,
        hidden_dim=pick.choice([None, emb_dim // 2, 6 * emb_dim]),
        bias=pick.random() < 0.5,
    )
    run = RunConfig(
        precision=choices("precision")[seed % 4],
        batch_size=pick.choice([1, 2, 5]),
        sequence_length=length,
        accumulation=pick.choice([1, 3]),
        optimizer=pick.choice(["adamw", "sgd", "none"]),
        optimizer_implementation=pick.choice(choices("optimizer_implementation")),
        attention=choices("attention")[seed // 4 % 2],
        checkpointing=pick.random() < 0.4,
        loss_chunk=pick.choice([None, None, 16, 10_000]),
    )
    return model, run


@pytest.mark.parametrize("seed", range(CONFIGS))
def test_the_computed_peak_is_the_traced_one(seed: int) -> None:
    model, run = config_of(seed)
    found = trace(model, run)
    computed = count_memory(model, run, "cpu")
    # what is left out: scalars, biases and their copies and gradients
    assert computed.peak_bytes == pytest.approx(found.peak_bytes, rel=0.002, abs=4096)
    assert computed.peak_bytes <= found.peak_bytes


@pytest.mark.parametrize("seed", range(CONFIGS))
def test_what_forward_keeps_is_what_was_traced_part_by_part(seed: int) -> None:
    model, run = config_of(seed)
    computed, traced = kept_by_part(model, run, "cpu"), trace(model, run).saved
    # left out: the loss, and with all logits at once the weight of all targets, which nll_loss keeps
    scalars = (2 if run.precision.startswith("bfloat16") else 4) * (2 if run.loss_chunk is None else 1)
    assert computed | {"loss": computed["loss"] + scalars} == traced


def test_parts_are_those_of_the_traced_tier_in_its_order() -> None:
    assert tuple(trace(ModelConfig(n_layers=1, vocab_size=100), RunConfig(sequence_length=8)).saved) == PARTS


@pytest.mark.parametrize("seed", range(CONFIGS))
def test_the_parts_share_out_the_activations(seed: int) -> None:
    model, run = config_of(seed)
    rows, memory = kept_rows(model, run, "cpu"), count_memory(model, run, "cpu")
    assert total(rows) == sum(kept_by_part(model, run, "cpu").values()) == memory.activations_bytes
    assert all(row.part in PARTS for row in rows)


def test_no_moment_holds_all_that_another_does() -> None:
    for seed in range(CONFIGS):
        moments = plan_of(*config_of(seed), "cpu").moments
        held = [{(each.name, each.repeats) for each in moment.leaves} for moment in moments]
        assert not any(one < other for one in held for other in held)


# ---------------------------------------------------------------- CUDA's kernels


@pytest.fixture
def with_cudas_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's operations by name on fake CPU tensors: what each keeps is decided above the device.

    Not its autocast, and not what kernels allocate inside.
    """

    def attention(q: Tensor, k: Tensor, v: Tensor, *, dropout_p: float, is_causal: bool, **plain: object) -> Tensor:
        assert plain == {"attn_mask": None, "enable_gqa": False}
        kernel = torch.ops.aten._scaled_dot_product_flash_attention
        mixed: Tensor = kernel(q, k, v, dropout_p, is_causal)[0]
        return mixed

    def dropout(x: Tensor, p: float, training: bool = True, inplace: bool = False) -> Tensor:
        return torch.native_dropout(x, p, train=True)[0] if training and p > 0 else x

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", attention)
    monkeypatch.setattr(torch.nn.functional, "dropout", dropout)


def is_alike_on_cuda(seed: int) -> bool:
    """Autocast of CUDA has the softmax of materialized attention in fp32, that of a CPU has not."""
    run = config_of(seed)[1]
    return (run.precision, run.attention) != ("autocast", "materialized")


@pytest.mark.usefixtures("with_cudas_kernels")
@pytest.mark.parametrize("seed", [*filter(is_alike_on_cuda, range(24))])
def test_the_peak_with_cudas_kernels_is_the_traced_one(seed: int) -> None:
    model, run = config_of(seed)
    recording = record_step(model, replace(run, accumulation=min(run.accumulation, 2)))
    traced = Timeline(recording).peak()["peak_bytes"]
    # random states are the CPU's: not in a GPU's memory
    states = 5056 * (model.n_layers + 1) if run.checkpointing else 0
    computed = count_memory(model, run, "cuda").peak_bytes
    assert traced - states - max(4096, 0.002 * traced) <= computed <= traced
