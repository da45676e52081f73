from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_explorer.worker import attempt
from llm_explorer.worker.queue import MeasuringQueue
from llm_explorer.worker.spare import Spare
from tests.budgets import allow


@pytest.fixture(autouse=True)
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A lock of the tests' own, so that no other program on the machine makes them wait."""
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path / name))
    return tmp_path / "llm-explorer" / "measuring.lock"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget of 0.2 s."""
    allow(monkeypatch, timing_s=0.2)


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
