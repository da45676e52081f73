"""The traced tier's answer: its keys, its sums, and what it refuses."""

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from llm_explorer.parts import CATEGORIES
from llm_explorer.presets import find
from llm_explorer.tracing import trace as module
from llm_explorer.tracing.result import Trace
from llm_explorer.tracing.trace import trace
from tests.tracing.recordings import traced_pairs
from tests.variants import VARIANTS

MODEL = ModelConfig(vocab_size=500, context_length=32, emb_dim=32, n_heads=4, n_layers=5)
KEYS = "model run peak_bytes peak_phase peak_op peak_part phases categories_at_peak saved activations_bytes timeline"
PARTS = (
    "embeddings", "norms", "attention", "feed-forward", "residual stream", "head", "loss", "random states", "optimizer"
)  # fmt: skip


@settings(max_examples=6)
@given(traced_pairs(layers=st.integers(1, 30)))
def test_every_sum_is_what_it_says(configs: tuple[ModelConfig, RunConfig]) -> None:
    found = trace(*configs)
    assert sum(found.categories_at_peak.values()) == found.peak_bytes == max(found.phases.values())
    assert found.phases[found.peak_phase] == found.peak_bytes
    assert sum(found.saved.values()) == found.activations_bytes
    line = found.timeline
    totals = [sum(column) for column in zip(*line.categories.values(), strict=True)]
    at = line.peak_at
    assert max(totals) == totals[at] == found.peak_bytes
    assert (line.op[at], line.part[at], line.phase[at]) == (
        found.peak_op, found.peak_part, found.peak_phase,
    )  # fmt: skip
    assert {name: amounts[at] for name, amounts in line.categories.items()} == found.categories_at_peak
    assert len(totals) == len(line.part) == len(line.op) == len(line.phase) <= 600
    assert sorted(line.phase, key=("forward", "backward", "optimizer").index) == list(line.phase) or (
        configs[1].accumulation > 1
    )


def test_a_trace_has_exactly_the_keys_of_the_contract_and_survives_json() -> None:
    found = trace(MODEL, RunConfig())
    plain = found.model_dump()
    assert set(plain) == {*KEYS.split(), "depths", "assumes", "constants", "seconds"}
    assert set(plain["timeline"]) == {"categories", "part", "op", "phase", "operations", "peak_at"}
    assert tuple(found.categories_at_peak) == tuple(found.timeline.categories) == CATEGORIES
    assert tuple(found.saved) == PARTS
    assert set(found.timeline.part) <= set(PARTS)
    assert Trace.model_validate(json.loads(json.dumps(plain))) == found


def test_gpt3_175b_is_traced_from_3_and_4_layers_and_peaks_where_it_must() -> None:
    preset = find("gpt3-175b")
    assert preset is not None
    found = trace(preset.model, preset.run)
    assert found.depths == (3, 4)
    # 96 layers of fp32 AdamW: weights, states and nearly all gradients are there, in the first block's backward
    assert found.peak_bytes > 16 * 174_000_000_000
    assert found.timeline.operations > 10_000


@pytest.mark.parametrize(("layers", "depths"), [(1, (1,)), (4, (4,)), (5, (3, 4))])
def test_shallow_models_are_traced_as_they_are(layers: int, depths: tuple[int, ...]) -> None:
    assert trace(replace(MODEL, n_layers=layers), RunConfig()).depths == depths


def test_what_does_not_change_a_byte_is_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(MODEL, vocab_size=501)
    first = trace(model, RunConfig())
    monkeypatch.setattr(module, "record", None)  # a second trace would fail
    again = trace(model, RunConfig(device="cuda", hardware="24GiB", threads=3, seed=5, bf16_products="torch"))
    assert again.run.device == "cuda"
    assert again.peak_bytes == first.peak_bytes
    categories = again.timeline.categories
    assert isinstance(categories, dict)
    categories.clear()  # the cache's own is not the visitor's
    assert trace(model, RunConfig()).timeline == first.timeline


def test_random_states_of_checkpointing_are_stated() -> None:
    assert trace(MODEL, RunConfig(checkpointing=True)).constants == {"checkpoint random state": 5 * 5056}
    assert trace(MODEL, RunConfig()).constants == {}


def test_what_a_trace_of_experts_assumes_is_stated() -> None:
    assert trace(VARIANTS["mixtral"], RunConfig()).assumes == "balanced routing"
    assert trace(VARIANTS["mistral"], RunConfig()).assumes is None


def test_neither_micro_batches_nor_chunks_make_a_trace_longer_than_three_of_them() -> None:
    few, many = (trace(MODEL, RunConfig(accumulation=n, loss_chunk=c)) for n, c in ((3, 22), (40, 1)))  # of 64
    assert few.timeline.operations == many.timeline.operations


def test_the_peak_is_named_by_part() -> None:
    wide_logits = ModelConfig(vocab_size=50_000, context_length=32, emb_dim=32, n_heads=4, n_layers=2, drop_rate=0.0)
    found = trace(wide_logits, RunConfig(optimizer="sgd"))
    assert (found.peak_phase, found.peak_part) == ("backward", "loss")
    assert found.peak_op == "aten._log_softmax_backward_data.default"
    many_weights = ModelConfig(vocab_size=10, context_length=1, emb_dim=128, n_heads=4, n_layers=2, drop_rate=0.0)
    found = trace(many_weights, RunConfig(optimizer_implementation="foreach", batch_size=1))
    assert (found.peak_phase, found.peak_part) == ("optimizer", "optimizer")


def test_parts_follow_one_another_as_the_numbers_flow() -> None:
    parts = trace(replace(MODEL, n_layers=1), RunConfig(optimizer="none")).timeline.part
    order = [part for part, before in zip(parts, [None, *parts], strict=False) if part != before]
    forward = ["embeddings", "norms", "attention", "residual stream", "norms", "feed-forward", "residual stream"]
    forward += ["norms", "head", "loss"]
    # back through the same parts; an addition itself has no operation there, its gradient is both sides'
    backward = ["head", "norms", "feed-forward", "norms", "attention", "norms", "embeddings", "optimizer"]
    assert order == forward + backward


def too_large(**changes: Any) -> str:
    fields = {name: value for name, value in changes.items() if name in ModelConfig.model_fields}
    run = {name: value for name, value in changes.items() if name in RunConfig.model_fields}
    with pytest.raises(ValueError) as refused:
        trace(replace(MODEL, **fields), RunConfig(**run))
    return str(refused.value)


def test_what_is_too_large_for_64_bits_is_refused_in_words() -> None:
    told = too_large(batch_size=1_048_576, context_length=10**8, sequence_length=10**8, vocab_size=10**7)
    assert "nothing can be traced" in told


def test_configs_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError):
        trace(MODEL, RunConfig(sequence_length=33))


def test_another_torch_gives_a_sentence_and_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.14.0")
    with pytest.raises(ValueError, match="not available with this torch"):
        trace(replace(MODEL, vocab_size=502), RunConfig())
