"""What a run tells the browser goes out in few pieces and at once.

A run of a page is some ninety messages. Streamlit (1.67) wakes its event loop for each of them and lets it turn once
for each of them, and at each turn the loop may wait 5 ms for the lock that the scripts of other visitors hold. And it
leaves it to the network to gather small pieces: the last ones then wait for the acknowledgement of those before, up to
40 ms. Measured 2026-11 on two cores: 60 visitors' slider moves p95 719 and 944 ms before, 435 and 325 with fewer turns;
one visitor's move p50 44 ms before, 25 to 30 where nothing waits to be gathered (profiles of benchmarks/load.py).

And a browser draws the whole page when it hears that a run has begun, to mark all as out of date, and again for what it
then gets bit by bit. A short run is told of when it is over. Measured 2026-11, before and after: p50 of key presses 125
and 110 ms (n=80 each, interleaved), the work of the browser's main thread a press 128 and 86 ms (n=20 each).
"""
# ruff: noqa: SLF001 -- Streamlit has no other place for it

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.session_manager import SessionClientDisconnectedError

SHORT_S: Final = 0.1  # a run that takes longer is told of as it goes on
TOGETHER: Final = 100  # messages; Streamlit ends a connection whose browser is 500 behind

NEEDS: Final = (
    (AppSession, ("_call_soon_on_event_loop", "flush_browser_queue", "_event_loop", "_state")),
    (AppSession, ("_message_enqueued_callback", "id")),
    (Runtime, ("instance", "_session_mgr", "_send_message")),
)

_WAITING: Final = "llm_explorer_waiting"
_wake, _flush = AppSession._call_soon_on_event_loop, AppSession.flush_browser_queue


class _Waiting:
    """What is to be done on the event loop for one session, in its order, and whether the loop was woken for it.

    ``clock`` runs from when the loop first saw the run that goes on now; when it has rung, that ``is_long``.
    """

    def __init__(self) -> None:
        self.callbacks: deque[Callable[[], None]] = deque()
        self.told = False
        self.clock: asyncio.TimerHandle | None = None
        self.is_long = False


def install() -> None:
    """Wake the loop once for what waits, and send that together."""
    AppSession._call_soon_on_event_loop = _wake_once  # type: ignore[method-assign, assignment]
    AppSession.flush_browser_queue = _flush_together  # type: ignore[method-assign, assignment]


def _wake_once(session: AppSession, callback: Callable[[], None]) -> None:
    waiting = _waiting(session)
    waiting.callbacks.append(callback)
    if not waiting.told:
        waiting.told = True
        _wake(session, lambda: _do_all(session, waiting))


def _waiting(session: AppSession) -> _Waiting:
    found: _Waiting = vars(session).setdefault(_WAITING, _Waiting())  # in one step: a script's thread asks too
    return found


def _do_all(session: AppSession, waiting: _Waiting) -> None:
    waiting.told = False  # before the look: what comes after it wakes the loop again
    while waiting.callbacks:
        session._event_loop.call_soon(waiting.callbacks.popleft())


def _flush_together(session: AppSession) -> list[ForwardMsg]:
    """Send all but the last of what waits for the browser, and leave that to the loop, which turns once for it."""
    if _may_be_short(session):
        return []
    messages = _begun_at_its_end(_flush(session))
    runtime = Runtime.instance()
    client = runtime._session_mgr.get_active_session_info(session.id)
    while client and 1 < len(messages) <= TOGETHER:
        try:
            runtime._send_message(client, messages[0])
        except SessionClientDisconnectedError:
            break  # the loop meets it too, and knows what to do
        del messages[0]
    return messages


def _may_be_short(session: AppSession) -> bool:
    """Whether a run goes on that does not yet take too long to be told of at its end."""
    waiting = _waiting(session)
    if session._state == AppSessionState.APP_IS_RUNNING:
        waiting.clock = waiting.clock or session._event_loop.call_later(SHORT_S, _tell_so_far, session)
        return not waiting.is_long
    if waiting.clock:
        waiting.clock.cancel()
    waiting.clock, waiting.is_long = None, False
    return False


def _tell_so_far(session: AppSession) -> None:
    _waiting(session).is_long = True
    if session._message_enqueued_callback:
        session._message_enqueued_callback()


def _begun_at_its_end(messages: list[ForwardMsg]) -> list[ForwardMsg]:
    """Whether the script runs, told after all else where its whole run is told."""
    kinds = [message.WhichOneof("type") for message in messages]
    if not {"new_session", "script_finished"} <= {*kinds}:
        return messages
    return sorted(messages, key=lambda message: message.WhichOneof("type") == "session_status_changed")
