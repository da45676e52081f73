"""What the server has set in a widget of the frame stays until the browser has heard of it.

A browser sends with each message what all its widgets hold. After the server has set some, a slow one still sends what
they held before, and Streamlit (1.67) takes that for a change. But a widget that holds what it held in the message
before is not why this one was sent, if something else in it is new, if it asks for another page, or if it asks for a
part below the frame only, as a clock's does.
"""
# ruff: noqa: SLF001 -- there is no other way to a session's values

from typing import Final

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.state.session_state import KeyIdMapper, SessionState, WStates

NEEDS: Final = (
    (SessionState, ("set_widgets_from_proto", "_old_state", "_new_widget_state", "_new_session_state")),
    (SessionState, ("_key_id_mapper", "_query_param_bound_widget_ids")),
    (WStates, ("widget_metadata", "set_from_value", "get")),
    (KeyIdMapper, ("id_key_mapping",)),
    (ScriptRunContext, ("page_script_hash", "fragment_ids_this_run")),
)

_TOLD: Final = "told_in_message_before"

_take = SessionState.set_widgets_from_proto


def install() -> None:
    """Take of each message what is new in it."""
    SessionState.set_widgets_from_proto = _take_what_is_new  # type: ignore[method-assign, assignment]


def _take_what_is_new(session: SessionState, message: WidgetStates) -> None:
    _take(session, message)
    told = {state.id: state for state in message.widgets}
    context = get_script_run_ctx()
    page, of_parts = (context.page_script_hash, bool(context.fragment_ids_this_run)) if context else ("", False)
    page_before, before = session._old_state.get(_TOLD, ("", {}))
    # what Back or Forward has sent comes without the widgets that the address is to set: what they hold is not known
    left_out = dict.fromkeys((before.keys() & session._query_param_bound_widget_ids) - told.keys())
    session._old_state[_TOLD] = page, told | left_out
    same = {name for name, state in told.items() if before.get(name) == state and not _is_press(state)}
    as_before = same | {name for name in told if of_parts and name in before and before[name] is None}
    if len(as_before) == len(told) and page == page_before and not of_parts:
        return  # one is back at what it was before the server set it, or the browser has connected anew
    values, keys = session._new_widget_state, session._key_id_mapper.id_key_mapping
    for name in as_before:
        described = values.widget_metadata.get(name)
        in_frame = described is not None and described.fragment_id is None
        if in_frame and name in session._old_state and values.get(name) != session._old_state[name]:
            values.set_from_value(name, session._old_state[name])
            if name in keys:  # and is told again: the run that was to tell of it may have been broken off
                session._new_session_state[keys[name]] = session._old_state[name]


def _is_press(state: WidgetState) -> bool:
    """Whether it is told once, as a button's press is: two alike are two presses."""
    kind = state.WhichOneof("value") or ""
    return "trigger" in kind and bool(getattr(state, kind))
