"""What goes to the browser in fewer pieces is the same, in the same order."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession

from llm_explorer.ui import streamlit_private
from llm_explorer.ui.streamlit_private import to_browser
from tests.private.running import Browser, served
from tests.ui.app_visit import Visit


@pytest.fixture(autouse=True)
def installed() -> None:
    streamlit_private.install()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """It tells of two things, and of the second only when there is a file ``go_on`` beside it."""
    path = tmp_path / "script.py"
    path.write_text(
        "import time\n"
        "from pathlib import Path\n"
        "import streamlit as st\n"
        "st.write('one')\n"
        f"while not Path({str(tmp_path / 'go_on')!r}).exists():\n"
        "    time.sleep(0.001)\n"
        "st.write('two')\n"
    )
    return path


def tell(session: AppSession, numbers: list[int]) -> None:
    for number in range(2000):
        to_browser._wake_once(session, partial(numbers.append, number))


@pytest.mark.parametrize("loop_is_busy", [False, True])
def test_what_scripts_tell_the_loop_arrives_whole_and_in_order(loop_is_busy: bool, script: Path) -> None:
    done: dict[int, list[int]] = {0: [], 1: []}
    wakings: list[int] = []

    async def run() -> None:
        async with served(script) as one:
            other = Browser()
            other.connect(one.runtime)
            threads = [
                threading.Thread(target=tell, args=(browser.session, numbers))
                for browser, numbers in zip((one, other), done.values(), strict=True)
            ]
            with pytest.MonkeyPatch.context() as counted:
                loop = asyncio.get_running_loop()
                wake = loop.call_soon_threadsafe

                def count(callback: Callable[[], None]) -> None:
                    wakings.append(1)
                    wake(callback)

                counted.setattr(loop, "call_soon_threadsafe", count)
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


def test_one_that_fails_does_not_take_those_behind_it_along(script: Path) -> None:
    done: list[int] = []
    wrong: list[str] = []
    callbacks: list[Callable[[], Any]] = [lambda: done.append(1), lambda: 1 / 0, lambda: done.append(2)]

    async def run() -> None:
        async with served(script) as browser:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: wrong.append(str(context["exception"])))
            for callback in callbacks:
                to_browser._wake_once(browser.session, callback)
            while len(done) < 2:
                await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(run(), 30))
    assert done == [1, 2]
    assert wrong == ["division by zero"]


@pytest.mark.parametrize(
    ("count", "gone", "sent"),
    [(0, False, 0), (1, False, 0), (40, False, 39), (to_browser.TOGETHER + 1, False, 0), (40, True, 0)],
)
def test_all_but_the_last_message_go_together(count: int, gone: bool, sent: int, script: Path) -> None:
    messages = [ForwardMsg(hash=str(number)) for number in range(count)]

    async def run() -> tuple[list[ForwardMsg], list[ForwardMsg]]:
        async with served(script) as browser:
            for message in messages:
                browser.session._browser_queue.enqueue(message)
            browser.is_gone = gone
            return browser.told, browser.session.flush_browser_queue()

    told, rest = asyncio.run(run())
    assert len(told) == sent
    assert [*told, *rest] == messages


BEGUN = ["new_session", "session_status_changed", "delta"]
ENDED = ["delta", "script_finished", "session_status_changed"]


def test_a_short_run_is_told_when_it_is_over_and_that_it_began_last(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_browser, "SHORT_S", 20)
    (script.parent / "go_on").touch()

    async def run() -> None:
        async with served(script) as browser:
            for _ in range(3):
                await browser.run()
                assert browser.kinds() == [*BEGUN[::2], *ENDED, "session_status_changed"]
                assert not any(browser.while_it_ran)

    asyncio.run(run())


def test_a_long_run_is_told_as_it_goes_on(script: Path) -> None:
    def go_on(message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "delta":
            (script.parent / "go_on").touch()

    async def run() -> None:
        async with served(script) as browser:
            browser.on_message = go_on
            await browser.run()
            assert browser.kinds() == [*BEGUN, *ENDED]
            assert browser.while_it_ran[:3] == [True] * 3

    asyncio.run(run())


def test_a_visit_installs_it() -> None:
    Visit()
    assert AppSession._call_soon_on_event_loop is to_browser._wake_once
    assert AppSession.flush_browser_queue is to_browser._flush_together
