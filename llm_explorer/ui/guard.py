"""A widget's value that no browser would send counts as not sent.

Streamlit (1.67) hands a value to its widget whatever its type, keeps it where that fails, and keeps values of widgets
that it never had: one made-up message would end this and each later run of its session in an error. That a value is not
there is what Streamlit is ready for.
"""

from typing import Any, Final

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import is_element_id
from streamlit.runtime.state.session_state import Serialized, WStates

NUMBERS: Final = {"int_value", "double_value"}  # a number's widget is declared as one of them and told as either

_look_up, _take = WStates.__getitem__, WStates.set_widget_from_proto


def install() -> None:
    """For all sessions of this server; again makes no difference."""
    WStates.__getitem__ = _checked  # type: ignore[method-assign]
    WStates.set_widget_from_proto = _take_known  # type: ignore[method-assign, assignment]


def _take_known(states: WStates, widget_state: WidgetState) -> None:
    if is_element_id(widget_state.id):
        _take(states, widget_state)


def _checked(states: WStates, name: str) -> Any:
    state, declared = states.states.get(name), states.widget_metadata.get(name)
    if isinstance(state, Serialized) and declared is not None:
        kinds = {state.value.WhichOneof("value"), declared.value_type} - {None}
        if len(kinds) > 1 and kinds != NUMBERS:
            raise KeyError(name)
    try:
        return _look_up(states, name)
    except KeyError:
        raise
    except Exception as error:  # whatever a widget makes of what is no value of its own
        raise KeyError(name) from error
