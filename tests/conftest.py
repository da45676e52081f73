"""How tests run: examples that are the same every time in CI, and no calibration of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from llm_explorer.speed import store

settings.register_profile("desk", deadline=None, max_examples=40)
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, print_blob=True)
settings.load_profile("ci" if "CI" in os.environ else "desk")


@pytest.fixture(autouse=True)
def own_calibrations(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own: what this machine was calibrated for must not change what is predicted.

    Nor in the children, which get it by the environment.
    """
    folder = tmp_path_factory.mktemp("calibrations", numbered=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setattr(store, "user_cache_dir", lambda name: str(folder / name))
    monkeypatch.setattr(store, "_kept", {})
    return folder / "llm-explorer"


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """More threads than free cores make small steps many times slower."""
    import torch  # most tests do without

    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)
