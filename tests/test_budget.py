import pytest

from llm_explorer import budget
from llm_explorer.accounting.process import refusal
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig

MIB, GIB = 1024**2, 1024**3


def test_a_hosted_server_has_less_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "free_bytes", lambda: 8 * GIB)
    own = limits()
    assert (own.memory(), own.timing_s, own.timeout_s) == (8 * GIB, 10.0, 600.0)
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    hosted = limits()
    assert (hosted.memory(), hosted.timing_s, hosted.timeout_s) == (768 * MIB, 3.0, 60.0)
    assert hosted.memory_beside_a_resident() == 432 * MIB
    assert hosted.results_bytes <= 16 * MIB < own.results_bytes
    assert "768.0 MiB are allowed here" in str(refusal(ModelConfig(), RunConfig(batch_size=8)))


def test_a_hosted_server_counts_on_what_its_children_will_give_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    monkeypatch.setattr(budget, "free_bytes", lambda: 300 * MIB)
    monkeypatch.setattr(budget, "children_bytes", lambda: 320 * MIB)
    assert limits().memory() == 620 * MIB
    assert limits().memory_beside_a_resident() == 432 * MIB
