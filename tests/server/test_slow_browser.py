"""A browser that is slow to hear what the server has set: its next messages still have the values of before."""

import asyncio
from collections.abc import Iterable

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.browser.screen import SMALL, Server
from tests.server.visitor import DRAG, Visitor

pytestmark = pytest.mark.browser


class SlowVisitor(Visitor):
    """Takes over what the server has set only when it ``hears``."""

    slow = False

    async def send(self, states: Iterable[WidgetState], fragment: str = "", *, back: bool = False) -> float:
        before = dict(self.states)
        seconds = await super().send(states, fragment, back=back)
        if self.slow:
            self.unheard |= {name: state for name, state in self.states.items() if before.get(name) != state}
            self.states = before
        return seconds

    def slows(self) -> None:
        self.slow = True
        self.unheard: dict[str, WidgetState] = {}

    def hears(self) -> None:
        self.slow = False
        self.states |= self.unheard

    async def clock(self) -> None:
        """What a page's clock sends: it asks for a part below the frame."""
        await self.run(fragment=self.widgets[DRAG].fragment)

    def slider(self, field: str) -> str:
        slider = self.widgets[f"{field}__slider"].proto
        return str(slider.options[int(slider.default[0])])


async def at_small(server: Server) -> SlowVisitor:
    visitor = await SlowVisitor.open(server.url, "compare", SMALL[1:])
    visitor.slows()
    return visitor


def test_a_sliders_move_is_not_taken_back_by_a_clock(server: Server) -> None:
    async def visit() -> str:
        visitor = await at_small(server)
        await visitor.move("n_layers", "3")
        await visitor.clock()
        await visitor.close()
        return visitor.slider("n_layers")

    assert asyncio.run(visit()) == "3"


def test_a_second_move_takes_nothing_of_the_first_back_and_the_browser_is_told_again(server: Server) -> None:
    async def visit() -> tuple[str, str, int]:
        visitor = await at_small(server)
        await visitor.move("n_layers", "3")
        await visitor.move("n_heads", "8")
        told = visitor.widgets["n_layers"].proto
        await visitor.close()
        return visitor.slider("n_layers"), visitor.slider("n_heads"), told.value if told.set_value else 0

    assert asyncio.run(visit()) == ("3", "8", 3)


def test_undo_is_not_taken_back_by_a_clock(server: Server) -> None:
    async def visit() -> str:
        visitor = await at_small(server)
        visitor.hears()
        await visitor.move("n_layers", "3")
        visitor.slows()
        await visitor.press("Undo")
        await visitor.clock()
        await visitor.close()
        return visitor.slider("n_layers")

    assert asyncio.run(visit()) == "2"


def test_a_sliders_move_is_not_taken_back_by_a_link_to_another_page(server: Server) -> None:
    async def visit() -> str:
        visitor = await at_small(server)
        await visitor.move("n_layers", "3")
        await visitor.go("Memory")
        await visitor.close()
        return visitor.slider("n_layers")

    assert asyncio.run(visit()) == "3"


def test_what_back_has_brought_is_not_taken_back_by_a_clock(server: Server) -> None:
    async def visit() -> tuple[str, str]:
        visitor = await at_small(server)
        visitor.hears()
        await visitor.go("Memory")
        await visitor.move("n_layers", "3")
        visitor.slows()
        await visitor.go("Compare", SMALL[1:])
        brought = visitor.slider("n_layers")
        await visitor.clock()
        await visitor.close()
        return brought, visitor.slider("n_layers")

    assert asyncio.run(visit()) == ("2", "2")


def test_the_number_of_before_is_a_change_when_it_is_all_that_a_message_can_be_about(server: Server) -> None:
    async def visit() -> str:
        visitor = await at_small(server)
        await visitor.move("n_layers", "3")
        await visitor.run()
        await visitor.close()
        return visitor.slider("n_layers")

    assert asyncio.run(visit()) == "2"
