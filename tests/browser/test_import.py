"""A config from a file, by the page's own uploader."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from llm_explorer.texts import sharing as texts
from tests.browser.screen import Screen, Server

pytestmark = pytest.mark.browser
OpenScreen = Callable[..., Screen]


def test_files_one_after_the_other_are_read_and_taken(open_screen: OpenScreen, tmp_path: Path) -> None:
    screen = open_screen()
    screen.press(texts.IMPORT)
    uploader = screen.page.get_by_test_id("stFileUploader")
    for layers in (3, 5):
        file = tmp_path / f"config-{layers}.json"
        file.write_text(json.dumps({"n_layers": layers}))
        uploader.locator("input[type=file]").set_input_files(file)
        expect(screen.page.get_by_text(f"Read from config-{layers}.json")).to_be_visible()
    screen.press(texts.USE)
    screen.expect_metric("113.4 M")
    assert screen.errors == []


def test_a_shared_server_shows_no_uploader(open_screen: OpenScreen, tmp_path: Path) -> None:
    server = Server(tmp_path, LLM_EXPLORER_HOSTED="1")
    try:
        screen = open_screen(on=server)
        screen.press(texts.IMPORT)
        expect(screen.page.get_by_text(texts.PASTE, exact=True)).to_be_visible()
        assert screen.page.get_by_test_id("stFileUploader").count() == 0
    finally:
        server.stop()
