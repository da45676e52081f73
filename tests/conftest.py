"""How tests run: examples that are the same every time in CI, no calibration of this machine, files kept together."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from llm_explorer.speed import store

settings.register_profile("desk", deadline=None, max_examples=40)
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, print_blob=True)
settings.load_profile("ci" if "CI" in os.environ else "desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In several processes one takes the tests that drive a browser, first since they are the slowest, and the others
    take the rest file by file."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)
    for item in items:
        group = "browser" if item.get_closest_marker("browser") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def own_calibrations(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own: what this machine was calibrated for must not change what is predicted."""
    folder = tmp_path_factory.mktemp("calibrations", numbered=True)
    monkeypatch.setattr(store, "user_cache_dir", lambda name: str(folder / name))
    monkeypatch.setattr(store, "_kept", {})
    return folder / "llm-explorer"
