import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

import llm_explorer
from llm_explorer.config import RunConfig, replace
from llm_explorer.measure.result import Measured, Result, make_result
from llm_explorer.pretraining.plan import Plan
from llm_explorer.worker import queue as queue_module
from llm_explorer.worker.attempt import Attempt
from llm_explorer.worker.queue import Job, MeasuringQueue
from llm_explorer.worker.task import Calibration, Measurement, Refinement, Task, Training
from tests.budgets import allow
from tests.there import there
from tests.waiting import until
from tests.worker.children import SLOW, SLOW_RUN, TINY, is_gone, speaks
from tests.worker.jobs import computing, done, result_of, running

RUN = RunConfig(batch_size=1)
MANY = [replace(RUN, seed=seed) for seed in range(30)]
PLAN = Plan("abc" * 100, TINY, "a")


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is about the queue alone: SLOW runs until it is cancelled, all else succeeds at once."""

    def execute(self: Attempt, take_worker: object) -> Result:
        if self.task.model == SLOW:
            assert self._inbox.get(timeout=30) == {"event": "cancel"}
            return self.cancelled()
        return make_result(self.task.model, self.task.run, "ok")

    monkeypatch.setattr(Attempt, "execute", execute)


def test_a_job_goes_from_asked_to_measured(queue: MeasuringQueue) -> None:
    job = queue.submit(TINY, RUN, "ann")
    snapshot = done(job)
    assert there(snapshot.result).status == "ok"
    assert (snapshot.model, snapshot.run, snapshot.place) == (TINY, RUN, 0)
    assert snapshot.finished_at == pytest.approx(time.monotonic(), abs=5)


def test_the_same_asked_by_two_is_one_job_and_ends_only_when_both_have_left(queue: MeasuringQueue) -> None:
    job = queue.submit(SLOW, SLOW_RUN, "ann")
    assert queue.submit(SLOW, replace(SLOW_RUN, hardware="24GiB"), "bob") is job
    computing(job)
    job.leave("ann")
    time.sleep(0.3)
    assert job.snapshot().state == "running"
    start = time.monotonic()
    job.leave("bob")
    result = result_of(job, 0.5)
    assert result.status == "cancelled"
    assert time.monotonic() - start < 0.5


def test_jobs_wait_in_order_and_know_their_place(queue: MeasuringQueue, pretended: None) -> None:
    first = queue.submit(SLOW, SLOW_RUN, "ann")
    running(first)
    waiting = [queue.submit(TINY, replace(RUN, seed=seed), name) for seed, name in enumerate(("bob", "cid", "dan"))]
    assert [job.snapshot().state for job in (first, *waiting)] == ["running", "queued", "queued", "queued"]
    assert [job.snapshot().place for job in (first, *waiting)] == [0, 0, 1, 2]
    waiting[0].leave("bob")
    assert [job.snapshot().place for job in waiting] == [0, 0, 1]
    assert there(waiting[0].snapshot().result).status == "cancelled"
    first.leave("ann")
    times = [done(job).finished_at or 0 for job in waiting[1:]]
    assert times == sorted(times)


def test_a_visitor_has_one_job_that_waits_whatever_it_is(queue: MeasuringQueue, pretended: None) -> None:
    runs = queue.submit(SLOW, SLOW_RUN, "ann")
    running(runs)
    tasks: list[Task] = [Measurement(TINY, RUN), Calibration(TINY, RUN), Refinement(TINY, RUN), Training.of(PLAN)]
    tasks += [Refinement(TINY, each) for each in MANY]
    asked = [queue.submit_task(task, "ann") for task in tasks]
    assert runs.snapshot().state == "running"
    assert [job.snapshot().state for job in asked] == ["done"] * (len(asked) - 1) + ["queued"]
    assert {(job.result.status, job.result.reason) for job in asked[:-1] if job.result} == {
        ("cancelled", "You asked for another run meanwhile; a visit has one waiting at a time")
    }
    assert queue.submit(TINY, RUN, "bob").snapshot().place == 1


def test_what_another_visitor_waits_for_is_left_and_not_cancelled(queue: MeasuringQueue, pretended: None) -> None:
    running(queue.submit(SLOW, SLOW_RUN, "cid"))
    shared = queue.submit(TINY, RUN, "ann")
    assert queue.submit(TINY, RUN, "bob") is shared
    assert not shared.goes_on_without("ann")
    newer = queue.submit(TINY, replace(RUN, seed=1), "ann")
    assert [job.snapshot().state for job in (shared, newer)] == ["queued", "queued"]
    assert shared.watchers == {"bob"}
    assert shared.goes_on_without("ann")
    assert not shared.goes_on_without("bob")


def test_looking_at_what_is_known_leaves_nothing(queue: MeasuringQueue, pretended: None) -> None:
    known = queue.submit(TINY, RUN, "ann")
    done(known)
    runs = queue.submit(SLOW, SLOW_RUN, "ann")
    running(runs)
    waiting = queue.submit(TINY, replace(RUN, seed=1), "ann")
    assert queue.submit(TINY, RUN, "ann") is known
    assert queue.submit(SLOW, SLOW_RUN, "ann") is runs
    assert waiting.snapshot().state == "queued"


def test_a_session_that_ends_leaves_everything_it_watched(queue: MeasuringQueue, pretended: None) -> None:
    alone = queue.submit(SLOW, SLOW_RUN, "ann")
    running(alone)
    shared = queue.submit(TINY, RUN, "ann")
    assert queue.submit(TINY, RUN, "bob") is shared
    queue.leave_all("ann")
    assert result_of(alone).status == "cancelled"
    assert result_of(shared).status == "ok"


def test_a_cancelled_job_is_not_given_to_the_next_who_asks(queue: MeasuringQueue, pretended: None) -> None:
    job = queue.submit(SLOW, SLOW_RUN, "ann")
    running(job)
    job.leave("ann")
    assert queue.submit(SLOW, SLOW_RUN, "bob") is not job


def test_a_measured_result_is_found_again_and_measured_anew_on_demand(queue: MeasuringQueue, pretended: None) -> None:
    assert queue.find(TINY, RUN) is None
    job = queue.submit(TINY, RUN, "ann")
    done(job)
    assert queue.find(TINY, RUN) is job
    assert queue.submit(TINY, RUN, "bob") is job
    anew = queue.submit(TINY, RUN, "bob", again=True)
    assert anew is not job
    done(anew)
    assert queue.find(TINY, RUN) is anew


def test_only_success_is_found_again(queue: MeasuringQueue) -> None:
    job = queue.submit(TINY, replace(RUN, device="cuda:99"), "ann")
    assert result_of(job).status == "refused"
    assert queue.find(TINY, job.run) is None


def test_results_are_kept_up_to_a_bound_oldest_out_first(
    queue: MeasuringQueue, pretended: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "KEPT_RESULTS", 1)
    for seed in (1, 2):
        done(queue.submit(TINY, replace(RUN, seed=seed), "ann"))
    kept = [queue.find(TINY, replace(RUN, seed=seed)) is not None for seed in (1, 2)]
    assert kept == [False, True]


def test_runs_are_kept_up_to_a_bound_of_memory(
    queue: MeasuringQueue, pretended: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(letter: str) -> Job:
        job = queue.submit_task(Training.of(Plan(letter * 100_000, TINY, letter)), "ann")
        result_of(job)
        return job

    allow(monkeypatch, results_bytes=250_000)
    first, second, third = map(trained, "abc")
    assert 100_000 < third.size < 110_000
    assert queue.find_task(first.task) is None
    assert [queue.find_task(each.task) for each in (second, third)] == [second, third]
    allow(monkeypatch, results_bytes=1)
    newest = trained("d")
    assert [queue.find_task(each.task) for each in (third, newest)] == [None, newest]


def gpu(number: int) -> str:
    """A child's code that waits for a question, and tells of a device that no other child tells of."""
    told = f'{{"id": 1, "event": "result", "result": {{"cpu": "a", "cuda:{number}": "b"}}}}'
    return f"sys.stdin.readline()\nprint({told!r})\nsys.stdout.flush()\nsys.stdin.read()"


