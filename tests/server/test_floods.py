"""One connection that tells more than a browser can: the others go on."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.screen import Server
from tests.server.visitor import Visitor

pytestmark = pytest.mark.browser
NEW_RUN: Any = {"page_name": ""}
RERUN = BackMsg(rerun_script=NEW_RUN).SerializeToString()
OF_LONG_ZONE: Any = {"context_info": {"timezone": "x" * 9_900_000}}
LONG = BackMsg(rerun_script=OF_LONG_ZONE).SerializeToString()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


def test_a_flood_of_one_visitor_does_not_keep_another_from_opening_the_page(server: Server) -> None:
    async def flood() -> float:
        stranger = await Visitor.open(server.url)
        for _ in range(6_000):
            await stranger.say(RERUN)
        begin = time.monotonic()
        honest = await Visitor.open(server.url)
        seconds = time.monotonic() - begin
        await honest.close()
        stranger.socket.transport.abort()
        return seconds

    assert asyncio.run(flood()) < 3


def test_what_a_message_holds_beside_its_widgets_is_not_kept(server: Server) -> None:
    async def tell(message: bytes) -> None:
        visitors = [await Visitor.open(server.url) for _ in range(8)]
        for visitor in visitors:
            await visitor.say(message)
            await visitor.run()  # the page goes on
        assert not any(visitor.errors for visitor in visitors)
        for visitor in visitors:
            await visitor.close()

    process = psutil.Process(server.process.pid)
    asyncio.run(tell(BackMsg(app_heartbeat=True).SerializeToString()))
    before = process.memory_info().rss
    asyncio.run(tell(LONG))
    assert process.memory_info().rss - before < 50e6
