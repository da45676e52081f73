from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.screen import Screen, Server
from tests.find_browser import BROWSER_FLAGS, find_browser

# a browser at an eighth of its speed takes 4 to 6 s from a press to what it leads to; playwright waits for 5
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests that leave nothing on it which another could meet."""
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def kept() -> Iterator[list[Screen]]:
    """The window that a test hands on to the next, if there is one."""
    windows: list[Screen] = []
    yield windows
    for screen in windows:
        screen.close()


@pytest.fixture
def open_screen(browser: Browser, server: Server, kept: list[Screen]) -> Iterator[Any]:
    usual: list[Screen] = []
    special: list[Screen] = []

    def open_at(address: str = "", on: Server = server, **window: Any) -> Screen:
        if window or on is not server:
            special.append(Screen(browser, on, address, **window))
            return special[-1]
        if kept:
            usual.append(kept.pop())
            usual[-1].visit(address)
        else:
            usual.append(Screen(browser, server, address))
        return usual[-1]

    yield open_at
    for screen in usual:
        if not kept and not screen.page.is_closed() and screen.page.url.startswith(server.url):
            screen.leave()
            kept.append(screen)
        else:
            screen.close()
    for screen in special:
        screen.close()
