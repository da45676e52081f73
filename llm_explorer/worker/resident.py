"""A child that stays and answers short questions in order, of lessons or of traces. Imports no torch.

It keeps no visitor's state: every question carries all its inputs, so any child can answer it, also one that was
started because the one before died.
"""

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import Empty, Queue
from typing import Any, Final
from weakref import WeakSet

from llm_explorer.budget import limits
from llm_explorer.config.problems import in_words
from llm_explorer.worker.client import Message, Worker

ANSWER_S: Final = 20.0  # from the moment that torch is imported
START_S: Final = 180.0  # to import it: 1 to 3 s from memory, a minute from a slow disk
TURN_S: Final = 30.0  # on a hosted server a question waits for a run that needs all memory
GRACE_S: Final = 1.0  # for a trace to end by itself: a child that takes the place of one that was ended needs longer

_residents: "WeakSet[Resident]" = WeakSet()


class ResidentError(RuntimeError):
    """The question could not be answered; the message is a sentence for the visitor."""


class OthersFirstError(ResidentError):
    """A trace was ended on a hosted server, because a lesson or a measurement needed its place."""


class _Turn:
    """On a hosted server held by what has the memory: a question, or a run that needs all of it.

    A trace lets all others go first: it takes its turn when none of them waits, and is interrupted for them.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_held = False
        self._interrupt: Callable[[], None] | None = None  # what interrupts the trace that holds it
        self._waiting = 0  # of those that go first

    def acquire(self, seconds: float | None, interrupt: Callable[[], None] | None = None) -> bool:
        """Wait for it; whether it came in time. Who tells how to ``interrupt`` it is a trace."""
        with self._changed:
            if interrupt is not None:
                free = self._changed.wait_for(lambda: not self._is_held and not self._waiting, seconds)
            else:
                free = self._acquire_first(seconds)
            if free:
                self._is_held, self._interrupt = True, interrupt
            self._changed.notify_all()
            return free

    def release(self) -> None:
        """Let the next one have it."""
        with self._changed:
            self._is_held, self._interrupt = False, None
            self._changed.notify_all()

    def _acquire_first(self, seconds: float | None) -> bool:
        self._waiting += 1
        try:
            if self._changed.wait_for(lambda: not self._is_held, GRACE_S):
                return True
            if self._interrupt is not None:
                self._interrupt()
            return self._changed.wait_for(lambda: not self._is_held, seconds)
        finally:
            self._waiting -= 1


_turn: Final = _Turn()


class Resident:
    """One child and a lock: questions are answered one after the other, on the threads that ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        _residents.add(self)
        atexit.register(self.close)

    @property
    def is_ready(self) -> bool:
        """Whether the next question need not wait for the import of torch."""
        worker = self._worker
        return worker is not None and worker.is_ready and worker.is_alive()

    def ask(self, job: Message) -> Any:
        """The child's answer; ResidentError where there is none, and the next question starts a new child."""
        messages: Queue[Message] = Queue()
        interrupt = partial(messages.put, {"event": "interrupt"}) if job["kind"] == "trace" else None
        with _its_turn(interrupt), self._lock:
            message = self._answer(job, messages)
            if message.get("status") == "out_of_memory":
                self._end()
        if message["event"] == "failure":
            raise ResidentError(message["reason"])
        return message["result"]

    def _answer(self, job: Message, messages: "Queue[Message]") -> Message:
        worker = self._alive()
        worker.send(job, messages.put)
        seconds = ANSWER_S if worker.is_ready else START_S
        while True:
            try:
                message = messages.get(timeout=seconds)
            except Empty:
                self._end()
                raise ResidentError(_late(is_ready=worker.is_ready)) from None
            match message["event"]:
                case "ready":
                    seconds = ANSWER_S
                case "interrupt":
                    self._end()
                    raise OthersFirstError("Lessons and measurements go first on this small server; try again later")
                case "exit":
                    raise ResidentError("The process that computes this page ended; press the button once more")
                case "result" | "failure":
                    return message

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _alive(self) -> Worker:
        if self._worker is not None and not self._worker.is_alive():
            self._end()
        if self._worker is None:
            try:
                self._worker = Worker()
            except (OSError, RuntimeError) as error:
                reason = f"No process could be started ({in_words(error)}); press the button once more"
                raise ResidentError(reason) from error
        return self._worker

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


@contextmanager
def without_residents() -> Iterator[None]:
    """On a hosted server: end all residents, whose memory is needed, and let their next questions wait."""
    if not limits().children_take_turns:
        yield
        return
    _turn.acquire(None)
    try:
        for resident in tuple(_residents):
            resident.close()
        yield
    finally:
        _turn.release()


@contextmanager
def _its_turn(interrupt: Callable[[], None] | None) -> Iterator[None]:
    if not limits().children_take_turns:
        yield
        return
    if not _turn.acquire(TURN_S, interrupt):
        raise ResidentError("This server is small and is measuring; press the button once more")
    try:
        yield
    finally:
        _turn.release()


def _late(*, is_ready: bool) -> str:
    if is_ready:
        return f"No answer within {ANSWER_S:.0f} s; try smaller inputs"
    return f"PyTorch did not start within {START_S:.0f} s, the disk may be slow; press the button once more"
