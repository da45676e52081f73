"""Files that are sent: none to a shared server, and to any a few at a time. How much is kept: from_browser.py."""

import asyncio
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from llm_explorer.budget import limits
from llm_explorer.texts import http as texts

AT_A_TIME: Final = 8  # each may take 4 MB while it is read: Streamlit's limit of 2 MB, twice
SLOWEST_S: Final = 30  # 1 MB at 0.3 Mbit/s
_PATH: Final = "/_stcore/upload_file/"


class Uploads:
    """Refuses a file before its body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._on_their_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of any request; all but those with files pass."""
        if scope["type"] != "http" or _PATH not in scope["path"]:
            await self.app(scope, receive, send)
        elif not limits().takes_files:
            await PlainTextResponse(texts.NO_UPLOADS, 403)(scope, receive, send)
        elif self._on_their_way >= AT_A_TIME:
            told = texts.BUSY.format(there=self._on_their_way, most=AT_A_TIME)
            await PlainTextResponse(told, 503)(scope, receive, send)
        else:
            await self._take(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._on_their_way += 1
        try:
            async with asyncio.timeout(SLOWEST_S):
                await self.app(scope, receive, send)
        except TimeoutError:
            await PlainTextResponse(texts.SLOW.format(most=SLOWEST_S), 408)(scope, receive, send)
        finally:
            self._on_their_way -= 1
