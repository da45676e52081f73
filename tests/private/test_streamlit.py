"""The contract with Streamlit: every private name that the app stands on, and that the app runs on without it."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from llm_explorer.ui import streamlit_private

NEEDED_BY: dict[tuple[Any, str], set[str]] = {}
for piece in streamlit_private.PIECES:
    for owner, names in import_module(f"{streamlit_private.__name__}.{piece}").NEEDS:
        for name in names:
            NEEDED_BY.setdefault((owner, name), set()).add(piece)
WITHOUT = """
import logging, sys
from streamlit.testing.v1 import AppTest
from llm_explorer.ui import streamlit_private
told = []
logging.getLogger(streamlit_private.__name__).addHandler(type("Told", (logging.Handler,), {{
    "emit": lambda self, record: told.append(record.getMessage())}})())
streamlit_private.has = lambda owner, name: {there}
page = AppTest.from_file("streamlit_app.py", default_timeout=60).run()
page.number_input(key="n_layers").set_value(13).run()
assert not page.exception, page.exception
print(page.metric[0].value, *told, sep="\\n")
"""


@pytest.fixture
def anew() -> Iterator[None]:
    streamlit_private.install.cache_clear()
    yield
    streamlit_private.install.cache_clear()


@pytest.mark.parametrize(("owner", "name"), NEEDED_BY, ids=lambda one: getattr(one, "__name__", one))
def test_streamlit_has_each_name_and_without_one_its_pieces_are_left_out_in_words(
    owner: Any, name: str, anew: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert streamlit_private.has(owner, name)
    assert set(streamlit_private.install()) == set(streamlit_private.PIECES)
    assert caplog.messages == []
    streamlit_private.install.cache_clear()
    monkeypatch.setattr(streamlit_private, "has", lambda one, other: (one, other) != (owner, name))
    without = NEEDED_BY[owner, name]
    assert set(streamlit_private.install()) == set(streamlit_private.PIECES) - without
    assert all(f"{owner.__name__}.{name}" in told for told in caplog.messages)
    assert len(caplog.messages) == len(without)
    assert all(streamlit_private.PIECES[piece] in caplog.text for piece in without)


def test_a_module_that_is_gone_is_told_too(
    anew: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"no {name}")

    monkeypatch.setattr(streamlit_private, "import_module", missing)
    assert streamlit_private.install() == {}
    assert len(caplog.messages) == len(streamlit_private.PIECES)


@pytest.mark.parametrize("there", ["True", "False"])
def test_the_app_runs_with_all_pieces_and_with_none(there: str) -> None:
    code = WITHOUT.format(there=there)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True)
    parameters, *told = done.stdout.strip().split("\n")
    assert parameters == "170.1 M"
    assert len(told) == (0 if there == "True" else len(streamlit_private.PIECES))
