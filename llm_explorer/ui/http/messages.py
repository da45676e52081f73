"""What a browser may say over the websocket of a page: what the pages use, and nothing else.

Streamlit (1.67) does as any message says: it empties the caches of all visitors, asks git, installs files, makes an
address for each of a million names of files. It keeps what a message holds beside the states of widgets until its visit
is forgotten, and begins a new run for each, however many come.
"""

import asyncio
import time
from typing import Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from llm_explorer.ui.http.refusals import LONGEST_QUERY
from llm_explorer.worker.limits import is_hosted

MOST_WIDGETS: Final = 1_000  # in a message: a page has about a hundred
MOST_BESIDE: Final = 2**17  # bytes beside them: address, time zone, what the browser keeps of earlier messages
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


def _is_used(data: bytes | None) -> bool:
    """Not where it is a text, which no browser sends, or no message at all."""
    try:
        return data is not None and is_used(BackMsg.FromString(data))
    except DecodeError:
        return False


def is_used(message: BackMsg) -> bool:
    """Whether a page lets a browser say this."""
    match message.WhichOneof("type"):
        case "rerun_script":
            asked = message.rerun_script
            beside = message.ByteSize() - asked.widget_states.ByteSize()
            is_bounded = len(asked.widget_states.widgets) <= MOST_WIDGETS and beside <= MOST_BESIDE
            return is_bounded and len(asked.query_string) <= LONGEST_QUERY
        case "file_urls_request":
            return len(message.file_urls_request.file_names) <= 1 and not is_hosted()
        case kind:
            return kind in ("stop_script", "app_heartbeat")
