"""What a browser may say over the websocket of a page: what the pages use, and no faster than a browser tells it.

Streamlit (1.67) begins a new run for each message, however many come, and keeps what one holds until its visit is
forgotten. ``streamlit_private/from_browser.py`` says what is used.
"""

import asyncio
import time
from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_explorer.ui import streamlit_private
from llm_explorer.ui.http.send_at_once import send_at_once

# of one connection: a run takes the server about 1.2 ms even where the next one ends it (2026-11), and a slider that is
# dragged tells its value once a frame at the most
A_SECOND: Final = 60
AT_ONCE: Final = 120


class Messages:
    """Passes on what is used, no faster than a browser tells it; what is not is never heard."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of any connection; all but websockets pass."""
        pace = Pace()
        if scope["type"] == "websocket":
            _once()

        async def receive_used() -> Message:
            while (message := await receive())["type"] == "websocket.receive":
                await asyncio.sleep(pace.wait_s(time.monotonic()))
                if _is_used(message.get("bytes")):
                    break
            return message

        await self.app(scope, receive_used if scope["type"] == "websocket" else receive, send)


class Pace:
    """How long each message of a connection has to wait: not at all, until too many have come."""

    def __init__(self) -> None:
        self._left, self._at = float(AT_ONCE), 0.0

    def wait_s(self, now: float) -> float:
        """Seconds; asked once a message.

        >>> pace = Pace()
        >>> [pace.wait_s(0.0) for _ in range(AT_ONCE + 6)][-1]
        0.1
        """
        self._left = min(float(AT_ONCE), self._left + A_SECOND * (now - self._at)) - 1
        self._at = now
        return max(0.0, -self._left / A_SECOND)


@lru_cache(maxsize=1)
def _once() -> None:
    send_at_once()


def _is_used(data: bytes | None) -> bool:
    piece = streamlit_private.install().get("from_browser")
    return piece is None or piece.is_used_message(data)
