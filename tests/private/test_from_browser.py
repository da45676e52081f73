"""What the server does not take, also where nothing stands before Streamlit."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from llm_explorer.ui import streamlit_private
from llm_explorer.ui.streamlit_private import from_browser
from tests.private.running import served

MIB = 1024**2


@pytest.fixture(autouse=True)
def guarded() -> None:
    streamlit_private.install()


def test_a_session_does_nothing_at_a_message_that_no_page_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(AppSession, "_handle_clear_cache_request", lambda _: done.append("cleared"))
    monkeypatch.setattr(AppSession, "_handle_app_heartbeat_request", lambda _: done.append("beat"))

    async def run() -> None:
        async with served(tmp_path / "script.py") as browser:
            for message in (BackMsg(clear_cache=True), BackMsg(app_heartbeat=True)):
                browser.runtime.handle_backmsg(browser.name, message)

    asyncio.run(run())
    assert done == ["beat"]


@pytest.fixture
def active(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The visits that are open."""
    visits = {f"visit-{number}" for number in range(100)}
    runtime = SimpleNamespace(is_active_session=visits.__contains__)
    monkeypatch.setattr(Runtime, "exists", lambda: True)
    monkeypatch.setattr(Runtime, "instance", lambda: runtime)
    return visits


def send(files: MemoryUploadedFileManager, visit: str, file_id: str, size: int = MIB) -> None:
    files.add_file(visit, UploadedFileRec(file_id, "config.json", "application/json", b"x" * size))


def kept(files: MemoryUploadedFileManager) -> dict[str, list[str]]:
    return {visit: [*of_visit] for visit, of_visit in files.file_storage.items()}


def test_of_a_visit_the_newest_files_are_kept(active: set[str]) -> None:
    files = MemoryUploadedFileManager("/")
    for number in range(50):
        send(files, "visit-0", f"made-up-{number}")
    assert kept(files) == {"visit-0": ["made-up-48", "made-up-49"]}
    assert [file.file_id for file in files.get_files("visit-0", ["made-up-0", "made-up-49"])] == ["made-up-49"]


def test_of_all_visits_there_is_a_most_and_the_newest_file_is_there(active: set[str]) -> None:
    files = MemoryUploadedFileManager("/")
    for visit in sorted(active):
        for number in range(2):
            send(files, visit, f"made-up-{number}")
        assert kept(files)[visit] == ["made-up-0", "made-up-1"]
        assert from_browser._bytes_of(files) <= from_browser.KEPT_BYTES


def test_names_count_as_well(active: set[str]) -> None:
    files = MemoryUploadedFileManager("/")
    for visit in active:
        send(files, visit, "x" * MIB, 0)
    assert from_browser._bytes_of(files) <= from_browser.KEPT_BYTES


def test_nothing_is_kept_of_a_visit_that_is_over(active: set[str]) -> None:
    files = MemoryUploadedFileManager("/")
    send(files, "visit-0", "in-time")
    files.remove_session_files("visit-0")  # as Streamlit does at its end
    active.remove("visit-0")
    send(files, "visit-0", "late")
    assert kept(files) == {}


def test_a_shared_server_keeps_no_file(active: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    files = MemoryUploadedFileManager("/")
    send(files, "visit-0", "file")
    assert kept(files) == {}
