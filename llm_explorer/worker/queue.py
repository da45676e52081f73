"""The measuring queue: one task at a time, shared by all who asked for the same. One object a server.

Plain threads and one lock: safe from Streamlit's script threads, which end, and for many visitors at once.
"""

import atexit
import logging
import sys
import threading
import time
from collections.abc import Hashable, Iterable
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel

from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.config.problems import in_words
from llm_explorer.machine import processor_name
from llm_explorer.measure.result import Result
from llm_explorer.pretraining.snapshot import TrainingSnapshot
from llm_explorer.worker.attempt import CANCELLED, Attempt, Progress
from llm_explorer.worker.client import Message
from llm_explorer.worker.spare import Spare
from llm_explorer.worker.task import Measurement, Task

KEPT_RESULTS: Final = 64
CLOSE_WAIT_S: Final = 1.0
REPLACED: Final = "You asked for another run meanwhile; a visit has one waiting at a time"
MOST_LOSSES: Final = 3  # of children that ended before they told the devices: then the next job's end asks
THREAD_ENDED: Final = "The thread that measures had ended and was started anew; press the button once more"

State = Literal["queued", "running", "done"]
Devices = tuple[tuple[str, str], ...]


class Snapshot(NamedTuple):
    """A job at one moment: ``place`` jobs are before it in the queue.

    ``finished_at`` is in seconds of ``time.monotonic``, which goes on evenly when somebody sets the clock.
    ``stream`` is what it has told on the way: nothing for a measurement, snapshots of a training run.
    """

    state: State
    place: int
    progress: Progress | None
    result: Result | None
    model: ModelConfig
    run: RunConfig
    finished_at: float | None
    stream: tuple[TrainingSnapshot, ...]


class Job:
    """One task that was asked for; several watchers may share it. Made by MeasuringQueue.submit."""

    def __init__(self, queue: "MeasuringQueue", task: Task) -> None:
        self.task = task
        self.model, self.run = task.model, task.run
        self.queue = queue
        self.stream = list(task.earlier)
        self.watchers: set[str] = set()
        self.progress: Progress | None = None
        self.result: Result | None = None
        self.finished_at: float | None = None
        self.size = 0
        self.attempt = Attempt(task, self._on_progress, self._on_snapshot)

    def snapshot(self) -> Snapshot:
        """How it stands now."""
        return self.queue.snapshot(self)

    def leave(self, watcher: str) -> None:
        """One less waits for it; with the last one gone it is cancelled, its process gone within 0.5 s."""
        self.queue.leave(self, watcher)

    def goes_on_without(self, watcher: str) -> bool:
        """Whether others wait for it, and this one does not."""
        return self.result is None and bool(self.watchers) and watcher not in self.watchers

    def finish(self, result: Result) -> None:
        """It is done."""
        self.result, self.finished_at = result, time.monotonic()

    def weigh(self) -> None:
        """Note the bytes that keeping it takes: of a training run its text and all that it told."""
        self.size = size_of((self.task.key, self.stream))

    def _on_progress(self, progress: Progress) -> None:
        self.progress = progress

    def _on_snapshot(self, snapshot: TrainingSnapshot) -> None:
        if not self.stream or snapshot.step > self.stream[-1].step:  # a run that goes on may tell the last one again
            self.stream.append(snapshot)


