"""What of a browser's messages reaches Streamlit."""

import asyncio
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from llm_explorer.ui.http.messages import A_SECOND, AT_ONCE, Messages, Pace


def test_texts_and_what_is_no_message_are_passed_over_and_the_rest_comes_in_its_order() -> None:
    good = BackMsg(app_heartbeat=True).SerializeToString()
    sent: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.receive", "bytes": b"\xff\xff"},
        {"type": "websocket.receive", "bytes": b""},
        {"type": "websocket.receive", "bytes": good},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    heard: list[Any] = []

    async def receive() -> Any:
        return sent.pop(0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([await receive() for _ in range(3)])

    asyncio.run(Messages(app)({"type": "websocket"}, receive, None))  # type: ignore[arg-type]
    assert [message["type"] for message in heard] == ["websocket.connect", "websocket.receive", "websocket.disconnect"]
    assert heard[1]["bytes"] == good


def test_a_flood_is_heard_as_fast_as_a_browser_tells_and_who_pauses_may_tell_much_again() -> None:
    pace = Pace()
    assert [pace.wait_s(1000.0) for _ in range(AT_ONCE)] == [0.0] * AT_ONCE
    assert pace.wait_s(1000.0) == pytest.approx(1 / A_SECOND)
    assert [pace.wait_s(1010.0 + number / A_SECOND) for number in range(500)] == [0.0] * 500
