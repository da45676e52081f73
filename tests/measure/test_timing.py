import gc
from collections.abc import Callable
from itertools import chain
from itertools import repeat as forever

import pytest

from llm_explorer.measure.timing import PhaseClock, StepTime, garbage_collection_paused, repeat


class FakeTime:
    """A clock that only moves when a step is run."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self.reports: list[tuple[str, float | None]] = []

    def __call__(self) -> float:
        return self.now

    def step_of(self, *seconds: float) -> Callable[[], StepTime]:
        durations = chain(seconds, forever(seconds[-1]))

        def once() -> StepTime:
            took = next(durations)
            self.now += took
            self.steps += 1
            return StepTime(forward=took, backward=0.0, optimizer=0.0)

        return once

    def report(self, phase: str, fraction: float | None, text: str) -> None:
        self.reports.append((phase, fraction))


def run(time: FakeTime, *seconds: float, budget_s: float = 10.0) -> list[StepTime]:
    return repeat(time.step_of(*seconds), budget_s=budget_s, report=time.report, clock=time)


def test_three_warm_ups_are_left_out_and_steady_steps_end_at_the_first_interval() -> None:
    time = FakeTime()
    samples = run(time, 0.9, 0.5, 0.4, 0.3)
    assert {sample.step for sample in samples} == {0.3}
    assert len(samples) == 6  # the first n with a 95% interval
    assert time.steps == 3 + 6


def test_a_step_over_one_second_is_warm_after_one() -> None:
    time = FakeTime()
    samples = run(time, 1.5, 1.2)
    assert time.steps == 1 + len(samples)


def test_a_step_of_exactly_one_second_gets_three_warm_ups() -> None:
    time = FakeTime()
    samples = run(time, 1.0)
    assert time.steps == 3 + len(samples)


def test_unsteady_steps_go_on_until_the_budget_is_spent_counted_after_the_warm_up() -> None:
    time = FakeTime()
    samples = run(time, 0.5, 0.5, 0.5, *([0.25, 0.75] * 40), budget_s=10.0)
    assert sum(sample.step for sample in samples) == pytest.approx(10.0)
    assert len(samples) == 20


def test_at_least_three_samples_are_taken_however_slow() -> None:
    assert len(run(FakeTime(), 100.0, budget_s=3.0)) == 3


def test_progress_tells_the_share_of_the_budget_and_never_more_than_one() -> None:
    time = FakeTime()
    run(time, 2.0, budget_s=4.0)
    assert time.reports == [("warm-up", None), ("timing", 0.5), ("timing", 1.0), ("timing", 1.0)]


def test_many_unsteady_samples_are_looked_at_less_and_less_often_but_do_end() -> None:
    wobble = [0.010, 0.011] * 30 + [0.010] * 2000
    samples = run(FakeTime(), 0.01, 0.01, 0.01, *wobble, budget_s=100.0)
    assert 60 < len(samples) < 200


def test_each_phase_gets_its_own_seconds_summed_over_micro_batches() -> None:
    now, waited = [0.0], [0]

    def synchronize() -> None:
        waited[0] += 1

    clock = PhaseClock(synchronize, lambda: now[0])
    for phase, seconds in (("forward", 1), ("backward", 2), ("forward", 4), ("backward", 8), ("optimizer", 16)):
        clock.enter(phase)
        now[0] += seconds
    times = clock.finish()
    assert times == StepTime(forward=5, backward=10, optimizer=16)
    assert times.step == 31
    assert waited == [6]  # at each change and at the end


def test_a_phase_clock_begins_anew_after_a_step_and_what_lies_between_steps_is_not_counted() -> None:
    now = [0.0]
    clock = PhaseClock(lambda: None, lambda: now[0])
    clock.enter("forward")
    clock.finish()
    now[0] += 100
    clock.enter("forward")
    now[0] += 1
    assert clock.finish() == StepTime(forward=1, backward=0, optimizer=0)


def test_work_still_on_the_device_is_counted_in_the_phase_that_started_it() -> None:
    now, pending = [0.0], [0.0]

    def synchronize() -> None:
        now[0], pending[0] = now[0] + pending[0], 0.0

    clock = PhaseClock(synchronize, lambda: now[0])
    clock.enter("forward")
    pending[0] = 7.0
    clock.enter("backward")
    assert clock.finish() == StepTime(forward=7, backward=0, optimizer=0)


def test_garbage_collection_is_off_while_timing_and_on_again_after_an_error() -> None:
    with pytest.raises(KeyError, match="False"), garbage_collection_paused():
        raise KeyError(gc.isenabled())
    assert gc.isenabled()