class MeasuringQueue:
    """Jobs wait here for the machine; ``close`` ends all its processes, and so does the end of the server."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._finished: dict[Hashable, Job] = {}
        self._closed = False
        self._spare = Spare()
        self.known_devices: Devices = (("cpu", processor_name()), ("meta", "counts only, no memory"))
        self._devices_asked = False
        self._losses = 0
        self._thread = self._start_thread()
        atexit.register(self.close)

    def submit(self, model: ModelConfig, run: RunConfig, watcher: str, *, again: bool = False) -> Job:
        """Ask for a measurement: a new job, or the one of the same model and run that waits, runs or has succeeded.

        ``again`` measures anew where it has been measured already. Whether there is memory for it is asked when its
        turn comes: what runs now will have given its own back.
        """
        return self.submit_task(Measurement(model, run), watcher, again=again)

    def submit_task(self, task: Task, watcher: str, *, again: bool = False) -> Job:
        """The same for any task: those of one key are one job.

        A watcher has one job that waits at most: for a new one the one before is left, whatever it was.
        """
        with self._changed:
            self._see_to_thread()
            job = self._find(task.key, finished=not again)
            if job is None:
                job = Job(self, task)
                self._waiting.append(job)
                self._changed.notify_all()
            job.watchers.add(watcher)
            if job in self._waiting:
                for other in [other for other in self._waiting if other is not job]:
                    self.leave(other, watcher, REPLACED)
            return job

    def find(self, model: ModelConfig, run: RunConfig) -> Job | None:
        """The job of this model and run that waits, runs or has succeeded, if there is one."""
        return self.find_task(Measurement(model, run))

    def find_task(self, task: Task) -> Job | None:
        """The job of a task with this key that waits, runs or has succeeded, if there is one."""
        with self._changed:
            return self._find(task.key, finished=True)

    def has_measured(self, device: str) -> bool:
        """Whether a measurement on this device has succeeded here, among those that are kept."""
        with self._changed:
            done = self._finished.values()
            return any(isinstance(job.task, Measurement) and job.run.device == device for job in done)

    def snapshot(self, job: Job) -> Snapshot:
        """How a job stands now."""
        with self._changed:
            self._see_to_thread()
            queued = job in self._waiting
            place = self._waiting.index(job) if queued else 0
            state: State = "queued" if queued else "running" if job.result is None else "done"
            stream = tuple(job.stream)
            return Snapshot(state, place, job.progress, job.result, job.model, job.run, job.finished_at, stream)

    def leave(self, job: Job, watcher: str, reason: str = CANCELLED) -> None:
        """One less waits for the job; with the last one gone it is cancelled, and says why."""
        with self._changed:
            job.watchers.discard(watcher)
            if not job.watchers and job.result is None:
                self._cancel(job, reason)

    def leave_all(self, watcher: str) -> None:
        """A session has ended: it waits for nothing any more."""
        with self._changed:
            for job in self._open_jobs():
                self.leave(job, watcher)

    def devices(self) -> Devices:
        """Names and titles of the devices; cpu and meta until a child, asked at the first call, has told.

        A hosted server has no memory for that child, and no other devices.
        """
        if not self._devices_asked:
            self._warm()
        return self.known_devices

    def close(self) -> None:
        """Cancel everything and end all processes."""
        with self._changed:
            self._closed = True
            for job in self._open_jobs():
                self._cancel(job)
            self._changed.notify_all()
        self._thread.join(CLOSE_WAIT_S)
        self._spare.close()
        atexit.unregister(self.close)

    def _open_jobs(self) -> list[Job]:
        return self._waiting + ([self._running] if self._running is not None else [])

    def _find(self, key: Hashable, *, finished: bool) -> Job | None:
        for job in self._open_jobs():
            if job.watchers and job.task.key == key:  # without watchers it is being cancelled
                return job
        return self._finished.get(key) if finished else None

    def _cancel(self, job: Job, reason: str = CANCELLED) -> None:
        job.watchers.clear()
        if job in self._waiting:
            self._waiting.remove(job)
            job.finish(job.attempt.cancelled(reason))
        else:
            job.attempt.cancel()

    def _start_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        return thread

    def _see_to_thread(self) -> None:
        """Whoever looks at a job sees that the thread lives: its end, which no job should bring about, is told."""
        if self._closed or self._thread.is_alive():
            return
        logging.error("the thread of the measuring queue has ended; a new one is started")
        if self._running is not None:
            self._running.finish(self._running.task.ended("failed", THREAD_ENDED))
            self._running = None
        try:
            self._thread = self._start_thread()
        except RuntimeError:  # the system has no thread left: the next look tries again
            logging.exception("the measuring queue has no thread")

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            try:
                result = job.attempt.execute(self._spare.take)
                job.weigh()
            except Exception as error:  # nothing that a job does may end this thread
                logging.exception("a job could not be brought to its end")
                result = job.task.ended("failed", f"It could not be brought to its end: {in_words(error)}")
            with self._changed:
                self._running = None
                job.finish(result)
                if result.status == "ok" and result.reason is None:
                    self._keep(job)
                idle = not self._waiting
            if idle:
                self._warm()

    def _warm(self) -> None:
        """Have the spare child wait, and ask it for the devices unless one has told; what fails is for the log."""
        try:
            worker = self._spare.warm()
            with self._changed:
                ask = worker is not None and not self._devices_asked
                self._devices_asked = self._devices_asked or ask
            if worker is not None and ask:
                worker.send({"kind": "devices"}, self._hear_devices)
        except Exception:
            logging.exception("no spare child could be started")

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._running = None if self._closed else self._waiting.pop(0)
            return self._running

    def _keep(self, job: Job) -> None:
        key = job.task.key
        self._finished.pop(key, None)  # the newest last
        self._finished[key] = job
        most = limits().results_bytes
        while len(self._finished) > KEPT_RESULTS or (len(self._finished) > 1 and self._kept_bytes() > most):
            del self._finished[next(iter(self._finished))]

    def _kept_bytes(self) -> int:
        return sum(job.size for job in self._finished.values())

    def _hear_devices(self, message: Message) -> None:
        """Note them; a child that was lost before it told is followed by another one, while nothing else runs."""
        if message["event"] == "result" and message["result"] is not None:
            self.known_devices = tuple(message["result"].items())
        if message["event"] == "exit":
            with self._changed:
                self._devices_asked = False
                again = not self._open_jobs() and not self._closed and self._losses < MOST_LOSSES
                self._losses += again
            if again:
                self._warm()


def size_of(value: Any) -> int:
    """The bytes of plain data, that in lists, tuples, dicts and fields with them.

    >>> size_of(["x" * 1000]) > 1000
    True
    """
    inner: Iterable[Any] = ()
    if isinstance(value, dict):
        inner = (*value, *value.values())
    elif isinstance(value, list | tuple):
        inner = value
    elif isinstance(value, BaseModel):
        inner = (vars(value),)
    return sys.getsizeof(value) + sum(map(size_of, inner))
