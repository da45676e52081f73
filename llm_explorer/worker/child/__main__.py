"""Hear jobs, hand each to the function of its kind, and tell what came of it."""

import importlib
import json
import logging
import os
import sys
import threading
import time
from functools import partial
from queue import SimpleQueue
from typing import Final, NamedTuple, TextIO

from llm_explorer.config.problems import in_words
from llm_explorer.worker.child.job import JobError, Message, Tell

PROGRESS_EVERY_S: Final = 0.1

logger = logging.getLogger(__package__)


class Kind(NamedTuple):
    """The file here with the function of its name, which needs torch; and the sentence where that fails."""

    module: str
    failure: str


_KINDS: Final = {
    "devices": Kind("measurement", "{error}: {words}"),
    "measure": Kind("measurement", "{error}: {words}"),
    "calibrate": Kind("measurement", "It ended early ({error})"),
    "refine": Kind("measurement", "It ended early ({error})"),
    "pretrain": Kind("training", "The training ended early ({error})"),
    "lesson": Kind("question", "This could not be computed ({error})"),
    "trace": Kind("question", "This could not be traced ({error})"),
}


class Protocol:
    """The JSON lines to the server, on a copy of the real standard output that only this object has."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last_progress = (0.0, "")

    def send(self, message: Message) -> None:
        """Write one line."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def tell(self, job: int, event: Message) -> None:
        """Write an event of a job; of progress each new phase, else not more often than the eye needs."""
        if event["event"] == "progress":
            then, last_phase = self._last_progress
            now = time.monotonic()
            if event["phase"] == last_phase and now - then < PROGRESS_EVERY_S:
                return
            self._last_progress = (now, event["phase"])
        self.send({"id": job} | event)


def main() -> None:
    """Serve jobs until standard input ends."""
    protocol = Protocol(_claim_stdout())
    jobs: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    reason = _load_torch(protocol)
    while True:
        job = jobs.get()
        tell = partial(protocol.tell, job["id"])
        tell(_answer(job, tell, reason))


def _claim_stdout() -> TextIO:
    """A copy of standard output; the name itself now means standard error, so that no library's print gets through."""
    copy = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return copy


def _read_jobs(jobs: "SimpleQueue[Message]") -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)  # no clean-up: the main thread may be deep inside a matrix product


def _load_torch(protocol: Protocol) -> str | None:
    """Import what measuring needs before the first job; the reason in words when that fails."""
    try:
        import torch

        importlib.import_module("llm_explorer.measure.measurement")  # with the profiler and all, not in a job's time
    except ImportError as error:
        logger.exception("torch cannot be imported")
        protocol.send({"event": "ready", "torch": None})
        if error.name == "torch":
            return "PyTorch is not installed: pip install torch==2.13.0"
        return f"PyTorch cannot be loaded: {in_words(error)}"
    torch.set_num_interop_threads(1)
    protocol.send({"event": "ready", "torch": torch.__version__})
    return None


def _answer(job: Message, tell: Tell, reason: str | None) -> Message:
    """The last event of a job: its result, or why there is none."""
    kind = _KINDS[job["kind"]]
    try:
        if reason is not None:
            raise JobError(reason)
        module = importlib.import_module(f"llm_explorer.worker.child.{kind.module}")
        return {"event": "result", "result": getattr(module, job["kind"])(job, tell)}
    except JobError as error:
        return {"event": "failure", "status": error.status, "reason": str(error)}
    except Exception as error:
        logger.exception("a job failed: %s", job["kind"])
        told = kind.failure.format(error=type(error).__name__, words=in_words(error))
        return {"event": "failure", "status": "failed", "reason": told}


if __name__ == "__main__":
    main()
