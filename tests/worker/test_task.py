"""Training runs in the queue: streamed, shared, paused and resumed, ended when nobody watches."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import llm_explorer
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import Result
from llm_explorer.pretraining.plan import Plan, snapshot_steps
from llm_explorer.pretraining.snapshot import TrainingSnapshot
from llm_explorer.texts import pretraining as texts
from llm_explorer.worker import task
from llm_explorer.worker.queue import MeasuringQueue
from llm_explorer.worker.task import Training, make_room
from tests.budgets import allow
from tests.worker.children import TINY
from tests.worker.jobs import result_of, until

MODEL = ModelConfig(vocab_size=30, context_length=16, emb_dim=16, n_heads=2, n_layers=2)
SHORT = Plan("the quick brown fox jumps over the lazy dog. " * 100, MODEL, "the qu", steps=30, warm_up=3)
FIRST = TrainingSnapshot(step=0, seconds=0.0, training_loss=4.0, validation_loss=4.0)
LONG = SHORT._replace(steps=100_000)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setattr(task, "server_folder", lambda: folder)
    return folder


def steps(stream: tuple[TrainingSnapshot, ...]) -> list[int]:
    return [snapshot.step for snapshot in stream]


def test_a_run_streams_its_snapshots_and_leaves_its_weights(queue: MeasuringQueue) -> None:
    training = Training.of(SHORT)
    job = queue.submit_task(training, "ann")
    assert result_of(job) == Result(status="ok", reason=None)
    assert steps(job.snapshot().stream) == snapshot_steps(30)
    assert (training.folder / "weights.safetensors").is_file()
    assert (job.snapshot().model, job.snapshot().run.batch_size) == (MODEL, SHORT.batch_size)


def test_the_same_plan_asked_by_two_is_one_run(queue: MeasuringQueue) -> None:
    job = queue.submit_task(Training.of(SHORT), "ann")
    assert queue.submit_task(Training.of(SHORT), "bob") is job
    assert queue.submit_task(Training.of(SHORT._replace(seed=1)), "bob") is not job
    result_of(job)
    assert queue.find_task(Training.of(SHORT)) is job


def test_a_measurement_and_a_training_run_wait_in_one_line(queue: MeasuringQueue) -> None:
    run = queue.submit_task(Training.of(LONG), "ann")
    until(run, lambda now: now.stream)
    measured = queue.submit(TINY, RunConfig(batch_size=1), "bob")
    assert (measured.snapshot().state, measured.snapshot().stream) == ("queued", ())
    run.leave("ann")
    assert result_of(run).status == "cancelled"
    assert result_of(measured).status == "ok"


def test_a_run_that_nobody_watches_ends_within_half_a_second(queue: MeasuringQueue) -> None:
    job = queue.submit_task(Training.of(LONG), "ann")
    queue.submit_task(Training.of(LONG), "bob")
    until(job, lambda now: len(now.stream) > 1)
    job.leave("ann")
    time.sleep(0.3)
    assert job.snapshot().state == "running"
    start = time.monotonic()
    queue.leave_all("bob")
    assert result_of(job) == Result(status="cancelled", reason="Cancelled")
    assert time.monotonic() - start < 0.5


def test_a_paused_run_frees_the_machine_and_goes_on_to_the_same_end(queue: MeasuringQueue) -> None:
    plan = SHORT._replace(steps=60)
    training = Training.of(plan)
    first = queue.submit_task(training, "ann")
    until(first, lambda now: len(now.stream) > 3)
    first.leave("ann")
    result_of(first)
    told = first.snapshot().stream
    assert len(told) < len(snapshot_steps(60)), "it ended before it was paused"
    second = queue.submit_task(replace(training, earlier=told), "ann")
    assert second is not first
    assert steps(second.snapshot().stream)[: len(told)] == steps(told)
    assert result_of(second).status == "ok"
    whole = second.snapshot().stream
    assert steps(whole) == snapshot_steps(60)
    uninterrupted = queue.submit_task(Training.of(plan), "ann", again=True)
    result_of(uninterrupted)
    assert [each.validation_loss for each in whole] == [
        each.validation_loss for each in uninterrupted.snapshot().stream
    ]


def test_a_run_whose_state_is_gone_is_told_in_words(queue: MeasuringQueue) -> None:
    resumed = replace(Training.of(SHORT), earlier=(FIRST,))
    result = result_of(queue.submit_task(resumed, "ann"))
    assert result == Result(status="failed", reason="This model is no longer kept; train it again")


def test_the_time_out_is_told_in_words(queue: MeasuringQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, timeout_s=0.5)
    result = result_of(queue.submit_task(Training.of(LONG), "ann"))
    assert result == Result(status="timeout", reason="Ended after 0.5 s, the most a training run may take")


@pytest.mark.parametrize("hosted", [False, True])
def test_the_oldest_of_too_many_folders_goes(own_folder: Path, monkeypatch: pytest.MonkeyPatch, hosted: bool) -> None:
    allow(monkeypatch, training_folders=2)
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1" if hosted else "0")
    for age, name in enumerate(("newest", "older", "oldest")):
        make_room(own_folder / name)
        os.utime(own_folder / name, (1e9 - age, 1e9 - age))
    make_room(own_folder / "new")
    assert {folder.name for folder in own_folder.iterdir()} == {"newest", "new"}


def test_a_state_that_cannot_be_written_does_not_end_the_run_and_is_told(
    queue: MeasuringQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "make_room", lambda folder: folder.write_text("a file where the folder should be"))
    job = queue.submit_task(Training.of(SHORT), "ann")
    assert result_of(job) == Result(status="ok", reason=texts.NOT_WRITTEN)
    assert steps(job.snapshot().stream) == snapshot_steps(30)
    assert queue.find_task(job.task) is None, "whoever asks again gets a run that is kept"


def test_the_server_s_folder_is_made_anew_when_it_is_gone(own_folder: Path) -> None:
    for name in ("first", "second"):
        make_room(own_folder / name)
        assert [folder.name for folder in own_folder.iterdir()] == [name]
        shutil.rmtree(own_folder)
        lock_of(own_folder).unlink()  # a cleaner of old files takes it too
    assert not remains(own_folder.parent)


SERVER = """
import sys
from llm_explorer.worker.task import make_room, remove_abandoned, server_folder
remove_abandoned()
make_room(server_folder() / "run")
(server_folder() / "run" / "weights.safetensors").write_text("a visitor's")
print(server_folder(), flush=True)
sys.stdin.read()
"""


def lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def remains(temporary: Path) -> set[str]:
    return {path.name for path in temporary.glob("llm-explorer-*")}


@contextmanager
def server(temporary: Path, code: str = SERVER) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A server with temporary files of its own that has a training run, and its folder for those."""
    environment = os.environ | {"PYTHONPATH": str(Path(llm_explorer.__file__).parent.parent), "TMPDIR": str(temporary)}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, env=environment, cwd=temporary, **pipes) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_the_folder_is_only_the_user_s_and_gone_when_the_server_is(tmp_path: Path) -> None:
    with server(tmp_path) as (process, folder):
        assert (folder / "run").is_dir()
        assert folder.stat().st_mode & 0o077 == 0
        assert remains(tmp_path) == {folder.name, lock_of(folder).name}
        process.communicate()
        assert remains(tmp_path) == set()


def test_the_folder_of_a_killed_server_goes_with_the_next_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    with server(tmp_path) as (_, living), server(tmp_path) as (killed, left_behind):
        killed.kill()
        killed.wait()
        assert left_behind.is_dir()
        with server(tmp_path) as (_, third):
            assert {living, third} == {tmp_path / name for name in remains(tmp_path) if not name.endswith(".lock")}
            assert remains(tmp_path) == {path.name for each in (living, third) for path in (each, lock_of(each))}
            assert (living / "run" / "weights.safetensors").is_file()


def test_the_start_of_a_server_is_what_removes_them(tmp_path: Path) -> None:
    with server(tmp_path) as (killed, _):
        killed.kill()
        killed.wait()
    assert remains(tmp_path)
    with server(tmp_path, "from llm_explorer.ui.runs.workers import queue; queue(); print()"):
        assert not remains(tmp_path)


def test_the_server_s_side_of_a_run_imports_no_torch() -> None:
    code = "import sys, llm_explorer.worker.task, llm_explorer.pretraining.text; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
