"""Waiting for what a job comes to."""

from collections.abc import Callable

from llm_explorer.measure.result import Result
from llm_explorer.worker.queue import Job, Snapshot
from tests import waiting
from tests.there import there


def until(job: Job, condition: Callable[[Snapshot], object], seconds: float = 60) -> Snapshot:
    waiting.until(lambda: condition(job.snapshot()), seconds)
    return job.snapshot()


def done(job: Job, seconds: float = 60) -> Snapshot:
    return until(job, lambda snapshot: snapshot.state == "done", seconds)


def result_of(job: Job, seconds: float = 60) -> Result:
    return there(done(job, seconds).result)


def running(job: Job) -> Snapshot:
    return until(job, lambda snapshot: snapshot.state == "running")


def computing(job: Job) -> Snapshot:
    return until(job, lambda snapshot: snapshot.progress is not None and snapshot.progress.phase == "warm-up")
