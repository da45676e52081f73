from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from llm_explorer.ui.runs import workers
from llm_explorer.worker import attempt
from llm_explorer.worker.queue import Devices, MeasuringQueue
from llm_explorer.worker.spare import Spare
from tests.budgets import allow


@pytest.fixture(autouse=True)
def charts_of_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts that a test can read; test_live.py is about the other ones."""
    monkeypatch.setenv("LLM_EXPLORER_LIVE", "0")


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MeasuringQueue]:
    """A queue of the test's own, without the spare child, that measures for 0.2 s and ends with the test."""
    devices: Devices = (("cpu", "a processor"), ("meta", "counts only, no memory"))
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path / name))
    allow(monkeypatch, timing_s=0.2)
    monkeypatch.setattr(Spare, "warm", lambda self: None)
    monkeypatch.setattr(MeasuringQueue, "devices", lambda self: devices)
    made = MeasuringQueue()
    monkeypatch.setattr(workers, "queue", lambda: made)
    yield made
    made.close()
    st.cache_resource.clear()
