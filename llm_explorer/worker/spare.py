"""The warm spare: a child that has imported torch and waits, so that a button answers at once."""

import sys
import threading

from llm_explorer.accounting.process import Allocator
from llm_explorer.budget import limits
from llm_explorer.worker.client import Worker


class Spare:
    """At most one waiting child; a shared public server has none, its memory is too small."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._closed = False

    def warm(self) -> Worker | None:
        """See that a child waits, and return it: it may be asked something before it is taken."""
        with self._lock:
            if limits().children_take_turns or self._closed:
                return None
            if self._worker is None or not self._worker.is_alive():
                self._end()
                self._worker = Worker("fast" if sys.platform == "linux" else "default")
            return self._worker

    def take(self, allocator: Allocator) -> Worker:
        """The waiting child where it has these allocator settings, else a new one; the caller ends it."""
        with self._lock:
            worker = self._worker
            if worker is not None and worker.is_alive() and worker.allocator == allocator:
                self._worker = None
                return worker
            self._end()  # where the fast settings do not fit, its memory is needed too
            return Worker(allocator)

    def close(self) -> None:
        """End the child for good."""
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None
