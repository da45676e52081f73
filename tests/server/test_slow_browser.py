"""A browser that is slow to hear what the server says still sends the number of before beside a moved slider."""

import asyncio
from collections.abc import Iterator

import pytest
from screen import SMALL, Server

from llm_explorer.ui import state
from tests.server.visitor import DRAG, Visitor

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


async def slider_after(url: str, *, of_a_part: bool) -> str:
    """Layers are moved from 2 to 3; later than a next press comes a message with 2. Where the slider is then."""
    visitor = await Visitor.open(url, "compare", SMALL[1:])
    number = visitor.widgets["n_layers"].id
    before = visitor.states[number]
    await visitor.move("n_layers", "3")
    heard = visitor.states[number]
    await asyncio.sleep(1.1 * state.STALE_S)
    visitor.states[number] = before
    await visitor.run(fragment=visitor.widgets[DRAG].fragment if of_a_part else "")
    if of_a_part:
        visitor.states[number] = heard  # the browser comes to it
        await visitor.run()
    slider = visitor.widgets["n_layers__slider"].proto
    await visitor.close()
    return str(slider.options[int(slider.default[0])])


def test_a_clock_of_a_page_does_not_take_a_sliders_move_back(server: Server) -> None:
    assert asyncio.run(slider_after(server.url, of_a_part=True)) == "3"


def test_a_message_of_the_frame_is_a_number_that_was_typed(server: Server) -> None:
    assert asyncio.run(slider_after(server.url, of_a_part=False)) == "2"
