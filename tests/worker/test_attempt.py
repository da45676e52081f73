import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from llm_explorer import budget
from llm_explorer.accounting.process import Allocator
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.result import Measured, Result
from llm_explorer.worker import attempt, task
from llm_explorer.worker.attempt import Attempt, Progress, run_measurement
from llm_explorer.worker.client import Worker
from llm_explorer.worker.task import Measurement
from tests.budgets import allow
from tests.there import there
from tests.waiting import until
from tests.worker.children import SLOW, SLOW_RUN, TINY

RUN = RunConfig(batch_size=1)


class Watched:
    """An attempt on its own thread, its progress and its worker within reach."""

    def __init__(self, model: ModelConfig, run: RunConfig) -> None:
        self.progress: list[Progress] = []
        self.workers: list[Worker] = []
        self.result: Result | None = None
        self.attempt = Attempt(Measurement(model, run), self.progress.append)
        self.thread = threading.Thread(target=self._execute)
        self.thread.start()

    def wait_for(self, phase: str) -> None:
        until(lambda: any(progress.phase == phase for progress in self.progress))

    def ended(self, seconds: float) -> Result:
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        assert not any(worker.is_alive() for worker in self.workers)
        return there(self.result)

    def _execute(self) -> None:
        self.result = self.attempt.execute(self._take)

    def _take(self, allocator: Allocator) -> Worker:
        self.workers.append(Worker(allocator))
        return self.workers[-1]


def no_worker(allocator: Allocator) -> Worker:
    raise AssertionError("no process may be started")


def test_a_measurement_runs_from_start_to_result(quick: None) -> None:
    heard: list[Progress] = []
    result = run_measurement(TINY, RUN, heard.append)
    assert (result.status, result.reason) == ("ok", None)
    assert result.environment.allocator == ("fast" if sys.platform == "linux" else "default")
    assert heard[0] == Progress("starting", None, "Starting a process")
    assert {progress.phase for progress in heard} >= {"building", "warm-up", "timing", "memory"}


def test_where_the_fast_allocator_does_not_fit_the_result_says_default(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "choose_allocator", lambda model, run, limit: "default")
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "0")
    assert run_measurement(TINY, RUN).environment.allocator == "default"


def test_a_giant_is_refused_before_any_process_is_started() -> None:
    giant = ModelConfig(emb_dim=1_048_576, n_heads=1024, n_layers=80)  # 10^15 parameters
    result = Attempt(Measurement(giant, RUN), lambda progress: None).execute(no_worker)
    assert result.status == "refused"
    assert "PiB of process memory" in there(result.reason)
    assert isinstance(result, Measured)
    assert result.predicted.peak_bytes > 10**16


def test_cancel_ends_it_and_its_process_within_half_a_second() -> None:
    watched = Watched(SLOW, SLOW_RUN)
    watched.wait_for("warm-up")
    watched.attempt.cancel()
    assert watched.ended(0.5).status == "cancelled"


def test_the_time_out_ends_it_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, timeout_s=1.0)
    result = Watched(SLOW, SLOW_RUN).ended(3)
    assert result.status == "timeout"
    assert result.reason == "Ended after 1 s, the most a measurement may take"


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (signal.SIGKILL, "out_of_memory", "SIGKILL"),
        (signal.SIGABRT, "out_of_memory", "SIGABRT"),
        (signal.SIGSEGV, "failed", "SIGSEGV"),
    ],
)
def test_a_child_that_dies_midway_is_a_sentence(number: signal.Signals, status: str, words: str) -> None:
    watched = Watched(SLOW, SLOW_RUN)
    watched.wait_for("building")
    psutil.Process(watched.workers[0].pid).send_signal(number)
    result = watched.ended(2)
    assert result.status == status
    assert words in there(result.reason)
    assert isinstance(result, Measured)


def test_a_wrong_prediction_ends_in_a_sentence_and_the_next_measurement_works(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setattr(task, "refusal", lambda model, run, limit: None)
        wrong.setattr(budget, "free_bytes", lambda: 100 * 1024**2)
        result = run_measurement(SLOW, SLOW_RUN)
    if sys.platform == "linux":
        assert result.status == "out_of_memory"
        assert str(result.reason).endswith("the limit of its process was 100.0 MiB")
    else:
        assert result.status == "ok", "only Linux enforces RLIMIT_DATA"
    assert run_measurement(TINY, RUN).status == "ok"


def test_another_program_that_measures_is_waited_for_in_words(quick: None, own_lock: Path) -> None:
    own_lock.parent.mkdir()
    with FileLock(own_lock):
        watched = Watched(TINY, RUN)
        watched.wait_for("waiting")
        assert not watched.workers
    assert watched.ended(30).status == "ok"


def test_who_waits_for_another_program_can_cancel(own_lock: Path) -> None:
    own_lock.parent.mkdir()
    with FileLock(own_lock):
        watched = Watched(TINY, RUN)
        watched.wait_for("waiting")
        watched.attempt.cancel()
        assert watched.ended(0.5).status == "cancelled"


def test_the_lock_is_free_again_after_a_measurement_of_any_end(own_lock: Path) -> None:
    run_measurement(TINY, replace(RUN, device="cuda:99"))
    with FileLock(own_lock, blocking=False):
        pass


def test_a_cache_folder_that_cannot_be_written_does_not_keep_from_measuring(
    quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path / "file" / name))
    assert run_measurement(TINY, replace(RUN, device="meta")).status == "ok"
    assert "cannot be written" in caplog.text


def test_a_process_that_cannot_be_started_is_a_sentence() -> None:
    def no_memory(allocator: Allocator) -> Worker:
        raise OSError(12, "Cannot allocate memory", "/home/ann/bin/python")

    result = Attempt(Measurement(TINY, RUN), lambda progress: None).execute(no_memory)
    assert result.status == "failed"
    assert result.reason == "The measurement could not be made: Cannot allocate memory"


def test_ctrl_c_gives_cancelled_and_leaves_no_process() -> None:
    before = set(psutil.Process().children())

    def interrupt(progress: Progress) -> None:
        if progress.phase == "warm-up":
            raise KeyboardInterrupt

    stopped: Callable[[Progress], None] = interrupt
    assert run_measurement(SLOW, SLOW_RUN, stopped).status == "cancelled"
    assert set(psutil.Process().children()) == before


class Talker(Worker):
    """A child that tells what is no result."""

    def __init__(self) -> None:
        self.allocator = "default"

    def send(self, job: object, listener: Callable[[dict[str, Any]], None]) -> None:
        listener({"event": "result", "id": 1, "result": {"status": "ok", "parameters": "many"}})

    def kill(self) -> None:
        pass


def test_a_result_that_is_none_is_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    result = Attempt(Measurement(TINY, RUN), lambda progress: None).execute(lambda allocator: Talker())
    assert result.status == "failed"
    assert result.reason == "The measuring process said what is no message, and was ended"
    assert "parameters" in caplog.text
