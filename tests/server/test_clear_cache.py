"""The message that empties Streamlit's caches, which anybody may send: no process and no run is touched by it."""

import asyncio
import time
from collections.abc import Iterator

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.screen import PlainServer, Server
from tests.server.test_two_servers import LONG
from tests.server.test_two_servers import until as shows
from tests.server.visitor import Visitor
from tests.waiting import until

pytestmark = pytest.mark.browser
CLEAR = BackMsg(clear_cache=True).SerializeToString()
LONGER = LONG.replace("n_layers=6", "n_layers=24")  # a run of over ten seconds


@pytest.fixture(scope="module", params=[Server, PlainServer])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = request.param(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


async def clear_often(url: str) -> None:
    """As in an attack: empty the caches, then have made anew what a page needs."""
    stranger = await Visitor.open(url, "memory")
    for _ in range(5):
        await stranger.say(CLEAR)
        await stranger.move("n_layers", "13")
        await stranger.move("n_layers", "12")
    await stranger.close()


def pids(server: Server) -> set[int]:
    return {child.pid for child in server.children()}


def test_it_brings_about_no_more_processes(server: Server) -> None:
    asyncio.run(clear_often(server.url))
    until(lambda: len(server.children()) == 2, 30)  # the child of traces and the spare one
    before = pids(server)
    asyncio.run(clear_often(server.url))
    time.sleep(5)  # a new queue asks a child for the devices after 3 s
    assert pids(server) == before


async def running_while_cleared(server: Server) -> psutil.Process:
    """The process of a run whose tab is then closed."""
    victim = await Visitor.open(server.url, query=LONGER)
    await victim.press("Build and time it")
    await shows(victim, "timing: ")
    busy = max(server.children(), key=lambda child: sum(child.cpu_times()[:2]))
    await clear_often(server.url)
    await victim.poll()
    assert "timing: " in victim.words()
    assert busy.is_running()
    await victim.close()
    await asyncio.to_thread(psutil.wait_procs, [busy], 5)
    return busy


def test_a_run_of_another_goes_on_and_ends_with_its_tab(server: Server) -> None:
    busy = asyncio.run(running_while_cleared(server))
    assert not busy.is_running()
