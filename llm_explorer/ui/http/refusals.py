"""Addresses that are answered with a refusal: those that no page of ours asks for, and those that are too long."""

import re
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from llm_explorer.formats.address import LONGEST_QUERY
from llm_explorer.texts import http as texts

# Streamlit's (1.67) own but for those that the browser asks: not metrics, script-health-check, agent
_CLOSED: Final = re.compile(r"/_stcore/(?!(health|host-config|stream)\Z|(upload_file|bidi-components)/)")


class Refusals:
    """Refuses, before Streamlit hears of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of any request."""
        refused = refusal(scope["path"], scope["query_string"]) if scope["type"] in ("http", "websocket") else None
        if refused is None:
            await self.app(scope, receive, send)
        else:
            await refused(scope, receive, send)


def refusal(path: str, query: bytes) -> PlainTextResponse | None:
    """The answer to an address that is refused."""
    if _CLOSED.search(path):
        return PlainTextResponse(texts.CLOSED, 404)
    if len(query) > LONGEST_QUERY:
        return PlainTextResponse(texts.LONG_ADDRESS.format(there=len(query), most=LONGEST_QUERY), 414)
    return None
