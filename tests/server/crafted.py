"""Messages that no browser sends: what a stranger may put into the websocket of a page.

``messages`` ask for the page with odd widgets and are answered by it; ``frames`` are anything.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.server.visitor import DRAG, Found, Visitor
from tests.strangers import ODD

NUMBERS: Final = (0, -1, 1, 3, 10**9, 2**53, -(2**53), 2**63 - 1, -(2**63))
FLOATS: Final = (float("nan"), float("inf"), float("-inf"), 1e308, -0.0, 0.5, 1e18)
TEXTS: Final = (*ODD, "n_layers=7", "x" * 1_000_000)
DEEPEST: Final = 4  # messages in messages
TRIGGERS: Final = ("trigger_value", "string_trigger_value", "json_trigger_value")
DRAGS: Final = (
    "null",
    "[]",
    "7",
    "not json",
    '{"drag": 7}',
    '{"drag": []}',
    '{"drag": {"field": "n_layers", "value": "x", "number": 1}}',
    '{"drag": {"field": "n_layers", "value": 1e999, "number": 1e9}}',
    '{"drag": {"field": "n_layers", "value": NaN, "number": 1e9}}',
    '{"drag": {"field": "n_layers", "value": 1.5, "number": true}}',
    '{"drag": {"field": "n_layers", "value": -7, "number": 1e12}}',
    '{"drag": {"field": "__class__", "value": 1, "number": 1e12}}',
    '{"drag": {"field": ["n_layers"], "value": {}, "number": {}}}',
    '{"drag": {"number": 3}}',
    '{"failed": {"a": [1]}}',
)


class Message(NamedTuple):
    """The states of widgets in one message, and the part of the page that it asks to be run; "" for all of it."""

    kind: str
    states: Sequence[WidgetState]
    fragment: str = ""


class Page(NamedTuple):
    """What a stranger knows: the widgets of a page as it was opened, ids of another page's, the parts there are now."""

    states: dict[str, WidgetState]
    widgets: dict[str, Found]
    others: Sequence[str]
    fragments: Sequence[str]


def messages(visitor: Visitor, others: Sequence[str], draw: random.Random) -> Iterator[Message]:
    """Endlessly, each of another kind; ``others`` are ids of widgets of another page."""
    states, widgets = visitor.states.copy(), visitor.widgets.copy()
    while True:
        for kind, make in KINDS.items():
            fragments = sorted({each.fragment for each in visitor.widgets.values()} | {""})
            yield make(Page(states, widgets, others, fragments), draw)._replace(kind=kind)


