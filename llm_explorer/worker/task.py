"""What the machine can be asked to do, one at a time: measure, calibrate, refine, train. Imports no torch."""

import atexit
import contextlib
import functools
import shutil
import tempfile
import uuid
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from filelock import FileLock, Timeout

from llm_explorer.accounting.process import Allocator, choose_allocator, refusal
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.result import Measured, Result, Status, make_result
from llm_explorer.pretraining.plan import Plan
from llm_explorer.pretraining.snapshot import TrainingSnapshot
from llm_explorer.speed import calibration, store
from llm_explorer.speed.predict import REFINED_LAYERS, Refined, with_prediction
from llm_explorer.units import byte_size
from llm_explorer.worker.client import Message

FOLDERS: Final = "llm-explorer-"  # how the names of the servers' folders for training runs begin
LOCK_S: Final = 5.0  # another server holds the lock of a folder for as long as it looks whether anybody else does
CALIBRATION_BYTES: Final = 900 * 1024**2  # of process memory: 868 MiB at most, CPU, torch 2.13.0, measured 2026-11
NO_SPEED: Final = "meta has no speed: choose a real device"


class RefinementResult(Result):
    """What a refinement found."""

    refined: Refined | None = None


@dataclass(frozen=True)
class Task:
    """Something to do with a model in a child; two tasks of the same key are done once."""

    what: ClassVar[str]
    model: ModelConfig
    run: RunConfig

    @property
    def key(self) -> Hashable:
        """What it is told apart by: what it is sized for does not change how it runs."""
        return type(self), self.model, self.run.regardless_of("hardware")

    @property
    def earlier(self) -> tuple[TrainingSnapshot, ...]:
        """What it has told before, where it goes on."""
        return ()

    def refusal(self, limit: int) -> str | None:
        """Why it cannot be done within ``limit`` bytes of memory, in words."""
        return refusal(self.model, self.run, limit)

    def allocator(self, limit: int) -> Allocator:
        """The settings of malloc that it gets."""
        return choose_allocator(self.model, self.run, limit)

    def message(self, limit: int) -> Message:
        """What the child is asked: to run steps of the model, of a kind that each task adds."""
        limit_bytes = limit if self.run.device == "cpu" else None
        return {"model": self.model.model_dump(), "run": self.run.model_dump(), "limit_bytes": limit_bytes}

    def read(self, told: Any) -> Result:
        """The result that the child has told."""
        return Result(status="ok", reason=told)

    def ended(self, status: Status, reason: str, allocator: Allocator = "default") -> Result:
        """The result where the child has told none."""
        del allocator
        return Result(status=status, reason=reason)


class Measurement(Task):
    """Build a model and time its steps."""

    what = "measurement"

    def message(self, limit: int) -> Message:
        """All steps that are timed together have so many seconds."""
        return super().message(limit) | {"kind": "measure", "budget_s": limits().timing_s}

    def read(self, told: Any) -> Result:
        """Every number of it."""
        return Measured.model_validate(told)

    def ended(self, status: Status, reason: str, allocator: Allocator = "default") -> Result:
        """What was computed and predicted stands in it all the same."""
        result = make_result(self.model, self.run, status, reason, environment={"allocator": allocator})
        return with_prediction(result, self.model, self.run)


class Calibration(Task):
    """Learn how fast the device is for runs like this one, with the settings of malloc that it would get."""

    what = "calibration"

    @functools.cached_property  # the memory that is free decides on the allocator: once for all that is done
    def key(self) -> calibration.Key:
        """The key of what it learns: the same for many models."""
        return calibration.key_for(self.run, choose_allocator(self.model, self.run, limits().memory()))

    def refusal(self, limit: int) -> str | None:
        """It needs the same memory for all models."""
        if self.run.device == "meta":
            return NO_SPEED
        needed = byte_size(CALIBRATION_BYTES)
        return None if limit >= CALIBRATION_BYTES else f"A calibration needs {needed}, {limits().there_are(limit)}"

    def allocator(self, limit: int) -> Allocator:
        """That of its key."""
        del limit
        return self.key.allocator

    def message(self, limit: int) -> Message:
        """It is about no model."""
        del limit
        return {"kind": "calibrate", "key": self.key.model_dump()}

    def read(self, told: Any) -> Result:
        """It has a reason too when what was learnt could not be kept on disk."""
        return Result(status="ok", reason=store.save(calibration.Calibration.model_validate(told)))


