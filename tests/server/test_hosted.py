"""A real server in hosted mode, visited over the websocket."""

import asyncio
from pathlib import Path

import pytest

from tests.browser.screen import Server
from tests.server.visitor import Visitor
from tests.waiting import until

SHARED = "A shared server"


async def first_screen(url: str, page: str = "") -> str:
    visitor = await Visitor.open(url, page)
    words = visitor.words()
    await visitor.close()
    return words


def test_a_secret_switches_hosted_mode_on_from_the_first_run_and_in_the_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the file in the home folder is read as the one in the project's .streamlit is, which a test must not write
    monkeypatch.delenv("LLM_EXPLORER_HOSTED", raising=False)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('LLM_EXPLORER_HOSTED = "1"\n')
    server = Server(tmp_path, HOME=str(tmp_path))
    try:
        assert SHARED in asyncio.run(first_screen(server.url))
        asyncio.run(first_screen(server.url, "memory"))  # has its config traced
        until(server.children, 20)
        assert {child.environ().get("LLM_EXPLORER_HOSTED") for child in server.children()} == {"1"}
    finally:
        server.stop()
