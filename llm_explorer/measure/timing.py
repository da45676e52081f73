"""Time training steps: warm up, then go on until the median is known or the budget is spent."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from llm_explorer.measure.statistics import is_settled

WARM_UPS: Final = 3  # call 1 takes 1.27, call 2 1.04 times the rest; 6 layers of width 256, CPU, measured 2026-11
SLOW_STEP_S: Final = 1.0  # a step this slow is warm after one
MIN_SAMPLES: Final = 3

Clock = Callable[[], float]
Report = Callable[[str, float | None, str], None]  # phase, share done or None, text


class StepTime(NamedTuple):
    """Seconds of one whole step, all its micro-batches together."""

    forward: float
    backward: float
    optimizer: float

    @property
    def step(self) -> float:
        """The whole step."""
        return self.forward + self.backward + self.optimizer


class PhaseClock:
    """Adds up the seconds spent in each phase; ``enter`` is what a TrainingStep calls at the start of each.

    The device is waited for at each change, so that work of one phase is never counted in the next.
    """

    def __init__(self, synchronize: Callable[[], None], clock: Clock = time.perf_counter) -> None:
        self._synchronize, self._clock = synchronize, clock
        self._seconds = dict.fromkeys(StepTime._fields, 0.0)
        self._phase: str | None = None
        self._since = 0.0

    def enter(self, phase: str) -> None:
        """End the phase before and begin this one: 'forward', 'backward' or 'optimizer'."""
        self._end_phase()
        self._phase, self._since = phase, self._clock()

    def finish(self) -> StepTime:
        """End the step, give its times and begin anew."""
        self._end_phase()
        times = StepTime(**self._seconds)
        self._seconds = dict.fromkeys(StepTime._fields, 0.0)
        self._phase = None
        return times

    def _end_phase(self) -> None:
        self._synchronize()
        if self._phase is not None:
            self._seconds[self._phase] += self._clock() - self._since


def repeat(
    once: Callable[[], StepTime], *, budget_s: float, report: Report, clock: Clock = time.perf_counter
) -> list[StepTime]:
    """Warm up, then sample steps until the median of the whole step is known within 2% or the budget is spent.

    The budget, in seconds, counts from the end of the warm-up. At least 3 samples are taken.
    """
    report("warm-up", None, "Warming up")
    if once().step <= SLOW_STEP_S:
        for _ in range(WARM_UPS - 1):
            once()
    samples: list[StepTime] = []
    start, next_look = clock(), 0
    while len(samples) < MIN_SAMPLES or clock() - start < budget_s:
        samples.append(once())
        report("timing", min(1.0, (clock() - start) / budget_s), f"Timed {len(samples)} steps")
        if len(samples) >= next_look:
            if is_settled([sample.step for sample in samples]):
                break
            next_look = len(samples) * 11 // 10 + 1  # looking costs more the more there are: look each 10% more
    return samples


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Collect now, and not again before the end."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
