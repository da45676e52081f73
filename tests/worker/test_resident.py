"""The child that stays: answers in order, sentences for errors, a new child when one has died."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.worker import client, resident
from llm_explorer.worker.client import Message
from llm_explorer.worker.resident import OthersFirstError, Resident, ResidentError
from llm_explorer.worker.traces import Traces
from tests.there import there
from tests.waiting import until
from tests.worker.children import is_gone

LESSON = '''"""A lesson of the tests' own."""
import time
import torch


def add(a, b):
    return float(torch.tensor(a) + torch.tensor(b))


def refuse(word):
    raise ValueError(f"{word} is no number")


def fail():
    raise KeyError("a fault of ours")


def sleep(seconds):
    time.sleep(seconds)


def fill(megabytes):
    return torch.zeros(megabytes * 2**18).numel()


def held():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("RssAnon"))
'''


def question(function: str, **inputs: object) -> Message:
    return {"kind": "lesson", "lesson": "of_tests", "function": function, "inputs": inputs}


@pytest.fixture
def lessons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Resident]:
    """A resident whose children find one more lesson: the package's folder is extended on their path."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import llm_explorer.lessons\nllm_explorer.lessons.__path__.append({str(tmp_path)!r})\n"
    )
    (tmp_path / "of_tests.py").write_text(LESSON)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(client.PACKAGE_FOLDER), str(tmp_path))))
    made = Resident()
    yield made
    made.close()


def trace(model: ModelConfig, **run: Any) -> Message:
    return {"kind": "trace", "model": model.model_dump(), "run": RunConfig(**run).model_dump()}


# 33,000 operations: seconds
LONG = trace(ModelConfig(n_layers=4, n_experts=400, n_active_experts=1, expert_hidden_dim=1), batch_size=1)


def test_a_question_is_answered_by_torch_in_a_child(lessons: Resident) -> None:
    assert lessons.ask(question("add", a=1.5, b=2.0)) == 3.5


def test_a_value_error_is_a_sentence_and_the_child_stays(lessons: Resident) -> None:
    lessons.ask(question("add", a=1.0, b=1.0))
    child = lessons._worker
    with pytest.raises(ResidentError, match="seven is no number"):
        lessons.ask(question("refuse", word="seven"))
    assert lessons.ask(question("add", a=1.0, b=1.0)) == 2.0
    assert lessons._worker is child


def test_a_fault_of_ours_is_a_sentence_without_a_traceback(lessons: Resident) -> None:
    with pytest.raises(ResidentError, match=r"^This could not be computed \(KeyError\)$"):
        lessons.ask(question("fail"))


def test_after_a_child_has_died_the_next_question_gets_a_new_one(lessons: Resident) -> None:
    assert lessons.ask(question("add", a=1.0, b=1.0)) == 2.0
    child = lessons._worker
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    child._process.wait()
    assert lessons.ask(question("add", a=1.0, b=2.0)) == 3.0


def test_a_question_that_takes_too_long_ends_the_child(lessons: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lessons.ask(question("add", a=1.0, b=1.0)) == 2.0
    child = lessons._worker
    assert child is not None
    monkeypatch.setattr(resident, "ANSWER_S", 0.2)
    with pytest.raises(ResidentError, match="No answer within"):
        lessons.ask(question("sleep", seconds=30))
    assert is_gone(child.pid)


def test_thirty_who_ask_at_once_each_get_their_own_answer(lessons: Resident) -> None:
    with ThreadPoolExecutor(30) as visitors:
        answers = list(visitors.map(lambda n: lessons.ask(question("add", a=float(n), b=0.5)), range(30)))
    assert answers == [n + 0.5 for n in range(30)]


def test_closing_ends_the_child(lessons: Resident) -> None:
    lessons.ask(question("add", a=1.0, b=1.0))
    child = lessons._worker
    assert child is not None
    lessons.close()
    assert is_gone(child.pid)


def test_on_a_hosted_server_a_run_that_needs_all_memory_ends_the_child_and_questions_wait(
    lessons: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    assert lessons.ask(question("add", a=1, b=1)) == 2
    pid = lessons._worker.pid if lessons._worker else 0
    with ThreadPoolExecutor() as visitors:
        with resident.without_residents():
            assert is_gone(pid)
            waiting = visitors.submit(lessons.ask, question("add", a=1, b=2))
            time.sleep(0.3)
            assert not waiting.done()
            assert lessons._worker is None
        assert waiting.result(30) == 3


def test_a_question_that_waits_too_long_is_told_in_words(lessons: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    monkeypatch.setattr(resident, "TURN_S", 0.05)
    with resident.without_residents(), pytest.raises(ResidentError, match="small and is measuring"):
        lessons.ask(question("add", a=1, b=2))


def test_elsewhere_nothing_is_ended_and_nothing_waits(lessons: Resident) -> None:
    assert lessons.ask(question("add", a=1, b=1)) == 2
    worker = lessons._worker
    with resident.without_residents():
        assert lessons.ask(question("add", a=1, b=2)) == 3
    assert lessons._worker is worker


def hosted_trace_begun(lessons: Resident, visitors: ThreadPoolExecutor) -> "Future[Any]":
    """A hosted trace of some seconds, well under way."""
    lessons.ask(trace(ModelConfig(n_layers=1)))  # torch is imported, and what tracing needs
    waiting = visitors.submit(lessons.ask, LONG)
    time.sleep(0.5)
    assert not waiting.done()
    return waiting


def test_on_a_hosted_server_a_lesson_ends_a_running_trace(lessons: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    monkeypatch.setattr(resident, "GRACE_S", 0.1)
    with ThreadPoolExecutor() as visitors:
        waiting = hosted_trace_begun(lessons, visitors)
        child = lessons._worker
        assert child is not None
        assert lessons.ask(question("add", a=1, b=2)) == 3
        with pytest.raises(OthersFirstError, match="Lessons and measurements go first"):
            waiting.result(1)
    assert is_gone(child.pid)


def test_a_trace_that_made_room_is_made_afterwards(lessons: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    monkeypatch.setattr(resident, "GRACE_S", 0.1)
    monkeypatch.setattr(resident, "ANSWER_S", 60.0)  # other tests run beside this one
    model, run = ModelConfig(**LONG["model"]), RunConfig(**LONG["run"])
    kept = Traces(lessons)
    kept.want(model, run, "ann")
    until(lambda: resident._turn._is_held)
    assert lessons.ask(question("add", a=1, b=2)) == 3
    until(lambda: kept.find(model, run), 90)
    assert there(kept.find(model, run)).error is None


def test_on_a_hosted_server_a_run_that_needs_all_memory_ends_a_trace(
    lessons: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    monkeypatch.setattr(resident, "GRACE_S", 0.1)
    with ThreadPoolExecutor() as visitors:
        waiting = hosted_trace_begun(lessons, visitors)
        with resident.without_residents():
            assert lessons._worker is None
        assert isinstance(waiting.exception(1), OthersFirstError)


def test_a_trace_lets_all_who_wait_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    turn, order = resident._Turn(), []

    def take(name: str, *interrupt: Any) -> None:
        assert turn.acquire(10, *interrupt)
        order.append(name)
        turn.release()

    with ThreadPoolExecutor() as visitors:
        assert turn.acquire(None)
        visitors.submit(take, "trace", lambda: None)
        time.sleep(0.1)
        for _ in range(3):
            visitors.submit(take, "lesson")
        time.sleep(0.1)
        turn.release()
    assert order == ["lesson"] * 3 + ["trace"]


def test_elsewhere_a_lesson_and_a_trace_do_not_meet(lessons: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "ANSWER_S", 60.0)  # other tests run beside this one
    other = Resident()
    with ThreadPoolExecutor() as visitors:
        waiting = hosted_trace_begun(other, visitors)
        assert lessons.ask(question("add", a=1, b=2)) == 3
        assert waiting.result(60)["peak_bytes"] > 0
    other.close()


def test_on_a_hosted_server_a_trace_that_is_too_large_is_refused_in_words(
    lessons: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    held = lessons.ask(question("held"))
    giant = ModelConfig(n_layers=4, n_experts=4096, n_active_experts=4096, expert_hidden_dim=1)
    with pytest.raises(ResidentError) as refused:
        lessons.ask(trace(giant))
    assert str(refused.value) == (
        "tracing this config would run about 312,396 operations and take 1.4 GiB; 40,000 and 112.0 MiB are allowed "
        "here: n_experts=256, n_active_experts=256 would do"
    )
    assert lessons.ask(question("held")) < held + 112


def test_a_question_that_takes_too_much_memory_is_a_sentence_and_the_next_gets_a_new_child(
    lessons: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    held = lessons.ask(question("held"))
    assert lessons.ask(question("fill", megabytes=100)) == 100 * 2**18
    child = lessons._worker
    if sys.platform != "linux":
        assert lessons.ask(question("fill", megabytes=300)) == 300 * 2**18, "only Linux enforces RLIMIT_DATA"
        return
    with pytest.raises(ResidentError, match=r"^Out of memory: beside PyTorch .* 112.0 MiB; try smaller inputs$"):
        lessons.ask(question("fill", megabytes=300))
    assert lessons.ask(question("add", a=1, b=2)) == 3
    assert lessons._worker is not child
    assert lessons.ask(question("held")) < held + 112


@pytest.fixture
def slow_import(lessons: Resident, tmp_path: Path) -> Resident:
    """A child takes 3 s longer until torch is imported."""
    with (tmp_path / "sitecustomize.py").open("a") as start:
        start.write("import time\ntime.sleep(3)\n")
    return lessons


def test_the_import_of_torch_is_not_in_the_time_for_an_answer(
    slow_import: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "ANSWER_S", 2.0)
    assert not slow_import.is_ready
    assert slow_import.ask(question("held")) > 0
    assert slow_import.is_ready


def test_an_import_that_takes_far_too_long_is_told_as_such(
    slow_import: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "START_S", 0.5)
    with pytest.raises(ResidentError, match="PyTorch did not start within"):
        slow_import.ask(question("held"))
    assert slow_import._worker is None


@pytest.mark.parametrize("error", [OSError(11, "Resource temporarily unavailable"), RuntimeError("no new thread")])
def test_a_child_that_cannot_be_started_is_a_sentence(
    error: Exception, lessons: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **keywords: object) -> None:
        raise error

    with monkeypatch.context() as without:
        without.setattr(subprocess, "Popen", fail)
        with pytest.raises(ResidentError, match="No process could be started"):
            lessons.ask(question("add", a=1, b=2))
    assert lessons.ask(question("add", a=1, b=2)) == 3
