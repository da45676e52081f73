"""What no browser of ours would send counts as not sent: messages, values of widgets, files.

Streamlit (1.67) does as any message says: it empties the caches of all visitors, asks git, installs files, makes an
address for each of a million names of files. It hands a value to its widget whatever its type, keeps it where that
fails, and keeps values of widgets that it never had: one made-up message would end this and each later run of its
session in an error. That a value is not there is what it is ready for. And it keeps each file that is sent, of whatever
name, until its visit ends.
"""

from typing import Any, Final

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.state.common import is_element_id
from streamlit.runtime.state.session_state import Serialized, WStates
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from llm_explorer.budget import limits
from llm_explorer.formats.address import LONGEST_QUERY

MOST_WIDGETS: Final = 1_000  # in a message: a page has about a hundred
MOST_BESIDE: Final = 2**17  # bytes beside them: address, time zone, what the browser keeps of earlier messages
NUMBERS: Final = {"int_value", "double_value"}  # a number's widget is declared as one of them and told as either
KEPT_FILES: Final = 2  # of a visit: one that is shown and one that comes for it
KEPT_BYTES: Final = 32 * 1024**2  # of all visits together: 16 of them with as much as they may

NEEDS: Final = (
    (WStates, ("__getitem__", "set_widget_from_proto", "states", "widget_metadata")),
    (AppSession, ("handle_backmsg",)),
    (MemoryUploadedFileManager, ("add_file", "remove_file", "remove_session_files", "file_storage")),
    (Runtime, ("exists", "instance", "is_active_session")),
)

_look_up, _take = WStates.__getitem__, WStates.set_widget_from_proto
_hear, _add = AppSession.handle_backmsg, MemoryUploadedFileManager.add_file


def install() -> None:
    """Hear, take and keep only what a browser of ours sends."""
    WStates.__getitem__ = _checked  # type: ignore[method-assign]
    WStates.set_widget_from_proto = _take_known  # type: ignore[method-assign, assignment]
    AppSession.handle_backmsg = _hear_used  # type: ignore[method-assign, assignment]
    MemoryUploadedFileManager.add_file = _keep  # type: ignore[method-assign, assignment]


def is_used_message(data: bytes | None) -> bool:
    """Whether a browser of ours says this over the websocket; a text none does, nor what is no message at all."""
    try:
        return data is not None and is_used(BackMsg.FromString(data))
    except DecodeError:
        return False


def is_used(message: BackMsg) -> bool:
    """Whether a page lets a browser say this."""
    match message.WhichOneof("type"):
        case "rerun_script":
            asked = message.rerun_script
            beside = message.ByteSize() - asked.widget_states.ByteSize()
            is_bounded = len(asked.widget_states.widgets) <= MOST_WIDGETS and beside <= MOST_BESIDE
            return is_bounded and len(asked.query_string) <= LONGEST_QUERY
        case "file_urls_request":
            return len(message.file_urls_request.file_names) <= 1 and limits().takes_files
        case kind:
            return kind in ("stop_script", "app_heartbeat")


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


def _hear_used(session: AppSession, message: BackMsg) -> None:
    if is_used(message):
        _hear(session, message)


def _keep(files: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
    """Keep a file, and let go the oldest of its visit and then those of other visits; none of a visit that is over."""
    if not limits().takes_files or (Runtime.exists() and not Runtime.instance().is_active_session(session_id)):
        return
    _add(files, session_id, file)
    for file_id in [*files.file_storage[session_id]][:-KEPT_FILES]:
        files.remove_file(session_id, file_id)
    for other in [*files.file_storage]:
        if other != session_id and _bytes_of(files) > KEPT_BYTES:
            files.remove_session_files(other)


def _bytes_of(files: MemoryUploadedFileManager) -> int:
    visits = [*files.file_storage.values()]
    return sum(len(file.data) + len(file.name) + len(file.file_id) for visit in visits for file in [*visit.values()])
