"""Runs of pages take turns: one at a time, in the order they came, and a slider that is dragged after all others.

Python lets one thread work at a time and shares that out evenly among all who want to: side by side, all runs end late.
And 30 sliders that are dragged keep a server busy all the time, as each tells its next value when the last is answered:
one visitor's move has to share with all of them. In turn, it is the rate of the drags that falls.

Measured 2026-11 on two cores (profiles of 15 s of benchmarks/load.py, before and after interleaved), p95: 60 visitors'
moves 413, 414 and 994 ms before, 164, 173 and 304 in turn; a move beside 30 who drag 439, 490 and 523 ms, then
222, 230 and 246.
"""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import streamlit as st

LONGEST_WAIT_S: Final = 2.0  # then a run goes on beside the others: none can hold up all
LOOK_S: Final = 0.05

_Place: TypeAlias = tuple[bool, int, int, threading.Event]  # after all others?, number, thread, tells it of its turn


class Turns:
    """A line of threads, each with one run of a page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: list[_Place] = []
        self._numbers = itertools.count()
        self._called: int | None = None  # the thread whose turn it is
        self._here = threading.local()

    @contextmanager
    def turn(self, *, last: bool = False) -> Iterator[None]:
        """Wait for a turn and have it, at the longest until the end of the block; inside of another one, go on."""
        if getattr(self._here, "inside", False):
            yield
            return
        self._here.inside = True
        try:
            self._wait(last=last)
            yield
        finally:
            self._here.inside = False
            self.pass_on()

    def pass_on(self) -> None:
        """The rest of this run needs no turn: it is over, or waits for another process."""
        with self._lock:
            if self._called == threading.get_ident():
                self._call_next()

    def _wait(self, *, last: bool) -> None:
        place: _Place = (last, next(self._numbers), threading.get_ident(), threading.Event())
        with self._lock:
            self._line.append(place)
            if self._called is None:
                self._call_next()
        try:
            for _ in range(round(LONGEST_WAIT_S / LOOK_S)):
                if place[-1].wait(LOOK_S):
                    return
                _ = "turn" in st.session_state  # Streamlit ends a run here that its visitor no longer waits for
        finally:
            with self._lock:
                if place in self._line:
                    self._line.remove(place)

    def _call_next(self) -> None:
        self._called = None
        if self._line:
            first = min(self._line)
            self._line.remove(first)
            _last, _number, self._called, told = first
            told.set()


TURNS: Final = Turns()
