"""A file that does not come to its end."""

import asyncio
from typing import Any

import pytest

from llm_explorer.ui.http import uploads
from llm_explorer.ui.http.uploads import Uploads

SCOPE = {"type": "http", "method": "PUT", "path": "/_stcore/upload_file/visit/file", "headers": []}


def test_a_file_that_takes_too_long_is_told_so_and_makes_room_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SLOWEST_S", 0.01)
    told: list[dict[str, Any]] = []

    async def reads_for_ever(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        told.append(message)

    async def come(count: int) -> None:
        guarded: Any = Uploads(reads_for_ever)
        await asyncio.gather(*(guarded(SCOPE, None, send) for _ in range(count)))
        await guarded(SCOPE, None, send)

    asyncio.run(come(uploads.AT_A_TIME + 1))
    statuses = [message["status"] for message in told if message["type"] == "http.response.start"]
    assert statuses == [503, *[408] * (uploads.AT_A_TIME + 1)]
    assert b"took longer than 0.01 s" in told[-1]["body"]
