"""Traces that visitors ask for: made one after the other by a resident, kept by config. Imports no torch."""

import logging
import threading
import time
from contextlib import suppress
from math import inf
from typing import Final, NamedTuple

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.config.problems import in_words
from llm_explorer.tracing.result import Trace, as_traced
from llm_explorer.worker.client import Message
from llm_explorer.worker.resident import OthersFirstError, Resident, ResidentError

OTHERS_FIRST_S: Final = 5.0  # so long an answer that had to make room stands: then there may be room
KEPT: Final = 32  # of about 200 KB each
TRIES: Final = 3  # of a trace that had to make room each time: each has cost whoever came in between a child's start

_Key = tuple[ModelConfig, RunConfig]


class Answer(NamedTuple):
    """What came of a trace, or the sentence that says why there is none."""

    found: Trace | None
    error: str | None
    stands_until: float = inf  # by time.monotonic


class Traces:
    """One object a server; ``find`` and ``want`` never wait, so a page may call them on every rerun.

    A visitor waits for one trace at a time: a new wish takes the place of the one before, which is then not made.
    """

    def __init__(self, resident: Resident) -> None:
        self._resident = resident
        self._lock = threading.Lock()
        self._wishes: dict[str, _Key] = {}
        self._answers: dict[_Key, Answer] = {}
        self._is_serving = False
        self.has_started = False  # torch is imported: from then on an answer takes less than a second

    def find(self, model: ModelConfig, run: RunConfig) -> Answer | None:
        """What is known of this config; None while nothing is."""
        with self._lock:
            key = (model, as_traced(run))
            answer = self._answers.get(key)
            if answer is not None and answer.stands_until < time.monotonic():
                del self._answers[key]
                return None
            return answer

    def want(self, model: ModelConfig, run: RunConfig, visitor: str) -> None:
        """Have it traced, unless it is known."""
        with self._lock:
            key = (model, as_traced(run))
            if key in self._answers:
                return
            self._wishes[visitor] = key
            if not self._is_serving:
                self._is_serving = True
                threading.Thread(target=self._serve, daemon=True).start()

    def forget(self, model: ModelConfig, run: RunConfig) -> None:
        """Have it traced anew when it is next wanted: what went wrong may go right."""
        with self._lock:
            self._answers.pop((model, as_traced(run)), None)

    def _serve(self) -> None:
        while (key := self._next()) is not None:
            answer = self._ask(*key)
            with self._lock:
                self._answers[key] = answer
                while len(self._answers) > KEPT:
                    del self._answers[next(iter(self._answers))]
                self._wishes = {visitor: wish for visitor, wish in self._wishes.items() if wish != key}

    def _next(self) -> _Key | None:
        with self._lock:
            self._is_serving = bool(self._wishes)
            return next(iter(self._wishes.values()), None)

    def _ask(self, model: ModelConfig, run: RunConfig) -> Answer:
        try:
            found = self._insist({"kind": "trace", "model": model.model_dump(), "run": run.model_dump()})
        except OthersFirstError as error:
            return Answer(None, str(error), time.monotonic() + OTHERS_FIRST_S)
        except ResidentError as error:
            return Answer(None, str(error))
        except Exception as error:
            logging.exception("a trace could not be asked for")
            return Answer(None, f"The trace could not be made: {in_words(error)}")
        self.has_started = True
        return Answer(found, None)

    def _insist(self, job: Message) -> Trace:
        """The trace, asked for again where others went first; OthersFirstError where they did each time."""
        for _ in range(TRIES - 1):
            with suppress(OthersFirstError):
                return Trace.model_validate(self._resident.ask(job))
        return Trace.model_validate(self._resident.ask(job))
