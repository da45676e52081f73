"""What goes to the browser in fewer pieces is the same, in the same order."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.session_manager import SessionClientDisconnectedError

from llm_explorer.ui.streamlit_private import to_browser
from tests.ui.app_visit import Visit


def tell(session: Any, numbers: list[int]) -> None:
    for number in range(2000):
        to_browser._wake_once(session, partial(numbers.append, number))


@pytest.mark.parametrize("loop_is_busy", [False, True])
def test_what_scripts_tell_the_loop_arrives_whole_and_in_order(loop_is_busy: bool) -> None:
    done: dict[int, list[int]] = {0: [], 1: []}
    wakings: list[int] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def counted(callback: Callable[[], None]) -> None:
            wakings.append(1)
            wake(callback)

        seen = SimpleNamespace(call_soon=loop.call_soon, call_soon_threadsafe=counted)
        sessions = [SimpleNamespace(_event_loop=seen) for _ in done]
        threads = [threading.Thread(target=tell, args=(sessions[one], done[one])) for one in done]
        for thread in threads:
            thread.start()
        while loop_is_busy and any(thread.is_alive() for thread in threads):
            time.sleep(0.001)
        while any(len(numbers) < 2000 for numbers in done.values()):
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(run(), 30))
    assert done == {0: [*range(2000)], 1: [*range(2000)]}
    if loop_is_busy:
        assert len(wakings) == len(done)


def test_one_that_fails_does_not_take_those_behind_it_along() -> None:
    done, wrong = [], []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: wrong.append(str(context["exception"])))
        session: Any = SimpleNamespace(_event_loop=loop)
        callbacks: list[Callable[[], Any]] = [lambda: done.append(1), lambda: 1 / 0, lambda: done.append(2)]
        for callback in callbacks:
            to_browser._wake_once(session, callback)
        await asyncio.sleep(0.05)

    asyncio.run(run())
    assert done == [1, 2]
    assert wrong == ["division by zero"]


@pytest.mark.parametrize(
    ("count", "gone", "sent"),
    [(0, False, 0), (1, False, 0), (40, False, 39), (to_browser.TOGETHER + 1, False, 0), (40, True, 0)],
)
def test_all_but_the_last_message_go_together(
    count: int, gone: bool, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [ForwardMsg(hash=str(number)) for number in range(count)]
    told: list[ForwardMsg] = []

    def send(_client: object, message: ForwardMsg) -> None:
        if gone:
            raise SessionClientDisconnectedError
        told.append(message)

    manager = SimpleNamespace(get_active_session_info=lambda _name: object())
    runtime = SimpleNamespace(_session_mgr=manager, _send_message=send)
    monkeypatch.setattr(to_browser, "Runtime", SimpleNamespace(instance=lambda: runtime))
    monkeypatch.setattr(to_browser, "_flush", lambda _session: [*messages])
    session: Any = SimpleNamespace(id="a visit", _state=AppSessionState.APP_NOT_RUNNING)
    rest = to_browser._flush_together(session)
    assert len(told) == sent
    assert [*told, *rest] == messages


class Run:
    """A session whose script runs, and the loop that tells the browser of it whenever it is asked to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.queue: list[str] = []
        self.told: list[list[str]] = []
        self.session: Any = SimpleNamespace(
            id="a visit",
            _state=AppSessionState.APP_IS_RUNNING,
            _event_loop=asyncio.get_running_loop(),
            _message_enqueued_callback=self.look,
        )
        nobody = SimpleNamespace(get_active_session_info=lambda _name: None)
        runtime = SimpleNamespace(instance=lambda: SimpleNamespace(_session_mgr=nobody))
        monkeypatch.setattr(to_browser, "Runtime", runtime)
        monkeypatch.setattr(to_browser, "_flush", self.flush)

    def flush(self, _session: object) -> list[ForwardMsg]:
        kinds, self.queue = self.queue, []
        found = [ForwardMsg() for _ in kinds]
        for message, kind in zip(found, kinds, strict=True):
            if kind == "script_finished":
                message.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
            else:
                getattr(message, kind).SetInParent()
        return found

    def say(self, *kinds: str, ended: bool = False) -> None:
        self.queue += kinds
        if ended:
            self.session._state = AppSessionState.APP_NOT_RUNNING
        self.look()

    def look(self) -> None:
        messages = to_browser._flush_together(self.session)
        if messages:
            self.told.append([str(message.WhichOneof("type")) for message in messages])


BEGUN = ("new_session", "session_status_changed", "delta")
ENDED = ("delta", "script_finished", "session_status_changed")


def test_a_short_run_is_told_when_it_is_over_and_that_it_began_last(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[list[str]]:
        one = Run(monkeypatch)
        for _ in range(3):
            one.session._state = AppSessionState.APP_IS_RUNNING
            one.say(*BEGUN)
            await asyncio.sleep(to_browser.SHORT_S / 2)
            one.say(*ENDED, ended=True)
        return one.told

    told = ["new_session", "delta", "delta", "script_finished", "session_status_changed", "session_status_changed"]
    assert asyncio.run(run()) == [told] * 3


def test_a_long_run_is_told_as_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[list[str]]:
        one = Run(monkeypatch)
        one.say(*BEGUN)
        assert one.told == []
        await asyncio.sleep(2 * to_browser.SHORT_S)
        one.say("delta")
        one.say(*ENDED, ended=True)
        return one.told

    assert asyncio.run(run()) == [[*BEGUN], ["delta"], [*ENDED]]


def test_a_visit_installs_it() -> None:
    Visit()
    assert AppSession._call_soon_on_event_loop is to_browser._wake_once
    assert AppSession.flush_browser_queue is to_browser._flush_together
