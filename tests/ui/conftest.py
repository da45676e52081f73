from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from llm_explorer.ui.runs import workers
from llm_explorer.worker import attempt
from llm_explorer.worker.queue import MeasuringQueue
from llm_explorer.worker.resident import Resident
from tests.budgets import allow


@pytest.fixture(autouse=True)
def charts_of_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts that a test can read; test_live.py is about the other ones."""
    monkeypatch.setenv("LLM_EXPLORER_LIVE", "0")


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MeasuringQueue]:
    """A queue of the test's own that measures for 0.2 s, without the spare child: test_jobs.py is about that."""
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path / name))
    allow(monkeypatch, timing_s=0.2)
    made = MeasuringQueue()
    monkeypatch.setattr(made._spare, "warm", lambda: None)
    monkeypatch.setattr(workers, "queue", lambda: made)
    yield made
    made.close()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def resident() -> Iterator[Resident]:
    """One child for all tests of a file: each new one would have to import torch."""
    made = Resident()
    yield made
    made.close()


@pytest.fixture
def lessons(resident: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "lessons", lambda: resident)
