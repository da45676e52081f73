from collections.abc import Iterator

import pytest

from tests.browser.screen import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for the tests of a module."""
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()
