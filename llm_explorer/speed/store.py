"""Calibrations on disk, one file a key: read again only when changed, written in one piece. Trouble is a sentence."""

import contextlib
import hashlib
import logging
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from platformdirs import user_cache_dir
from pydantic import ValidationError

from llm_explorer.config.problems import in_words
from llm_explorer.speed.calibration import Calibration, Key

_kept: Final[dict[Key, Calibration]] = {}  # of this process: what could not be written still serves it


class Found(NamedTuple):
    """A calibration, or None; and what was wrong with its file, in words."""

    calibration: Calibration | None
    trouble: str | None = None


def load(key: Key) -> Found:
    """The calibration of a key: from this process, or else from its file."""
    path = path_of(key)
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return Found(_kept.get(key))
    found = _read(path, changed, key)
    return found if found.calibration else Found(_kept.get(key), found.trouble)


def save(calibration: Calibration) -> str | None:
    """Keep a calibration for all programs of this user; why only this process has it, when it cannot be written."""
    path = path_of(calibration.key)
    _kept[calibration.key] = calibration
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, calibration.model_dump_json())
    except OSError as error:
        logging.exception("a calibration could not be written: %s", path)
        return f"The calibration could not be kept for later: {in_words(error)}"
    return None


def path_of(key: Key) -> Path:
    """The file of a key; what the key is stands in the file."""
    digest = hashlib.sha256(key.model_dump_json().encode()).hexdigest()[:16]
    return Path(user_cache_dir("llm-explorer")) / f"calibration-{digest}.json"


@lru_cache(maxsize=32)
def _read(path: Path, changed: int, key: Key) -> Found:
    del changed  # the time of the file's last change: a new one is read anew
    if not path.is_file():  # to read a pipe would wait for whoever writes to it
        return Found(None, f"{path.name} is no file; calibrate again")
    try:
        calibration = Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        return Found(None, f"{path.name} cannot be read: {error.strerror}")
    except ValidationError:
        return Found(None, f"{path.name} is not a calibration of this version; calibrate again")
    if calibration.key != key:
        return Found(None, f"{path.name} is of another device; calibrate again")
    return Found(calibration)


def _write(path: Path, text: str) -> None:
    """Under another name first: whoever reads meanwhile sees the old file or the new one, whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
