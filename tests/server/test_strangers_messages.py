"""Messages that no browser sends: each is answered, and none ends in an exception, here or on the screen."""

import asyncio
import random

import pytest

from tests.browser.screen import Server
from tests.server.crafted import KINDS, frames, messages
from tests.server.visitor import Visitor

pytestmark = pytest.mark.browser
ROUNDS = 8
FRAMES = 300


async def send_all(url: str, page: str) -> str:
    """Some messages of each kind; the words of the page after a good one."""
    compare = await Visitor.open(url, "compare")
    others = [widget.id for widget in compare.widgets.values()]
    await compare.close()
    stranger = await Visitor.open(url, page)
    source = messages(stranger, others, random.Random(page))
    for _ in range(ROUNDS * len(KINDS)):
        message = next(source)
        await stranger.send(message.states, message.fragment)
        assert stranger.errors == [], message.kind
    honest = await Visitor.open(url, page)
    assert await honest.move("n_layers", "13") < 5
    words, errors = honest.words(), honest.errors
    await honest.close()
    await stranger.close()
    assert errors == []
    return words


@pytest.mark.parametrize("page", ["", "memory", "compare", "tensors", "pretraining"])
def test_no_message_of_a_stranger_ends_in_an_exception(server: Server, page: str) -> None:
    assert "Build and time it" in asyncio.run(send_all(server.url, "")) or page
    asyncio.run(send_all(server.url, page))
    assert "Traceback" not in server.log.read_text()


async def send_anything(url: str) -> None:
    """Frames of every kind; after each the page is asked for as a browser asks."""
    stranger = await Visitor.open(url)
    honest = stranger.states.copy()
    source = frames(random.Random(7))
    for _ in range(FRAMES):
        frame = next(source)
        await stranger.say(frame.data)
        stranger.states = honest.copy()
        assert await stranger.run() < 5, frame.kind
        assert stranger.errors == [], frame.kind
    await stranger.close()


def test_no_message_of_any_kind_and_nothing_that_is_none_ends_in_an_exception(server: Server) -> None:
    asyncio.run(send_anything(server.url))
    assert "Build and time it" in asyncio.run(send_all(server.url, ""))
    assert "Traceback" not in server.log.read_text()
    assert "No handler" not in server.log.read_text(), "what is not used is not heard"