class Refinement(Task):
    """Run the model at zero and at three layers, to predict its time better."""

    what = "refinement"

    def refusal(self, limit: int) -> str | None:
        """It needs memory for a shallow model only."""
        if self.run.device == "meta":
            return NO_SPEED
        shallow = replace(self.model, n_layers=min(REFINED_LAYERS, self.model.n_layers))
        return refusal(shallow, self.run, limit)

    def message(self, limit: int) -> Message:
        """Both depths together have half the seconds of a measurement."""
        return super().message(limit) | {"kind": "refine", "budget_s": limits().timing_s / 2}

    def read(self, told: Any) -> Result:
        """The refined times."""
        return RefinementResult(status="ok", refined=told)


@dataclass(frozen=True)
class Training(Task):
    """Train as planned, keeping the state of each snapshot in ``folder``.

    With ``earlier``, the snapshots of a run that was paused, go on from the state in the folder.
    """

    what = "training run"
    plan: Plan
    folder: Path
    earlier: tuple[TrainingSnapshot, ...] = ()

    @classmethod
    def of(cls, plan: Plan) -> "Training":
        """A new run, with a folder of its own that is gone when the server is."""
        return cls(plan.model, plan.run, plan, server_folder() / uuid.uuid4().hex)

    @property
    def key(self) -> Hashable:
        """The plan: where its state is kept does not change what it does."""
        return self.plan

    def message(self, limit: int) -> Message:
        """A hundred thousand parameters need no limit; there is room for the run's folder from now on."""
        del limit
        make_room(self.folder)
        plan, folder = self.plan.to_json(), str(self.folder)
        return {"kind": "pretrain", "plan": plan, "folder": folder, "resume": bool(self.earlier)}


@functools.cache
def server_folder() -> Path:
    """The temporary folder for the states of this server's training runs: only its name, ``make_room`` makes it."""
    return Path(tempfile.gettempdir()) / f"{FOLDERS}{uuid.uuid4().hex}"


def remove_abandoned() -> None:
    """Remove the folders of this user's servers that ended without doing so: nobody holds their locks any more."""
    with contextlib.suppress(OSError):  # no place for temporary files: there are none
        for path in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*.lock"):
            lock = FileLock(path, blocking=False, fallback_to_soft=False)
            with contextlib.suppress(Timeout, OSError, NotImplementedError), lock:  # OSError: it is another user's
                _remove(path.with_suffix(""), lock)


def make_room(folder: Path) -> None:
    """Make a run's folder, and remove the oldest of too many: never its own, however the clock was set."""
    _hold(folder.parent)
    folder.mkdir(exist_ok=True)
    others = [run for run in folder.parent.iterdir() if run != folder]
    for old in sorted(others, key=lambda run: run.stat().st_mtime)[: 1 - limits().training_folders]:
        shutil.rmtree(old, ignore_errors=True)


def _hold(folder: Path) -> None:
    """Make the server's folder, anew where the system's cleaner of old files took it; the server's end removes it.

    Its lock is there before it is, and held as long as the server lives: ``remove_abandoned`` leaves it alone.
    """
    path = folder.with_suffix(".lock")
    if not path.exists():
        lock = FileLock(path, timeout=LOCK_S, fallback_to_soft=False)
        with contextlib.suppress(NotImplementedError):  # no locks on this file system: nobody will remove it
            lock.acquire()
        atexit.register(_remove, folder, lock)
    folder.mkdir(mode=0o700, exist_ok=True)


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(lock.lock_file).unlink(missing_ok=True)
