"""Headers on every answer: which sites may frame a page, that no browser guesses a type, and who hears the address."""

import logging
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMED_BY: Final = "LLM_EXPLORER_FRAME_ANCESTORS"
_SOURCE: Final = re.compile(r"'self'|\*|(https?://)?(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:([0-9]{1,5}|\*))?", re.IGNORECASE)
_STARTS: Final = ("http.response.start", "websocket.http.response.start", "websocket.accept")


class Headers:
    """Sets them, also on a websocket that is refused."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of any answer."""
        opening = scope["type"] == "websocket" and "websocket.http.response" in scope.get("extensions", ())

        async def send_with_headers(message: Message) -> None:
            nonlocal opening
            if opening and message["type"] == "websocket.close":  # refused; said so, it could have no headers
                await send_with_headers({"type": "websocket.http.response.start", "status": 403, "headers": []})
                message = {"type": "websocket.http.response.body", "body": b""}
            elif message["type"] in _STARTS:
                opening = False
                message = {**message, "headers": _with_ours(message.get("headers", ()))}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _with_ours(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    ours = {
        b"content-security-policy": f"frame-ancestors {frame_ancestors(os.environ.get(FRAMED_BY, ''))}".encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
    }
    return [*((name, value) for name, value in headers if name.lower() not in ours), *ours.items()]


@lru_cache(maxsize=1)
def frame_ancestors(asked: str) -> str:
    """The sites that may frame a page, as Content-Security-Policy has them; what is no list of sites is 'self'.

    >>> frame_ancestors("https://school.example *.university.example:8443")
    'https://school.example *.university.example:8443'
    """
    sites = asked.split()
    if sites == ["'none'"] or (sites and all(map(_SOURCE.fullmatch, sites))):
        return " ".join(sites)
    if sites:
        logging.warning(
            "%s=%s is no list of sites such as https://school.example: only this one may frame a page", FRAMED_BY, asked
        )
    return "'self'"
