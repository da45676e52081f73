"""A child process seen from the server: start it, send it jobs, hear from it, end it. Imports no torch."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import llm_explorer
from llm_explorer.measure.result import Status
from llm_explorer.worker.limits import FAST_SETTINGS, Allocator

TERM_WAIT_S: Final = 0.2  # a cancelled job is gone within 0.5 s
PACKAGE_FOLDER: Final = Path(llm_explorer.__file__).parent.parent

Message = dict[str, Any]
Listener = Callable[[Message], None]


class Worker:
    """One child, alive from construction until ``kill`` or its own death."""

    def __init__(self, allocator: Allocator = "default") -> None:
        self.allocator = allocator
        self._numbers = itertools.count(1)
        self._listeners: dict[int, Listener] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "llm_explorer.worker.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(allocator),
            text=True,
            encoding="utf-8",
            start_new_session=True,  # its own group: the terminal's Ctrl-C is not for it, and kill reaches all of it
        )
        threading.Thread(target=self._hear, daemon=True).start()

    @property
    def pid(self) -> int:
        """The child's process id, also its group's."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def send(self, job: Message, listener: Listener) -> None:
        """Give the child a job; what it says about it goes to ``listener``, on a thread of this object.

        A child that ends, or has ended, says ``{"event": "exit", "code": returncode}``, once or twice.
        """
        number = next(self._numbers)
        self._listeners[number] = listener
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"id": number} | job) + "\n")
            self._process.stdin.flush()
        if not self.is_alive():  # perhaps the thread that hears had told all listeners before this one came
            listener({"event": "exit", "code": self._process.returncode})

    def kill(self) -> None:
        """End the child and all it started, and wait until it is gone: well within 0.5 s."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(TERM_WAIT_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                message = json.loads(line)
                if "id" in message:
                    self._listeners[message["id"]](message)
        code = self._process.wait()
        for listener in tuple(self._listeners.values()):
            listener({"event": "exit", "code": code})

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):  # it ended in between
                os.killpg(self.pid, number)


def death_in_words(code: int) -> tuple[Status, str]:
    """Status and reason for a child that died before it answered: -9 -> 'out_of_memory', '... SIGKILL ...'."""
    if code == -signal.SIGKILL:
        return "out_of_memory", "The measuring process was killed (SIGKILL), as the system does when memory runs out"
    if code < 0:
        return "failed", f"The measuring process crashed ({signal.Signals(-code).name})"
    return "failed", f"The measuring process ended by itself (exit code {code})"


def _environment(allocator: Allocator) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(PACKAGE_FOLDER), os.environ.get("PYTHONPATH"))))
    usual = {name: value for name, value in os.environ.items() if name not in FAST_SETTINGS}
    # the profiler writes its stages to standard error below this level
    ours = {"PYTHONPATH": path, "KINETO_LOG_LEVEL": "99"}
    return usual | ours | (FAST_SETTINGS if allocator == "fast" else {})
