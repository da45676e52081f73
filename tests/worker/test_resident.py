"""The child that stays: answers in order, sentences for errors, a new child when one has died."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from children import is_gone

from llm_explorer.worker import client, resident
from llm_explorer.worker.client import Message
from llm_explorer.worker.resident import Resident, ResidentError

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


def test_a_question_is_answered_by_torch_in_a_child(lessons: Resident) -> None:
    assert lessons.ask(question("add", a=1.5, b=2.0)) == 3.5


def test_a_value_error_is_a_sentence_and_the_child_stays(lessons: Resident) -> None:
    lessons.warm()
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
    lessons.warm()
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
