import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given

from llm_explorer.accounting import process
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, Precision, RunConfig, replace
from llm_explorer.units import byte_size
from tests.strategies import pairs

ROOT = Path(__file__).parents[2]
MIB, GIB = 1024**2, 1024**3
MODEL, RUN = ModelConfig(), RunConfig(batch_size=8)
GIANT = ModelConfig(emb_dim=1_048_576, n_heads=1024, n_layers=80)  # 12 L D^2 = 10^15 parameters


def test_process_memory_is_a_factor_over_the_tensors_a_share_for_each_layer_and_what_torch_takes() -> None:
    peak = count_memory(MODEL, RUN, "cpu").peak_bytes
    assert process.process_bytes(MODEL, RUN) == int(1.2 * peak) + (350 + 12 * 3) * MIB
    assert process.process_bytes(MODEL, RUN, "fast") == int(1.8 * peak) + (350 + 12 * 3) * MIB
    for micro_batches in (2, 64):
        more = replace(RUN, accumulation=micro_batches)
        peak = count_memory(MODEL, more, "cpu").peak_bytes
        assert process.process_bytes(MODEL, more) == int(1.2 * peak) + (350 + 12 * 3 * 2) * MIB


NARROW = ModelConfig(n_layers=10_000, emb_dim=2, n_heads=1, vocab_size=2, context_length=4, hidden_dim=1)
GATED = "n_heads=1, norm='rmsnorm', norm_place='sandwich', activation='swiglu', qk_norm='head', positions='rope'"
DEEP = """
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.measurement import measure
from llm_explorer.measure.memory import process_peak_bytes
from llm_explorer.accounting.process import process_bytes
model = ModelConfig(emb_dim=2, vocab_size=2, context_length=4, hidden_dim=1, {fields})
run = RunConfig(batch_size=1, precision={precision!r})
for layers in (20, {layers}):
    deep = replace(model, n_layers=layers)
    measure(deep, run, budget_s=0.05, report=lambda *_: None)
    print(process_peak_bytes(), process_bytes(deep, run))
"""


@pytest.mark.parametrize(
    ("precision", "layers", "fields"),
    [
        ("float32", 220, "n_heads=1"),
        ("bfloat16_master", 220, "n_heads=1"),
        ("float32", 120, GATED),
        ("float32", 40, "n_heads=1, n_experts=64, expert_hidden_dim=1"),
    ],
)
def test_what_a_layer_takes_beside_its_tensors_is_predicted_within_a_factor(
    precision: Precision, layers: int, fields: str
) -> None:
    """From 0.75 to 2.3 times what it is in a process of its own."""
    code = DEEP.format(precision=precision, layers=layers, fields=fields)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    before, predicted_before, after, predicted_after = map(int, told.split())
    assert 0.75 <= (predicted_after - predicted_before) / (after - before) <= 2.3


def test_ten_thousand_narrow_layers_are_refused_with_ways_that_are_not() -> None:
    for device in ("cpu", "mps"):
        run = RunConfig(batch_size=1, device=device)
        reason = str(process.refusal(NARROW, run, 768 * MIB))
        assert reason.startswith("A step needs about 29.7 GiB of process memory, 768.0 MiB are free; n_layers=")
        found = process.ways(NARROW, run, 768 * MIB)
        assert [way.changes for way in found] == [{"n_layers": 139}]
        assert process.refusal(found[0].model, found[0].run, 768 * MIB) is None
        sibling = process.sibling(NARROW, run, 768 * MIB)
        assert sibling is not None
        assert process.refusal(sibling.model, sibling.run, 768 * MIB) is None
        assert sibling.changes == {"n_layers": 139}


@given(pairs())
def test_what_is_refused_gets_ways_and_a_sibling_that_are_not(pair: tuple[ModelConfig, RunConfig]) -> None:
    model, run = pair
    limit = (process.process_bytes(model, run) + process.PROCESS_BASE) // 2
    for way in (*process.ways(model, run, limit), process.sibling(model, run, limit)):
        assert way is None or process.refusal(way.model, way.run, limit) is None


def test_what_fits_is_not_refused_and_a_byte_less_is() -> None:
    needs = process.process_bytes(MODEL, RUN) + 1  # rounded down
    assert process.refusal(MODEL, RUN, needs) is None
    assert process.refusal(MODEL, RUN, needs - 2) is not None


def test_a_refusal_tells_both_numbers_and_what_would_fit() -> None:
    limit = process.process_bytes(MODEL, replace(RUN, batch_size=3)) + 1
    reason = process.refusal(MODEL, RUN, limit)
    assert reason is not None
    assert reason.startswith(f"A step needs about {byte_size(process.process_bytes(MODEL, RUN))} of process memory, ")
    assert reason.endswith(f" {byte_size(limit)} are free; batch_size=3 would fit")


def test_where_nothing_would_fit_the_refusal_says_so() -> None:
    assert str(process.refusal(MODEL, RUN, GIB // 4)).endswith("no smaller model or batch would fit")


def test_a_model_of_a_thousand_million_million_parameters_is_refused_in_words() -> None:
    assert count_parameters(GIANT).total > 10**15
    reason = str(process.refusal(GIANT, RunConfig(), 16 * GIB))
    assert "PiB of process memory, 16.0 GiB are free; " in reason
    assert reason.endswith(" would fit")


def test_counting_and_other_memory_are_not_judged_here() -> None:
    for device in ("meta", "cuda:0"):
        assert process.refusal(GIANT, RunConfig(device=device), 16 * GIB) is None
    assert process.refusal(GIANT, RunConfig(device="mps"), 16 * GIB) is not None


def test_the_fast_allocator_is_chosen_only_where_what_it_hoards_fits() -> None:
    fast = process.process_bytes(MODEL, RUN, "fast")
    chosen = "fast" if sys.platform == "linux" else "default"  # the settings are glibc's
    assert process.choose_allocator(MODEL, RUN, fast) == chosen
    assert process.choose_allocator(MODEL, RUN, fast - 1) == "default"
    assert process.choose_allocator(GIANT, RunConfig(device="meta"), GIB) == chosen


def test_the_sibling_of_what_may_not_start_may(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 824 * MIB
    way = process.sibling(MODEL, RUN, limit)
    assert way is not None
    assert process.refusal(way.model, way.run, limit) is None
    assert process.sibling(way.model, way.run, limit) is None
    assert process.sibling(MODEL, replace(RUN, device="cuda"), limit) is None


def test_a_sibling_stays_the_same_while_what_is_free_changes_a_little() -> None:
    ways = [process.sibling(MODEL, RUN, int(limit * MIB)) for limit in (812.0, 812.5, 813.0, 814.0)]
    assert ways[0] is not None
    assert ways == [ways[0]] * 4


def test_a_hosted_step_takes_two_seconds_and_what_takes_longer_has_a_sibling(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(MODEL, vocab_size=1000, emb_dim=192, n_layers=2)
    long = RunConfig(batch_size=1, sequence_length=1024, accumulation=64)
    assert process.flops_limit(long) is None
    assert process.sibling(small, long, GIB) is None
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    way = process.sibling(small, long, GIB)
    assert way is not None
    assert step_flops(way.model, way.run) <= 5 * 10**10 < step_flops(small, long)
    assert process.flops_limit(replace(long, precision="autocast")) == 5 * 10**10
