"""What a server has one of."""

import threading
import time

import streamlit as st

from llm_explorer.ui.runs import workers


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
