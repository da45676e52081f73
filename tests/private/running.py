"""Streamlit's own server of a script without its web server, and a browser that keeps what it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.session_manager import SessionClient, SessionClientDisconnectedError

from tests.there import there


class Browser(SessionClient):
    """Of each message its kind, and whether the script still ran when it came."""

    def __init__(self) -> None:
        self.told: list[ForwardMsg] = []
        self.while_it_ran: list[bool] = []
        self.is_gone = False
        self.on_message: Callable[[ForwardMsg], object] = lambda _message: None

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        if self.is_gone:
            raise SessionClientDisconnectedError
        self.told.append(msg)
        self.while_it_ran.append(self.session._state == AppSessionState.APP_IS_RUNNING)
        self.on_message(msg)

    def connect(self, runtime: Runtime) -> None:
        self.runtime, self.name = runtime, runtime.connect_session(self, {})
        self.session: AppSession = there(runtime._session_mgr.get_active_session_info(self.name)).session

    def kinds(self) -> list[str]:
        return [str(message.WhichOneof("type")) for message in self.told]

    async def run(self) -> None:
        """Ask for a run, and wait until its end was told."""
        self.told, self.while_it_ran = [], []
        self.runtime.handle_backmsg(self.name, BackMsg(rerun_script=ClientState()))
        deadline = time.monotonic() + 30
        while self.kinds().count("session_status_changed") < 2:  # that it began, and that it has ended
            assert time.monotonic() < deadline, self.kinds()
            await asyncio.sleep(0.001)


@asynccontextmanager
async def served(script: Path) -> AsyncIterator[Browser]:
    """The browser of a visit that runs the script whenever it asks for it."""
    PagesManager.uses_pages_directory = None  # as AppTest does: told apart once in a process, Streamlit thinks
    files = MemoryUploadedFileManager("/files")
    runtime = Runtime(RuntimeConfig(str(script), MemoryMediaFileStorage("/media"), files))
    try:
        await runtime.start()
        browser = Browser()
        browser.connect(runtime)
        yield browser
        runtime.stop()
        await runtime.stopped
    finally:
        Runtime._instance = None  # one of a process, Streamlit says
