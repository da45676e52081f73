"""What the machine can be asked to do, one at a time: measure, calibrate, refine, train. Imports no torch."""

import atexit
import contextlib
import functools
import shutil
import tempfile
import uuid
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from filelock import FileLock, Timeout

from llm_explorer.accounting.process import Allocator, choose_allocator, refusal
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.result import Result, Status
from llm_explorer.pretraining.plan import Plan
from llm_explorer.pretraining.snapshot import TrainingSnapshot
from llm_explorer.speed import calibration, store
from llm_explorer.speed.predict import REFINED_LAYERS, Refined
from llm_explorer.units import byte_size
from llm_explorer.worker.attempt import Attempt, OnProgress
from llm_explorer.worker.client import Message

FOLDERS: Final = "llm-explorer-"  # how the names of the servers' folders for training runs begin
LOCK_S: Final = 5.0  # another server holds the lock of a folder for as long as it looks whether anybody else does
CALIBRATION_BYTES: Final = 900 * 1024**2  # of process memory: 868 MiB at most, CPU, torch 2.13.0, measured 2026-11

OnSnapshot = Callable[[TrainingSnapshot], None]


class Task(Protocol):
    """Something to do with a model; two tasks of the same key are done once."""

    @property
    def model(self) -> ModelConfig:
        """The model it needs memory for."""

    @property
    def run(self) -> RunConfig:
        """How a step of it runs."""

    @property
    def key(self) -> Hashable:
        """What it is told apart by."""

    def attempt(self, on_progress: OnProgress, on_snapshot: OnSnapshot) -> Attempt:
        """How it is done: ``on_snapshot`` is told what it tells on the way."""


class Measurement(NamedTuple):
    """Build a model and time its steps."""

    model: ModelConfig
    run: RunConfig

    @property
    def key(self) -> Hashable:
        """What it is sized for does not change how it runs."""
        return self.model, self.run.regardless_of("hardware")

    def attempt(self, on_progress: OnProgress, on_snapshot: OnSnapshot) -> Attempt:
        """A measurement tells nothing on the way."""
        del on_snapshot
        return Attempt(self.model, self.run, on_progress)


class Calibration(NamedTuple):
    """Learn how fast the device is for runs like this one, with the settings of malloc that it would get."""

    model: ModelConfig
    run: RunConfig

    @property
    def key(self) -> calibration.Key:
        """The key of what it learns: the same for many models."""
        return calibration.key_for(self.run, choose_allocator(self.model, self.run, limits().memory()))

    def attempt(self, on_progress: OnProgress, on_snapshot: OnSnapshot) -> Attempt:
        """A calibration tells nothing on the way."""
        del on_snapshot
        return CalibrationAttempt(self, on_progress)


class Refinement(NamedTuple):
    """Run the model at zero and at three layers, to predict its time better."""

    model: ModelConfig
    run: RunConfig

    @property
    def key(self) -> Hashable:
        """What it is sized for does not change how it runs; a measurement of the same is another task."""
        return "refinement", self.model, self.run.regardless_of("hardware")

    def attempt(self, on_progress: OnProgress, on_snapshot: OnSnapshot) -> Attempt:
        """A refinement tells nothing on the way."""
        del on_snapshot
        return RefinementAttempt(self.model, self.run, on_progress)


class Training(NamedTuple):
    """Train as planned, keeping the state of each snapshot in ``folder``.

    With ``earlier``, the snapshots of a run that was paused, go on from the state in the folder.
    """

    plan: Plan
    folder: Path
    earlier: tuple[TrainingSnapshot, ...] = ()

    @classmethod
    def of(cls, plan: Plan) -> "Training":
        """A new run, with a folder of its own that is gone when the server is."""
        return cls(plan, server_folder() / uuid.uuid4().hex)

    @property
    def model(self) -> ModelConfig:
        """The model it trains."""
        return self.plan.model

    @property
    def run(self) -> RunConfig:
        """How its steps run."""
        return self.plan.run

    @property
    def key(self) -> Hashable:
        """The plan: where its state is kept does not change what it does."""
        return self.plan

    def attempt(self, on_progress: OnProgress, on_snapshot: OnSnapshot) -> Attempt:
        """A run that goes on begins its stream with what was told before."""
        for snapshot in self.earlier:
            on_snapshot(snapshot)
        return TrainingAttempt(self, on_progress, on_snapshot)


class RefinementResult(Result):
    """What a refinement found."""

    refined: Refined | None = None


class CalibrationAttempt(Attempt):
    """One calibration; its result has a reason too when it could not be kept on disk."""

    what = "calibration"

    def __init__(self, task: Calibration, on_progress: OnProgress) -> None:
        super().__init__(task.model, task.run, on_progress)
        self._key = task.key

    def _read(self, result: Any) -> Result:
        return Result(status="ok", reason=store.save(calibration.Calibration.model_validate(result)))

    def _refusal(self, limit: int) -> str | None:
        if self._run.device == "meta":
            return "meta has no speed: choose a real device"
        needed = byte_size(CALIBRATION_BYTES)
        return None if limit >= CALIBRATION_BYTES else f"A calibration needs {needed}, {limits().there_are(limit)}"

    def _allocator(self, limit: int) -> Allocator:
        del limit
        return self._key.allocator

    def _job(self, limit: int) -> Message:
        del limit
        return {"kind": "calibrate", "key": self._key.model_dump()}

    def _result(self, status: Status, reason: str, allocator: Allocator = "default") -> Result:
        del allocator
        return Result(status=status, reason=reason)


class RefinementAttempt(Attempt):
    """One refinement."""

    what = "refinement"

    def _refusal(self, limit: int) -> str | None:
        if self._run.device == "meta":
            return "meta has no speed: choose a real device"
        shallow = replace(self._model, n_layers=min(REFINED_LAYERS, self._model.n_layers))
        return refusal(shallow, self._run, limit)

    def _job(self, limit: int) -> Message:
        return super()._job(limit) | {"kind": "refine", "budget_s": limits().timing_s / 2}

    def _read(self, result: Any) -> Result:
        return RefinementResult(status="ok", refined=result)

    def _result(self, status: Status, reason: str, allocator: Allocator = "default") -> Result:
        del allocator
        return RefinementResult(status=status, reason=reason)


class TrainingAttempt(Attempt):
    """One training run."""

    what = "training run"

    def __init__(self, training: Training, on_progress: OnProgress, on_snapshot: OnSnapshot) -> None:
        super().__init__(training.model, training.run, on_progress)
        self._training, self._on_snapshot = training, on_snapshot
        self._last_step = training.earlier[-1].step if training.earlier else -1

    def _job(self, limit: int) -> Message:
        del limit  # a hundred thousand parameters need none
        training = self._training
        make_room(training.folder)
        plan = training.plan.to_json()
        return {"kind": "pretrain", "plan": plan, "folder": str(training.folder), "resume": bool(training.earlier)}

    def _read(self, result: Any) -> Result:
        return Result(status="ok", reason=result)

    def _hear(self, snapshot: Message) -> None:
        heard = TrainingSnapshot.model_validate(snapshot)
        if heard.step > self._last_step:  # a run that goes on may tell the last one again
            self._last_step = heard.step
            self._on_snapshot(heard)

    def _result(self, status: Status, reason: str, allocator: Allocator = "default") -> Result:
        del allocator
        return Result(status=status, reason=reason)


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
