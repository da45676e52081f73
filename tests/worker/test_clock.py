"""Somebody sets the clock of the machine while a job waits or runs: nothing hangs, is lost or tells a wrong time."""

import ast
import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

import llm_explorer
from llm_explorer.config import replace
from llm_explorer.measure.result import Measured
from llm_explorer.worker.queue import MeasuringQueue
from llm_explorer.worker.task import make_room
from tests.budgets import allow
from tests.there import there
from tests.worker.children import SLOW, SLOW_RUN, TINY
from tests.worker.jobs import computing, result_of, running
from tests.worker.test_queue import RUN

DAY_S = 86_400.0
FAR_S = 10 * 365 * DAY_S
PACKAGE = Path(llm_explorer.__file__).parent


class Clock:
    """The wall clock, set back or forward by ``offset`` seconds; ``time.monotonic`` goes on as it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = 0.0
        real, real_ns = time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: real() + self.offset)
        monkeypatch.setattr(time, "time_ns", lambda: real_ns() + int(1e9 * self.offset))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize("jump", [-DAY_S, FAR_S])
def test_a_run_and_those_behind_it_come_to_their_end(queue: MeasuringQueue, clock: Clock, jump: float) -> None:
    first = queue.submit(SLOW, SLOW_RUN, "ann")
    computing(first)
    second, third = queue.submit(TINY, RUN, "bob"), queue.submit(TINY, replace(RUN, seed=3), "cid")
    clock.offset = jump
    assert [job.snapshot().state for job in (first, second, third)] == ["running", "queued", "queued"]
    first.leave("ann")
    assert result_of(first, 0.5).status == "cancelled"
    result = result_of(second)
    clock.offset = -jump
    assert (result.status, result_of(third).status) == ("ok", "ok")
    assert isinstance(result, Measured)
    assert there(result.step_s).median > 0
    ends = [job.snapshot().finished_at or 0.0 for job in (first, second, third)]
    assert ends == sorted(ends)
    assert 0 <= time.monotonic() - ends[-1] < 60


def test_a_job_that_waits_for_another_program_sees_the_lock_let_go(
    queue: MeasuringQueue, clock: Clock, own_lock: Path
) -> None:
    own_lock.parent.mkdir(parents=True)
    with FileLock(own_lock):
        job = queue.submit(TINY, RUN, "ann")
        running(job)
        clock.offset = -DAY_S
        time.sleep(0.3)
        assert job.snapshot().state == "running"
    assert result_of(job).status == "ok"


def test_with_the_clock_set_back_a_new_training_run_keeps_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, training_folders=2)
    for name in ("older", "newer", "own"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "older", (2e9, 2e9))
    os.utime(tmp_path / "newer", (2.1e9, 2.1e9))
    os.utime(tmp_path / "own", (1e9, 1e9))  # made after the clock was set back
    make_room(tmp_path / "own")
    assert {folder.name for folder in tmp_path.iterdir()} == {"newer", "own"}


def test_no_time_is_taken_from_the_wall_clock() -> None:
    """It is read for dates that are shown, and for a seed."""
    read = [
        f"{path.relative_to(PACKAGE)}: {ast.unparse(node)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.time", "time.time_ns", "datetime.now")
    ]
    assert read == [
        "measure/result.py: datetime.now(UTC)",
        "speed/calibrate.py: datetime.now(UTC)",
        "ui/lessons/tensors/containers.py: time.time_ns()",
    ]