def _left_out(page: Page, draw: random.Random) -> Message:
    kept = draw.sample([*page.states.values()], draw.choice((0, 0, 1, len(page.states) // 2)))
    return Message("", kept, draw.choice(page.fragments))


def _unknown(page: Page, draw: random.Random) -> Message:
    names = ("", "x", "$$ID-0-n_layers", "$$ID-" + "f" * 32 + "-set", "../../x", "x" * 100_000)
    states = [_state(draw.choice(names), draw) for _ in range(3)]
    return Message("", [*page.states.values(), *states], draw.choice(page.fragments))


def _wrong_type(page: Page, draw: random.Random) -> Message:
    changed = {name: _state(name, draw) for name in draw.sample([*page.states], 2)}
    return Message("", [*(page.states | changed).values()], draw.choice(page.fragments))


def _out_of_range(page: Page, draw: random.Random) -> Message:
    """Of the right type: for each widget a value that the browser would not let one choose."""
    changed = {}
    for name, state in draw.sample([*page.states.items()], 4):
        field = state.WhichOneof("value")
        if field is not None:
            changed[name] = _state(name, draw, field)
    return Message("", [*(page.states | changed).values()], draw.choice(page.fragments))


def _dragged(page: Page, draw: random.Random) -> Message:
    part = page.widgets[DRAG]
    told = WidgetState(id=part.id, json_value=draw.choice(DRAGS))
    return Message("", [*page.states.values(), told], draw.choice(page.fragments))


def _triggered(page: Page, draw: random.Random) -> Message:
    """Pressed: what is no button, what is not on this page, many at once."""
    names = [each.id for each in page.widgets.values()] + [*page.others]
    states = [_state(name, draw, draw.choice(TRIGGERS)) for name in draw.sample(names, min(3, len(names)))]
    pressed = {state.id for state in states}
    kept = [state for name, state in page.states.items() if name not in pressed]
    return Message("", [*kept, *states], draw.choice(page.fragments))


KINDS: Final[dict[str, Callable[[Page, random.Random], Message]]] = {
    "widgets left out": _left_out,
    "unknown widgets": _unknown,
    "values of another type": _wrong_type,
    "values beyond the range": _out_of_range,
    "drags of an odd form": _dragged,
    "buttons that are not there": _triggered,
}


def _state(name: str, draw: random.Random, field: str = "") -> WidgetState:
    """A state with a value of this kind, of any kind where none is named."""
    values = _values(draw)
    field = field if field in values else draw.choice([*values])
    state = WidgetState(id=name)
    value = values[field]
    if isinstance(value, list):
        getattr(state, field).data.extend(value)
    elif field == "string_trigger_value":
        state.string_trigger_value.data = value
    else:
        setattr(state, field, value)
    return state


def _values(draw: random.Random) -> dict[str, Any]:
    text = draw.choice(TEXTS)
    return {
        "int_value": draw.choice(NUMBERS),
        "double_value": draw.choice((*FLOATS, *map(float, NUMBERS))),
        "bool_value": draw.random() < 0.5,
        "string_value": text,
        "string_array_value": [text[:10_000]] * draw.choice((0, 1, 2, 50)),
        "int_array_value": [draw.choice(NUMBERS)] * draw.choice((0, 1, 3)),
        "double_array_value": [draw.choice(FLOATS)] * draw.choice((0, 1, 2, 3)),
        "json_value": draw.choice((*DRAGS, json.dumps(text), "[" * 3000)),
        "bytes_value": text.encode("utf-8", "replace")[:1000],
        "trigger_value": True,
        "string_trigger_value": text,
        "json_trigger_value": draw.choice((*DRAGS, json.dumps(text))),
    }


class Frame(NamedTuple):
    """What goes into the websocket as it is."""

    kind: str
    data: bytes | str


def frames(draw: random.Random) -> Iterator[Frame]:
    """Endlessly, of each kind of message that Streamlit knows, and of what is no message of its."""
    kinds = [field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]
    names: Any = {"file_names": ["x"] * 300_000}
    run: Any = {"query_string": "a=1&" * 200_000}
    while True:
        for kind in kinds:
            message = BackMsg()
            _fill(message, kind, draw)
            data = message.SerializeToString()
            yield Frame(kind, data)
            yield Frame(f"{kind}, cut", data[: draw.randrange(len(data) + 1)])
        yield Frame("empty", b"")
        yield Frame("random", draw.randbytes(draw.choice((1, 100, 100_000))))
        yield Frame("text", draw.choice(TEXTS))
        yield Frame("many names", BackMsg(file_urls_request=names).SerializeToString())
        yield Frame("long address", BackMsg(rerun_script=run).SerializeToString())


def _fill(message: Any, field_name: str, draw: random.Random, depth: int = 0) -> None:
    """Put something of its type into a field, and where that is a message, into some of its fields."""
    field = message.DESCRIPTOR.fields_by_name[field_name]
    for _ in range(draw.choice((0, 1, 3)) if field.is_repeated else 1):
        if field.message_type is not None:
            inner = getattr(message, field_name)
            inner = inner.add() if field.is_repeated else inner
            inner.SetInParent()
            for name in [each.name for each in field.message_type.fields if depth < DEEPEST and draw.random() < 0.6]:
                _fill(inner, name, draw, depth + 1)
        elif field.is_repeated:
            getattr(message, field_name).append(_of_type(field, draw))
        else:
            setattr(message, field_name, _of_type(field, draw))


def _of_type(field: Any, draw: random.Random) -> Any:
    bits = {field.CPPTYPE_INT32: 31, field.CPPTYPE_UINT32: 32, field.CPPTYPE_INT64: 63, field.CPPTYPE_UINT64: 64}
    text = draw.choice(TEXTS)
    if field.cpp_type in bits:
        return draw.choice((0, 1, draw.getrandbits(bits[field.cpp_type]), 2 ** bits[field.cpp_type] - 1))
    if field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return draw.choice(FLOATS)
    if field.cpp_type == field.CPPTYPE_BOOL:
        return draw.random() < 0.5
    if field.cpp_type == field.CPPTYPE_ENUM:
        return draw.choice([value.number for value in field.enum_type.values])
    return text.encode() if field.type == field.TYPE_BYTES else text
