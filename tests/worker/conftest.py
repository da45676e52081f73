from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.worker import attempt
from llm_explorer.worker.queue import MeasuringQueue
from llm_explorer.worker.spare import Spare

TINY = ModelConfig(vocab_size=1000, context_length=64, emb_dim=64, n_heads=4, n_layers=2)
SLOW = ModelConfig(vocab_size=1000, context_length=256, emb_dim=256, n_heads=4, n_layers=8)
SLOW_RUN = RunConfig(batch_size=64)  # seconds a step: a measurement of over half a minute


@pytest.fixture(autouse=True)
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A lock of the tests' own, so that no other program on the machine makes them wait."""
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path / name))
    return tmp_path / "llm-explorer" / "measuring.lock"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget of 0.2 s."""
    monkeypatch.setattr(attempt, "budget_s", lambda: 0.2)


@pytest.fixture
def queue_with_spare(quick: None) -> Iterator[MeasuringQueue]:
    made = MeasuringQueue()
    yield made
    made.close()


@pytest.fixture
def queue(queue_with_spare: MeasuringQueue, monkeypatch: pytest.MonkeyPatch) -> MeasuringQueue:
    """Without the spare, which would import torch after every test for nothing."""
    monkeypatch.setattr(Spare, "warm", lambda self: None)
    return queue_with_spare


def is_gone(pid: int) -> bool:
    """Whether the process has ended; who adopted it may not have collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
