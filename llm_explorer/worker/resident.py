"""A child that stays and answers short questions in order: lessons now, traces later. Imports no torch.

It keeps no visitor's state: every question carries all its inputs, so any child can answer it, also one that was
started because the one before died.
"""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any, Final
from weakref import WeakSet

from llm_explorer.worker.client import Message, Worker
from llm_explorer.worker.limits import is_hosted

ANSWER_S: Final = 20.0  # the first answer waits for the import of torch
TURN_S: Final = 30.0  # on a hosted server a question waits for a run that needs all memory

_turn = threading.Lock()  # on a hosted server: held by what has the memory, a question or such a run
_residents: "WeakSet[Resident]" = WeakSet()


class ResidentError(RuntimeError):
    """The question could not be answered; the message is a sentence for the visitor."""


class Resident:
    """One child and a lock: questions are answered one after the other, on the threads that ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        _residents.add(self)
        atexit.register(self.close)

    def ask(self, job: Message) -> Any:
        """The child's answer; ResidentError where there is none, and the next question starts a new child."""
        answers: Queue[Message] = Queue()
        with _its_turn(), self._lock:
            worker = self._alive()
            worker.send(job, answers.put)
            try:
                answer = answers.get(timeout=ANSWER_S)
            except Empty:
                self._end()
                raise ResidentError(f"No answer within {ANSWER_S:.0f} s; try smaller inputs") from None
        if answer["event"] == "exit":
            raise ResidentError("The process that computes this page ended; press the button once more")
        result = answer["result"]
        if "error" in result:
            raise ResidentError(result["error"])
        return result["value"]

    def warm(self) -> None:
        """Start the child, so that the first question need not wait for torch."""
        with self._lock:
            self._alive()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _alive(self) -> Worker:
        if self._worker is not None and not self._worker.is_alive():
            self._end()
        if self._worker is None:
            self._worker = Worker()
        return self._worker

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


@contextmanager
def without_residents() -> Iterator[None]:
    """On a hosted server: end all residents, whose memory is needed, and let their next questions wait."""
    if not is_hosted():
        yield
        return
    with _turn:
        for resident in tuple(_residents):
            resident.close()
        yield


@contextmanager
def _its_turn() -> Iterator[None]:
    if not is_hosted():
        yield
        return
    if not _turn.acquire(timeout=TURN_S):
        raise ResidentError("This server is small and is measuring; press the button once more")
    try:
        yield
    finally:
        _turn.release()