def known(queue: MeasuringQueue, name: str) -> None:
    until(lambda: name in dict(queue.known_devices))


def test_devices_are_told_at_once_and_in_full_when_a_child_has_answered(
    queue_with_spare: MeasuringQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    speaks(monkeypatch, tmp_path, gpu(7))
    assert [name for name, _ in queue_with_spare.devices()] == ["cpu", "meta"]
    known(queue_with_spare, "cuda:7")
    assert [name for name, _ in queue_with_spare.devices()] == ["cpu", "cuda:7"]


def test_devices_are_asked_of_another_child_when_the_first_is_lost(
    queue_with_spare: MeasuringQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    speaks(monkeypatch, tmp_path, "import time; time.sleep(60)")
    queue_with_spare.devices()
    spare = queue_with_spare._spare._worker
    assert spare is not None
    speaks(monkeypatch, tmp_path, gpu(8))
    spare.kill()
    known(queue_with_spare, "cuda:8")


def test_devices_are_asked_again_after_a_job_that_took_the_memory_of_the_child(
    queue_with_spare: MeasuringQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pretended: None
) -> None:
    speaks(monkeypatch, tmp_path, "import time; time.sleep(60)")
    queue_with_spare.devices()
    speaks(monkeypatch, tmp_path, gpu(9))
    running(job := queue_with_spare.submit(SLOW, SLOW_RUN, "ann"))
    queue_with_spare._spare.take("default").kill()  # as a run does that has no room for the fast settings
    time.sleep(0.3)
    assert queue_with_spare._spare._worker is None  # whose memory that run has
    job.leave("ann")
    known(queue_with_spare, "cuda:9")


def test_children_that_are_always_lost_are_not_started_for_ever(
    queue_with_spare: MeasuringQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    speaks(monkeypatch, tmp_path, f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\nimport os; os._exit(1)")
    queue_with_spare.devices()
    time.sleep(2)
    assert (tmp_path / "starts").read_text() == "x" * (1 + queue_module.MOST_LOSSES)


@pytest.mark.parametrize("fails", ["start", "weigh", "progress"])
def test_nothing_that_a_job_does_ends_the_thread(
    fails: str, queue_with_spare: MeasuringQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **keywords: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as broken:
        if fails == "start":
            broken.setattr(subprocess, "Popen", fail)
        elif fails == "weigh":
            broken.setattr(Job, "weigh", fail)
        else:
            broken.setattr(Job, "_on_progress", fail)
        result = result_of(queue_with_spare.submit(TINY, RUN, "ann"))
        assert (result.status, "Resource temporarily unavailable" in there(result.reason)) == ("failed", True)
        time.sleep(0.2)  # for the spare, which cannot be started either
    assert result_of(queue_with_spare.submit(TINY, RUN, "bob")).status == "ok"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_all_the_same_is_told_and_started_anew(
    queue: MeasuringQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def end(*args: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(Attempt, "execute", end)
        result = result_of(queue.submit(TINY, RUN, "ann"))
    assert (result.status, result.reason) == ("failed", queue_module.THREAD_ENDED)
    assert "the thread of the measuring queue has ended" in caplog.text
    assert result_of(queue.submit(TINY, RUN, "ann")).status == "ok"


class Long(Measurement):
    def message(self, limit: int) -> dict[str, Any]:
        return {"kind": "long", "text": "x" * 1_000_000}


def test_a_stopped_child_does_not_keep_from_cancelling_nor_the_next_job_from_running(
    queue_with_spare: MeasuringQueue,
) -> None:
    queue_with_spare.devices()
    spare = queue_with_spare._spare._worker
    assert spare is not None
    psutil.Process(spare.pid).suspend()
    job = queue_with_spare.submit_task(Long(TINY, RUN), "ann")
    running(job)
    job.leave("ann")
    assert result_of(job, 2).status == "cancelled"
    assert result_of(queue_with_spare.submit(TINY, RUN, "ann")).status == "ok"


def test_the_spare_is_used_for_one_measurement_and_then_replaced(queue_with_spare: MeasuringQueue) -> None:
    queue_with_spare.devices()
    spare = queue_with_spare._spare._worker
    assert spare is not None
    done(queue_with_spare.submit(TINY, RUN, "ann"))
    assert is_gone(spare.pid)
    until(lambda: queue_with_spare._spare._worker not in (None, spare), 2)


def test_a_hosted_server_has_no_spare_and_asks_no_child_for_devices(
    queue_with_spare: MeasuringQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    before = psutil.Process().children()
    assert [name for name, _ in queue_with_spare.devices()] == ["cpu", "meta"]
    assert psutil.Process().children() == before
    result = result_of(queue_with_spare.submit(TINY, RUN, "ann"))
    assert isinstance(result, Measured)
    assert (result.status, result.environment.hosted) == ("ok", True)
    assert queue_with_spare._spare._worker is None


def test_closing_ends_every_process(quick: None) -> None:
    queue = MeasuringQueue()
    queue.devices()
    spare = queue._spare._worker
    job = queue.submit(SLOW, SLOW_RUN, "ann")
    computing(job)
    waiting = queue.submit(TINY, RUN, "ann")
    queue.close()
    assert [there(each.snapshot().result).status for each in (job, waiting)] == ["cancelled", "cancelled"]
    assert spare is not None
    assert is_gone(spare.pid)
    assert queue._spare._worker is None


def test_a_server_that_ends_in_the_usual_way_leaves_no_process_behind(tmp_path: Path) -> None:
    code = (
        "from llm_explorer.worker.queue import MeasuringQueue as Q; q = Q(); q.devices(); print(q._spare._worker.pid)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(llm_explorer.__file__).parent.parent)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )
    assert is_gone(int(run.stdout))
    assert run.stderr == ""


def test_thirty_who_ask_at_once_share_one_measurement(queue: MeasuringQueue, pretended: None) -> None:
    with ThreadPoolExecutor(30) as visitors:
        jobs = set(visitors.map(lambda visitor: queue.submit(TINY, RUN, str(visitor)), range(30)))
    assert len(jobs) == 1
    assert result_of(jobs.pop()).status == "ok"
