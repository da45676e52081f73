"""What a browser may say over the websocket of a page: what the pages use, and nothing else.

Streamlit (1.67) does as any message says: it empties the caches of all visitors, asks git, installs files, makes an
address for each of a million names of files.
"""

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from llm_explorer.ui.http.refusals import LONGEST_QUERY
from llm_explorer.worker.limits import is_hosted


class Messages:
    """Passes on what is used; what is not is never heard."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of any connection; all but websockets pass."""

        async def receive_used() -> Message:
            while (message := await receive())["type"] == "websocket.receive" and not _is_used(message.get("bytes")):
                pass
            return message

        await self.app(scope, receive_used if scope["type"] == "websocket" else receive, send)


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
            return len(message.rerun_script.query_string) <= LONGEST_QUERY
        case "file_urls_request":
            return len(message.file_urls_request.file_names) <= 1 and not is_hosted()
        case kind:
            return kind in ("stop_script", "app_heartbeat")
