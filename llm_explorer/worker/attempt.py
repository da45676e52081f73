"""One job from refusal to result: wait for the machine, run a child, listen, and end it whatever happens."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Final, NamedTuple

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir
from pydantic import ValidationError

from llm_explorer.accounting.process import Allocator, process_bytes
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.config.problems import in_words
from llm_explorer.measure.result import Measured, Result
from llm_explorer.pretraining.snapshot import TrainingSnapshot
from llm_explorer.worker.client import Message, Worker, death_in_words
from llm_explorer.worker.resident import without_residents
from llm_explorer.worker.task import Measurement, Task

LOCK_LOOK_S: Final = 0.1
CANCELLED: Final = "Cancelled"


class Progress(NamedTuple):
    """How far a measurement is; ``fraction`` from 0 to 1, None where nobody can know."""

    phase: str
    fraction: float | None
    text: str


TakeWorker = Callable[[Allocator], Worker]
OnProgress = Callable[[Progress], None]
OnSnapshot = Callable[[TrainingSnapshot], None]


class Attempt:
    """One task, on the thread that calls ``execute``; ``cancel`` may be called from any other."""

    def __init__(self, task: Task, on_progress: OnProgress, on_snapshot: OnSnapshot = lambda _: None) -> None:
        self.task, self._on_progress, self._on_snapshot = task, on_progress, on_snapshot
        self._inbox: Queue[Message] = Queue()

    def cancel(self) -> None:
        """End it: the process is gone within 0.5 s, the result says cancelled."""
        self._inbox.put({"event": "cancel"})

    def execute(self, take_worker: TakeWorker) -> Result:
        """Measure; every failure is a result too."""
        try:
            with contextlib.ExitStack() as held:
                if not self._wait_for_machine(held):
                    return self.cancelled()
                return self._measure(take_worker)
        except Exception as error:
            logging.exception("a %s could not be made", self.task.what)
            return self.task.ended("failed", f"The {self.task.what} could not be made: {in_words(error)}")

    def cancelled(self, reason: str = CANCELLED) -> Result:
        """The result of a job that nobody waits for any more."""
        return self.task.ended("cancelled", reason)

    def _wait_for_machine(self, held: contextlib.ExitStack) -> bool:
        """Get the machine's one place to measure; False when cancelled before."""
        while True:
            try:
                held.enter_context(machine_lock())
            except Timeout:
                self._on_progress(Progress("waiting", None, "Another program is measuring on this machine"))
            else:
                return True
            with contextlib.suppress(Empty):
                self._inbox.get(timeout=LOCK_LOOK_S)  # the only message there can be is cancel
                return False

    def _measure(self, take_worker: TakeWorker) -> Result:
        limit = limits().memory()
        reason = self.task.refusal(limit)
        if reason is not None:
            return self.task.ended("refused", reason)
        beside = limits().memory_beside_a_resident()
        with contextlib.ExitStack() as held:
            if process_bytes(self.task.model, self.task.run) > beside:
                held.enter_context(without_residents())
            else:
                limit = min(limit, beside)
            return self._run_child(take_worker(self.task.allocator(limit)), limit)

    def _run_child(self, worker: Worker, limit: int) -> Result:
        try:
            worker.send(self.task.message(limit), self._inbox.put)
            return self._listen(worker.allocator)
        except ValidationError:
            logging.exception("what a child told is no %s", self.task.what)
            return self.task.ended(*death_in_words(None), worker.allocator)
        finally:
            worker.kill()

    def _listen(self, allocator: Allocator) -> Result:
        seconds = limits().timeout_s
        deadline = time.monotonic() + seconds
        self._on_progress(Progress("starting", None, "Starting a process"))
        while True:
            try:
                message = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                reason = f"Ended after {seconds:g} s, the most a {self.task.what} may take"
                return self.task.ended("timeout", reason, allocator)
            match message["event"]:
                case "progress":
                    self._on_progress(Progress(message["phase"], message["fraction"], message["text"]))
                case "snapshot":
                    self._on_snapshot(TrainingSnapshot.model_validate(message["snapshot"]))
                case "result":
                    return self.task.read(message["result"])
                case "failure":
                    return self.task.ended(message["status"], message["reason"], allocator)
                case "cancel":
                    return self.cancelled()
                case "exit":
                    return self.task.ended(*death_in_words(message["code"]), allocator)


@contextlib.contextmanager
def machine_lock() -> Iterator[None]:
    """Hold this machine's one place to measure, or raise filelock.Timeout at once when another program has it.

    Where the user's cache folder cannot be written there is no lock, and measuring goes on without.
    """
    # a soft lock would outlive a killed server
    lock = FileLock(Path(user_cache_dir("llm-explorer")) / "measuring.lock", blocking=False, fallback_to_soft=False)
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise
    except (OSError, NotImplementedError):
        logging.warning("no lock between programs that measure: %s cannot be written", lock.lock_file)
    try:
        yield
    finally:
        lock.release()


def run_measurement(model: ModelConfig, run: RunConfig, on_progress: OnProgress = lambda _: None) -> Measured:
    """Measure in a child of its own and wait for it, as the command line does; Ctrl-C gives the result cancelled."""
    result = run_alone(Measurement(model, run), on_progress)
    assert isinstance(result, Measured)
    return result


def run_alone(task: Task, on_progress: OnProgress = lambda _: None) -> Result:
    """The same for any task."""
    attempt = Attempt(task, on_progress)
    try:
        return attempt.execute(Worker)
    except KeyboardInterrupt:
        return attempt.cancelled()
