"""A visit over Streamlit's own websocket, as a browser has it, without the drawing."""

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

FINISHED_S = 60
DRAG = "drag_of_a_slider"
BEEN_HERE = {"Cookie": "llm_explorer_guessed=1"}  # Explore then asks for no guess


class Found(NamedTuple):
    """A widget that the server has told of: its id, what it is, the fragment it is in ("" for none)."""

    id: str
    kind: str
    proto: Any
    fragment: str


class Visitor:
    """One session. ``screen`` has the newest element of each place; ``errors`` the exceptions that were shown."""

    def __init__(self, socket: ClientConnection, page: str, query: str) -> None:
        self.socket, self.page, self.query = socket, page, query
        self.page_hash = ""  # of a page that a link has led to
        self.screen: dict[tuple[int, ...], Any] = {}
        self.widgets: dict[str, Found] = {}
        self.states: dict[str, WidgetState] = {}  # the browser sends all of them each time
        self.polls: dict[str, float] = {}  # fragment -> seconds: what the browser is asked to run again by itself
        self.errors: list[str] = []
        self.received = 0
        self.session_id = ""
        self._drawn_page = ""
        self._drawn: set[str] = set()  # fragments, in this run
        self._stopped: set[str] = set()

    @classmethod
    async def open(cls, url: str, page: str = "", query: str = "") -> Self:
        """Connect and wait for the first screen; ``url`` is the app's, ``page`` such as 'memory'."""
        address = url.replace("http", "ws", 1) + "_stcore/stream"
        socket = await connect(
            address,
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            origin=url.rstrip("/"),  # type: ignore[arg-type]
            additional_headers=BEEN_HERE,
        )
        visitor = cls(socket, page, query)
        await visitor.run()
        return visitor

    async def close(self) -> None:
        """As closing the tab does."""
        await self.socket.close()

    async def run(self, *states: WidgetState, fragment: str = "") -> float:
        """Send these states of widgets, wait until the script has run; seconds."""
        pressed = [state for state in states if state.HasField("trigger_value")]
        self.states |= {state.id: state for state in states if state not in pressed}
        return await self.send([*self.states.values(), *pressed], fragment)

    async def send(self, states: Iterable[WidgetState], fragment: str = "", *, back: bool = False) -> float:
        """Send nothing but these states, as no browser does, and wait until the script has run; seconds."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = self.page
        # of a fragment: else, where it has all drawn anew, the first page would be drawn
        message.rerun_script.page_script_hash = self.page_hash or (self._drawn_page if fragment else "")
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_history_navigation = back
        message.rerun_script.widget_states.widgets.extend(states)
        begin = time.perf_counter()
        await self.say(message.SerializeToString())
        await self._finished()
        return time.perf_counter() - begin

    async def say(self, frame: bytes | str) -> None:
        """Send anything, and wait for nothing."""
        await self.socket.send(frame)

    async def move(self, field: str, value: str) -> float:
        """Let go of a slider at one of its options."""
        slider = self.widgets[f"{field}__slider"]
        return await self.run(_texts_state(slider.id, value), fragment=slider.fragment)

    async def drag(self, field: str, value: float, number: int) -> float:
        """Tell of a slider that is being dragged, as drag.js does."""
        part = self.widgets[DRAG]
        told = {"drag": {"field": field, "value": value, "number": number}}
        return await self.run(WidgetState(id=part.id, json_value=json.dumps(told)), fragment=part.fragment)

    async def press(self, label: str) -> float:
        """Click the button with this label."""
        button = next(each for each in self.widgets.values() if each.kind == "button" and each.proto.label == label)
        return await self.run(WidgetState(id=button.id, trigger_value=True), fragment=button.fragment)

    async def go(self, label: str, query: str | None = None) -> float:
        """Click a page's link; with a ``query``, go back to the page at that address."""
        links = (each.page_link for each in self.screen.values() if each.WhichOneof("type") == "page_link")
        link = next(each for each in links if each.label == label)
        self.page_hash, self.query = link.page_script_hash, link.query_string if query is None else query
        return await self.send(self.states.values(), back=query is not None)

    async def poll(self) -> float:
        """One run of what the server asked to be run again by itself."""
        return await self.run(fragment=next(iter(self.polls)))

    def options(self, field: str) -> list[str]:
        """The labels of a slider's options."""
        return list(self.widgets[f"{field}__slider"].proto.options)

    def number(self, field: str) -> int:
        """What the browser shows in the box of a field's exact value."""
        return self.states[self.widgets[field].id].int_value

    def words(self) -> str:
        """All text on the screen."""
        return "\n".join(text for _, element in sorted(self.screen.items()) for text in _texts(element))

    async def _finished(self) -> None:
        async with asyncio.timeout(FINISHED_S):
            while True:
                data = await self.socket.recv()
                assert isinstance(data, bytes)
                self.received += len(data)
                message = ForwardMsg()
                message.ParseFromString(data)
                if self._take(message):
                    return

    def _take(self, message: ForwardMsg) -> bool:
        """Whether with this message the run is over."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session_id = message.new_session.initialize.session_id
            self._drawn, self._stopped = set(), set()
            if not message.metadata.run.fragment_ids:
                self.screen.clear()
                self.widgets.clear()
                self.polls.clear()
        elif kind == "navigation":
            self._drawn_page = message.navigation.page_script_hash
        elif kind == "auto_rerun":
            self.polls[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self.polls.pop(fragment, None)
                self._stopped.add(fragment)
        elif kind == "delta":
            self._draw(tuple(message.metadata.delta_path), message.delta)
        elif kind == "script_finished":
            gone = self._stopped - self._drawn
            self.widgets = {name: each for name, each in self.widgets.items() if each.fragment not in gone}
            return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        return False

    def _note_block(self, delta: Any) -> None:
        """A popover or an expander that tells the server when it is opened is a widget too."""
        kind = delta.add_block.WhichOneof("type")
        proto = getattr(delta.add_block, kind) if kind else None
        if name := getattr(proto, "id", ""):
            self.widgets[name.rpartition("-")[2]] = Found(name, str(kind), proto, delta.fragment_id)

    def _draw(self, path: tuple[int, ...], delta: Any) -> None:
        self._drawn.add(delta.fragment_id)
        if delta.WhichOneof("type") == "add_block":
            self._note_block(delta)
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        kind = element.WhichOneof("type")
        self.screen[path] = element
        if kind == "exception":
            self.errors.append(element.exception.message)
        proto = getattr(element, kind) if kind else None
        if name := getattr(proto, "id", ""):
            key = name.rpartition("-")[2]
            self.widgets[key if key != "None" else name] = Found(name, kind, proto, delta.fragment_id)
            state = _state(kind, proto)
            if state is not None and (name not in self.states or getattr(proto, "set_value", False)):
                self.states[name] = state


def _state(kind: str, proto: Any) -> WidgetState | None:
    """What a browser takes over when it draws a widget: the value that the server sets, else its default."""
    told = getattr(proto, "set_value", False)
    match kind:
        case "number_input":
            if not proto.HasField("value" if told else "default"):
                return WidgetState(id=proto.id)  # an empty number
            value = proto.value if told else proto.default
            whole = proto.data_type == proto.INT
            return WidgetState(id=proto.id, **({"int_value": int(value)} if whole else {"double_value": value}))
        case "slider" if not proto.options:
            state = WidgetState(id=proto.id)
            state.double_array_value.data.extend(proto.value if told else proto.default)
            return state
        case "slider":
            chosen = proto.raw_value if told else [proto.options[int(place)] for place in proto.default]
            return _texts_state(proto.id, *chosen)
        case "selectbox" if told and proto.raw_value:
            return WidgetState(id=proto.id, string_value=proto.raw_value)
        case "selectbox" if proto.HasField("default") and proto.options:
            return WidgetState(id=proto.id, string_value=proto.options[proto.default])
        case "text_input" | "text_area":
            return WidgetState(id=proto.id, string_value=proto.value if told else proto.default)
        case "checkbox":
            return WidgetState(id=proto.id, bool_value=proto.value if told else proto.default)
    return None


def _texts_state(name: str, *texts: str) -> WidgetState:
    state = WidgetState(id=name)
    state.string_array_value.data.extend(texts)
    return state


def _texts(element: Any) -> list[str]:
    proto = getattr(element, element.WhichOneof("type"))
    found = (getattr(proto, field, None) for field in ("body", "label", "text"))
    return [text for text in found if isinstance(text, str) and text]
