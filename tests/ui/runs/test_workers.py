"""What a server has one of."""

import threading
import time
from pathlib import Path

import pytest
import streamlit as st

from llm_explorer.ui.runs import workers
from llm_explorer.worker.queue import MeasuringQueue
from tests.ui.app_visit import Visit
from tests.worker.children import speaks

MAKE_QUEUE = workers.queue.__wrapped__  # type: ignore[attr-defined]  # before the tests' own takes its place
TELLS_OF_A_GPU = """
sys.stdin.readline()
print('{"id": 1, "event": "result", "result": {"cpu": "a processor", "cuda:7": "a GPU"}}')
sys.stdout.flush()
sys.stdin.read()
"""


def test_it_is_not_dropped_with_what_streamlit_keeps() -> None:
    before = workers.lessons(), workers.traces()
    st.cache_resource.clear()
    assert (workers.lessons(), workers.traces()) == before


def test_it_is_made_once_however_many_ask_at_once() -> None:
    made: list[object] = []

    @workers._one_a_server
    def slow() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    threads = [threading.Thread(target=slow) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [slow()]


def test_a_device_that_the_spare_child_tells_of_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    speaks(monkeypatch, tmp_path, TELLS_OF_A_GPU)
    monkeypatch.setattr(workers, "DEVICES_AFTER_S", 0.0)
    made: MeasuringQueue = MAKE_QUEUE()
    monkeypatch.setattr(workers, "queue", lambda: made)
    try:
        visit = Visit()
        visit.until(lambda: "cuda:7" in visit.page.selectbox(key="device").options)
        visit.choose("device", "cuda:7")
        assert visit.page.selectbox(key="device").value == "cuda:7"
    finally:
        made.close()
