"""The app on a server of its own, and a window of a browser that looks at it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from llm_explorer.ui.explore.first_guess import COOKIE
from tests.waiting import until

ROOT = Path(__file__).parents[2]
START_S = 60
# the preset class-0.1m
SMALL = (
    "?vocab_size=65&context_length=64&emb_dim=64&n_heads=4&n_layers=2&drop_rate=0.0&batch_size=16"
    "&set=qkv_bias%3Dtrue+tie_embeddings%3Dtrue"
)
SLOW = "?vocab_size=1000&emb_dim=512&n_heads=8&n_layers=12&batch_size=8"  # seconds a step
USUAL: ViewportSize = {"width": 1366, "height": 768}
TWO_FRAMES = "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


class Server:
    """The app as a user starts it, in a process group of its own."""

    command = ("-m", "streamlit")

    def __init__(self, cache: Path, path: str = "", **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/{path}"
        options = f"--server.port={port} --server.address=127.0.0.1 --server.headless=true --server.baseUrlPath={path}"
        self.log = cache / f"server-{port}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.command, "run", "streamlit_app.py", *options.split()],
                cwd=ROOT,
                # the lock of measurements is the tests' own
                env=os.environ | {"XDG_CACHE_HOME": str(cache)} | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._answers, START_S)

    def _answers(self) -> bool:
        try:
            return bool(urllib.request.urlopen(f"{self.url}_stcore/health", timeout=1).status == 200)
        except OSError:
            return False

    def children(self) -> list[psutil.Process]:
        return [child for child in psutil.Process(self.process.pid).children(recursive=True) if is_alive(child)]

    def kill(self) -> None:
        """As kill -9 does: no clean-up in the server."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """As Ctrl-C does; what is left after it fails the tests."""
        if self.process.poll() is None:
            children = self.children()
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            finally:
                if self.process.poll() is None:
                    self.kill()
            until(lambda: not any(map(is_alive, children)), 5)


class PlainServer(Server):
    """The app as Streamlit serves a script in which it finds no ``st.App``: without what stands before Streamlit."""

    command = (
        "-c",
        """
from streamlit.web import cli
from streamlit.web.server import app_discovery as discovery
discovery.discover_asgi_app = lambda path: discovery.AppDiscoveryResult(False, None, None)
cli.main()
""",
    )


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def been_here(window: BrowserContext, server: Server) -> None:
    """Make it the browser of one who has been here before, whom Explore asks for no guess."""
    window.add_cookies([{"name": COOKIE, "value": "1", "url": server.url}])


class Screen:
    """A page of the app in a browser window of its own."""

    def __init__(
        self,
        browser: Browser,
        server: Server,
        address: str = "",
        before: Callable[[Page], object] = lambda page: None,
        *,
        first: bool = False,
        **window: Any,
    ) -> None:
        self.server = server
        self.window = browser.new_context(**({"viewport": USUAL} | window))
        self.page: Page = self.window.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self._waits_for: str | None = None  # the next message of the server's answer to what was asked last
        self.page.on("websocket", self._listen)
        before(self.page)
        self.visit(address, first=first)

    def visit(self, address: str, *, first: bool = False) -> None:
        if not first:
            been_here(self.window, self.server)
        self.page.goto(self.server.url + address)
        if not first:
            self.settle()

    def leave(self) -> None:
        """So that another test finds a new window, but with the app's scripts loaded."""
        self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
        self.page.goto("about:blank")
        self.page.set_viewport_size(USUAL)
        self.window.clear_cookies()
        self.errors.clear()
        self.requests.clear()

    def settle(self) -> None:
        """Wait until the script has run and a chart is drawn."""
        self.quiet()
        expect(self.charts().first).to_be_visible(timeout=30_000)

    def quiet(self) -> None:
        """Wait until the script has run: what Streamlit's own end-to-end tests wait for."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=30_000)
        self.page.wait_for_timeout(250)  # the key press or click is on its way
        deadline = time.monotonic() + 30
        while self._waits_for:
            assert time.monotonic() < deadline, f"no {self._waits_for}"
            self.page.wait_for_timeout(20)  # messages are heard in here
        self.page.evaluate(TWO_FRAMES)
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)

    def _listen(self, socket: WebSocket) -> None:
        def asked(message: str | bytes) -> None:
            if isinstance(message, bytes) and BackMsg.FromString(message).HasField("rerun_script"):
                self._waits_for = "new_session"

        def answered(message: str | bytes) -> None:
            if isinstance(message, bytes) and self._waits_for == ForwardMsg.FromString(message).WhichOneof("type"):
                self._waits_for = "script_finished" if self._waits_for == "new_session" else None

        def cut(_: WebSocket) -> None:
            self._waits_for = None

        socket.on("framesent", asked)
        socket.on("framereceived", answered)
        socket.on("close", cut)

    def charts(self) -> Locator:
        return self.page.locator(".js-plotly-plot .main-svg:first-child")

    def chart_words(self) -> list[str]:
        return [words.replace("\n", " ") for words in self.page.locator(".js-plotly-plot").all_inner_texts()]

    def metrics(self) -> list[str]:
        return self.page.get_by_test_id("stMetricValue").all_inner_texts()

    def expect_metric(self, first: str) -> None:
        expect(self.page.get_by_test_id("stMetricValue").first).to_have_text(first)

    def sentence(self) -> str:
        return self.page.get_by_text("parameters, ", exact=False).filter(has_text="peaks at").first.inner_text()

    def slider(self, label: str) -> Locator:
        return self.page.get_by_role("slider", name=re.compile(re.escape(label)))

    def number(self, label: str) -> Locator:
        return self.page.get_by_role("spinbutton", name=f"{label}, exact value")

    def press(self, label: str) -> None:
        self.page.get_by_role("button", name=label).click()

    def words(self) -> str:
        return self.page.get_by_test_id("stApp").inner_text()

    def close(self) -> None:
        self.window.close()
