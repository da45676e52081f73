import sys

import pytest

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.units import byte_size
from llm_explorer.worker import limits

GIB = 1024**3
MODEL, RUN = ModelConfig(), RunConfig(batch_size=8)
GIANT = ModelConfig(emb_dim=1_048_576, n_heads=1024, n_layers=80)  # 12 L D^2 = 10^15 parameters


def test_process_memory_is_a_factor_over_the_tensors_and_what_torch_takes() -> None:
    peak = count_memory(MODEL, RUN).peak_bytes
    assert limits.process_bytes(MODEL, RUN) == int(1.2 * peak) + 350 * 1024**2
    assert limits.process_bytes(MODEL, RUN, "fast") == int(1.8 * peak) + 350 * 1024**2


def test_the_budget_for_tensors_is_what_a_process_of_that_size_has_room_for() -> None:
    assert limits.tensor_budget(GIB) == int((1024 - 350) * 1024**2 / 1.2)
    assert limits.tensor_budget(100 * 1024**2) == 0


def test_what_fits_is_not_refused_and_a_byte_less_is() -> None:
    needs = limits.process_bytes(MODEL, RUN) + 1  # rounded down
    assert limits.refusal(MODEL, RUN, needs) is None
    assert limits.refusal(MODEL, RUN, needs - 2) is not None


def test_a_refusal_tells_both_numbers_and_what_would_fit() -> None:
    limit = limits.process_bytes(MODEL, replace(RUN, batch_size=3)) + 1
    reason = limits.refusal(MODEL, RUN, limit)
    assert reason is not None
    assert reason.startswith(f"A step needs about {byte_size(limits.process_bytes(MODEL, RUN))} of process memory, ")
    assert reason.endswith(f" {byte_size(limit)} are free; batch_size=3 would fit")


def test_where_nothing_would_fit_the_refusal_says_so() -> None:
    assert str(limits.refusal(MODEL, RUN, GIB // 4)).endswith("no smaller model or batch would fit")


def test_a_model_of_a_thousand_million_million_parameters_is_refused_in_words() -> None:
    assert count_parameters(GIANT).total > 10**15
    reason = str(limits.refusal(GIANT, RunConfig(), 16 * GIB))
    assert "PiB of process memory, 16.0 GiB are free; " in reason
    assert reason.endswith(" would fit")


def test_counting_and_other_memory_are_not_judged_here() -> None:
    for device in ("meta", "cuda:0"):
        assert limits.refusal(GIANT, RunConfig(device=device), 16 * GIB) is None
    assert limits.refusal(GIANT, RunConfig(device="mps"), 16 * GIB) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="the fast settings are glibc's")
def test_the_fast_allocator_is_chosen_only_where_what_it_hoards_fits() -> None:
    fast = limits.process_bytes(MODEL, RUN, "fast")
    assert limits.choose_allocator(MODEL, RUN, fast) == "fast"
    assert limits.choose_allocator(MODEL, RUN, fast - 1) == "default"
    assert limits.choose_allocator(GIANT, RunConfig(device="meta"), GIB) == "fast"


def test_a_hosted_server_has_less_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "free_bytes", lambda: 8 * GIB)
    assert (limits.memory_limit(), limits.budget_s(), limits.timeout_s()) == (8 * GIB, 10.0, 600.0)
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    assert (limits.memory_limit(), limits.budget_s(), limits.timeout_s()) == (GIB, 3.0, 60.0)
    assert "1.0 GiB are allowed here" in str(limits.refusal(MODEL, RUN))
    monkeypatch.setattr(limits, "free_bytes", lambda: GIB // 2)
    assert limits.memory_limit() == GIB // 2
