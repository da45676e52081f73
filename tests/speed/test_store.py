import os
from pathlib import Path

import pytest

from llm_explorer.config import RunConfig
from llm_explorer.speed import store
from tests.speed.calibrations import calibration

MADE = calibration(RunConfig())
SPOILT = "{name} is not a calibration of this version; calibrate again"


@pytest.fixture
def path(own_calibrations: Path) -> Path:
    """The file of a calibration that only the disk knows of."""
    assert store.save(MADE) is None
    store._kept.clear()
    return store.path_of(MADE.key)


def test_what_is_kept_is_found_whole(path: Path) -> None:
    assert store.load(MADE.key) == store.Found(MADE)
    assert [each.name for each in path.parent.iterdir()] == [path.name]  # nothing half written is left


def test_another_key_finds_nothing(path: Path) -> None:
    assert store.load(MADE.key.model_copy(update={"threads": 99})) == store.Found(None)


def test_a_newer_file_is_read(path: Path) -> None:
    store.load(MADE.key)
    later = MADE.model_copy(update={"peak_flops": 2e11})
    path.write_text(later.model_dump_json())
    os.utime(path, (1e9, 1e9))
    assert store.load(MADE.key).calibration == later


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\x00\xff",
        '{"version": 0}',
        MADE.model_dump_json().replace('"overhead_s":1e-6', '"overhead_s":-1', 1),
        MADE.model_dump_json().replace('"overhead_s":1e-6', '"overhead_s":1e999', 1),
        MADE.model_dump_json().replace('"seconds":', '"minutes":', 1),
    ],
)
def test_a_spoilt_file_is_a_sentence(path: Path, text: str) -> None:
    assert text != MADE.model_dump_json()
    path.write_text(text, encoding="latin-1")
    assert store.load(MADE.key) == store.Found(None, SPOILT.format(name=path.name))


def test_a_file_of_another_device_is_a_sentence(path: Path) -> None:
    other = MADE.model_copy(update={"key": MADE.key.model_copy(update={"processor": "another"})})
    path.write_text(other.model_dump_json())
    assert store.load(MADE.key) == store.Found(None, f"{path.name} is of another device; calibrate again")


def test_what_cannot_be_written_serves_this_process(own_calibrations: Path) -> None:
    own_calibrations.write_text("a file where the folder should be")
    assert store.save(MADE) == "The calibration could not be kept for later: File exists"
    assert store.load(MADE.key) == store.Found(MADE)


def test_a_disk_that_is_full_leaves_nothing_behind(own_calibrations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left on device" in (store.save(MADE) or "")
    assert [*own_calibrations.iterdir()] == []
