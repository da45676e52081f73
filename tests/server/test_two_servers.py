"""Two servers of one user on one machine: both answer, their measurements take turns, both come to their end."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.screen import SMALL, Server
from tests.server.visitor import Visitor

WAITS = "Another program is measuring on this machine"
IS_MEASURED = "Measured: really run here"
# timed for seconds on any machine: of a smaller model the whole timing can fall between two looks
LONG = "vocab_size=65&context_length=256&emb_dim=384&n_heads=6&n_layers=6&drop_rate=0.0&batch_size=2"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    started = [Server(tmp_path), Server(tmp_path)]
    yield started
    for server in started:
        server.stop()


async def until(visitor: Visitor, words: str, seconds: float = 90) -> None:
    """Look again as the page asks a browser to."""
    deadline = time.monotonic() + seconds
    while words not in visitor.words():
        assert visitor.errors == []
        assert time.monotonic() < deadline, visitor.words()
        await asyncio.sleep(0.1)
        await (visitor.poll() if visitor.polls else visitor.run())


async def measure_on_both(first_url: str, second_url: str) -> str:
    """What the second page says while the first one measures; returns when both have their results."""
    first = await Visitor.open(first_url, query=LONG)
    second = await Visitor.open(second_url, query=SMALL[1:])
    await first.press("Build and time it")
    await until(first, "timing: ")
    await second.press("Build and time it")
    await until(second, WAITS)
    said = second.words()
    await second.move("n_layers", "3")
    await first.poll()
    assert IS_MEASURED not in first.words(), "a slider of the second answers meanwhile"
    await asyncio.gather(until(first, IS_MEASURED), until(second, IS_MEASURED))
    for visitor in (first, second):
        await visitor.close()
    return said


@pytest.mark.browser
def test_measurements_of_two_servers_take_turns(servers: list[Server]) -> None:
    assert WAITS in asyncio.run(measure_on_both(*(server.url for server in servers)))
    assert all("Traceback" not in server.log.read_text() for server in servers)
