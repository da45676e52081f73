"""A child process seen from the server: start it, send it jobs, hear from it, end it. Imports no torch."""

import contextlib
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Final

import llm_explorer
from llm_explorer.accounting.process import Allocator
from llm_explorer.measure.result import Status

TERM_WAIT_S: Final = 0.2  # a cancelled job is gone within 0.5 s
LAST_WORDS_S: Final = 1.0  # between the end of what a child says and its own end
PACKAGE_FOLDER: Final = Path(llm_explorer.__file__).parent.parent
# The fast settings of malloc: large blocks come from a heap that is never given back, instead of fresh pages for each
# tensor. 1.4 to 1.7 times faster steps, because a fresh page costs a fault when it is first touched. glibc only.
FAST_SETTINGS: Final = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "2147483647"}
# What each message must have, see child/__init__.py.
_PARTS: Final = {
    "ready": {"torch"},
    "progress": {"id", "phase", "fraction", "text"},
    "snapshot": {"id", "snapshot"},
    "result": {"id", "result"},
    "failure": {"id", "status", "reason"},
}

Message = dict[str, Any]
Listener = Callable[[Message], None]


class Worker:
    """One child, alive from construction until ``kill`` or its own death; any thread may send and kill."""

    def __init__(self, allocator: Allocator = "default") -> None:
        self.allocator = allocator
        self.is_ready = False  # torch is imported
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._listeners: dict[int, Listener] = {}  # of the jobs that are not answered yet
        self._exit: Message | None = None
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "llm_explorer.worker.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(allocator),
            text=True,
            encoding="utf-8",
            errors="replace",  # what is no text is no JSON either
            start_new_session=True,  # its own group: the terminal's Ctrl-C is not for it, and kill reaches all of it
        )
        try:
            for work in (self._hear, self._write):
                threading.Thread(target=work, daemon=True).start()
        except RuntimeError:  # the system has no thread left
            with self._process:
                self.kill()
            raise

    @property
    def pid(self) -> int:
        """The child's process id, also its group's."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def send(self, job: Message, listener: Listener) -> None:
        """Give the child a job, without waiting; what it says about it goes to ``listener``, on another thread.

        ``{"event": "ready"}`` once torch is imported, if it was not before. The last is the result or a failure, or,
        once, of a child that ends or has ended ``{"event": "exit", "code": returncode}``, None where it said what is no
        message.
        """
        with self._lock:
            if self._exit is None:
                number = next(self._numbers)
                self._listeners[number] = listener
                self._lines.put(json.dumps({"id": number} | job) + "\n")
                return
        _tell(listener, self._exit)

    def kill(self) -> None:
        """End the child and all it started, and wait until it is gone: well within 0.5 s."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(TERM_WAIT_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _write(self) -> None:
        """Write jobs on a thread of its own: a child that is stopped reads none, and a long one fills the pipe."""
        with contextlib.suppress(OSError, ValueError), _stream(self._process.stdin) as jobs:
            while (line := self._lines.get()) is not None:
                jobs.write(line)
                jobs.flush()

    def _hear(self) -> None:
        with contextlib.suppress(OSError), _stream(self._process.stdout) as lines:
            for line in lines:
                message = _message(line)
                if message is None:
                    break
                self._deliver(message)
        try:
            code: int | None = self._process.wait(LAST_WORDS_S)
        except subprocess.TimeoutExpired:  # it lives and cannot be understood
            self._signal(signal.SIGKILL)
            self._process.wait()
            code = None
        self._lines.put(None)
        self._deliver({"event": "exit", "code": code})

    def _deliver(self, message: Message) -> None:
        """Tell whom a message concerns: of a job its listener, of the child those of all its jobs."""
        event, number = message["event"], message.get("id")
        with self._lock:
            concerned = dict(self._listeners)
            if number is not None:
                concerned = {each: listener for each, listener in concerned.items() if each == number}
            if event in ("result", "failure", "exit"):
                for each in concerned:
                    del self._listeners[each]
            self.is_ready = self.is_ready or event == "ready"
            if event == "exit":
                self._exit = message
        for listener in concerned.values():
            _tell(listener, message)

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):  # it ended in between
                os.killpg(self.pid, number)


def death_in_words(code: int | None) -> tuple[Status, str]:
    """Status and reason for a child that died before it answered: -9 -> 'out_of_memory', '... SIGKILL ...'."""
    if code is None:
        return "failed", "The measuring process said what is no message, and was ended"
    if code == -signal.SIGKILL:
        return "out_of_memory", "The measuring process was killed (SIGKILL), as the system does when memory runs out"
    if code == -signal.SIGABRT:
        return "out_of_memory", "The measuring process was aborted (SIGABRT), as C++ does when it finds no memory"
    if code < 0:
        return "failed", f"The measuring process crashed ({signal.Signals(-code).name})"
    return "failed", f"The measuring process ended by itself (exit code {code})"


def _stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None  # both were asked for
    return pipe


def _message(line: str) -> Message | None:
    """The message of a line; None where it is none, as when a child dies in the midst of one."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    event = message.get("event") if isinstance(message, dict) else None
    known = isinstance(event, str) and event in _PARTS and message.keys() >= _PARTS[event]
    return message if known and isinstance(message.get("id", 0), int) else None


def _tell(listener: Listener, message: Message) -> None:
    try:
        listener(message)
    except Exception:  # a fault of one listener must not keep from hearing
        logging.exception("what a child said could not be taken in")


def _environment(allocator: Allocator) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(PACKAGE_FOLDER), os.environ.get("PYTHONPATH"))))
    usual = {name: value for name, value in os.environ.items() if name not in FAST_SETTINGS}
    # the profiler writes its stages to standard error below this level
    ours = {"PYTHONPATH": path, "KINETO_LOG_LEVEL": "99"}
    return usual | ours | (FAST_SETTINGS if allocator == "fast" else {})
