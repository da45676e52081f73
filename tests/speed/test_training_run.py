"""The decision about a real training run: known answers by hand, and invariants on random configs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.accounting.fit import apply, memory_on_hardware
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.speed.training_run import Pace, Plan, assumed_pace, decide, dense_peak, model_flops_per_token
from tests.strategies import pairs

GPT2 = ModelConfig(tie_embeddings=True, qkv_bias=True, drop_rate=0.0)
GPT3 = ModelConfig(context_length=2048, emb_dim=12288, n_heads=96, n_layers=96, drop_rate=0.0, tie_embeddings=True)


def test_gpt2_on_eight_a100_takes_the_four_days_that_nanogpt_reports() -> None:
    # github.com/karpathy/nanoGPT, README and config/train_gpt2.py: 600,000 steps of 12 x 1024 tokens, 40 of them
    # accumulated, "about 4 days" on 8 A100 40GB; that is an MFU of 0.3
    run = RunConfig(hardware="a100-40gb", precision="autocast", batch_size=12, sequence_length=1024)
    plan = Plan(tokens=600_000 * 491_520, step_tokens=491_520, mfu=0.3)
    found = decide(GPT2, run, plan, assumed_pace(GPT2, run, plan.mfu))
    assert found.seconds is not None
    assert found.seconds / 8 / 86400 == pytest.approx(4, abs=0.2)
    assert found.step_tokens == pytest.approx(491_520, rel=0.03)


def test_model_flops_are_three_forwards_of_palm() -> None:
    # PaLM, arXiv 2204.02311, appendix B: 6 N + 12 L H Q T a token, N the weights in matrix products
    run = RunConfig(batch_size=3, sequence_length=512, checkpointing=True)
    matrices = 12 * 12 * 768**2 + 50257 * 768
    assert model_flops_per_token(GPT2, run) == 6 * matrices + 12 * 12 * 768 * 512


def test_the_time_and_the_price_are_tokens_over_pace() -> None:
    found = decide(GPT2, RunConfig(), Plan(tokens=7_200_000, price_per_hour=3.0), Pace(1000.0, "measured"))
    assert found.seconds == 7200
    assert found.price == 6.0
    assert decide(GPT2, RunConfig(), Plan(), None).seconds is None
    assert decide(GPT2, RunConfig(), Plan(price_per_hour=2.0), None).price is None


@pytest.mark.parametrize(
    ("hardware", "precision", "peak"),
    [
        ("h100-80gb", "bfloat16_master", 989e12),
        ("h100-80gb", "float32", 67e12),
        ("v100-32gb", "autocast", None),  # it has no bfloat16
        ("macbook-m4-16gb", "float32", None),
        ("24GiB", "float32", None),
        ("this machine", "float32", None),
    ],
)
def test_an_unknown_peak_gives_no_pace(hardware: str, precision: Any, peak: float | None) -> None:
    run = RunConfig(hardware=hardware, precision=precision)
    assert dense_peak(run) == peak
    assert (assumed_pace(GPT2, run, 0.4) is None) is (peak is None)


def test_what_does_not_fit_needs_as_many_as_hold_its_states() -> None:
    # GPT-3 175B in mixed precision: 16 bytes a parameter (ZeRO, arXiv 1910.02054, section 3.1), 174.6e9 of them tied
    run = RunConfig(hardware="h100-80gb", precision="bfloat16_master", batch_size=1, sequence_length=2048)
    found = decide(GPT3, run, Plan(), None, reserve=0.0)
    assert found.micro_batch == 0
    assert (found.batch, found.accumulation, found.step_tokens) == (None, None, None)
    assert found.bytes_per_parameter == pytest.approx(16, abs=0.001)
    assert found.devices == -(-found.states_bytes // (81_559 * 1024**2)) == 33


@given(pairs(), st.integers(1, 10**8), st.sampled_from(["h100-80gb", "t4-16gb", "64MiB", "3GiB"]))
def test_the_step_fits_and_one_more_sequence_would_not(
    pair: tuple[ModelConfig, RunConfig], step_tokens: int, hardware: str
) -> None:
    model, run = pair[0], replace(pair[1], hardware=hardware)
    found = decide(model, run, Plan(step_tokens=step_tokens), None)
    assert found.budget_bytes is not None
    if not found.batch or not found.accumulation or found.micro_batch is None:
        smallest = apply(model, run, {"batch_size": 1, "accumulation": 2})
        assert memory_on_hardware(*smallest).peak_bytes > found.budget_bytes
        return
    accumulation = min(found.accumulation, 2)  # a third micro-batch takes no more
    asked = apply(model, run, {"batch_size": found.batch, "accumulation": accumulation})
    assert memory_on_hardware(*asked).peak_bytes <= found.budget_bytes
    assert 1 <= found.batch <= found.micro_batch
    length = run.sequence(model)
    assert found.step_tokens == found.batch * found.accumulation * length
    # within half a sequence for each micro-batch and for the step as a whole
    assert abs(found.step_tokens - step_tokens) <= max(length, (found.accumulation + 1) * length / 2)
