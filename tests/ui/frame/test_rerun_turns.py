"""Who has the turn, and that nobody keeps it."""

import inspect
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import SimpleNamespace

import pytest

from llm_explorer.ui.frame import rerun_turns, shell
from llm_explorer.ui.lessons import lesson
from llm_explorer.worker.resident import ResidentError
from tests.ui.app_visit import Visit


class Class:
    """Threads that wait for a turn, come in order, and note when they had it."""

    def __init__(self) -> None:
        self.turns = rerun_turns.Turns()
        self.had: list[str] = []
        self.threads: list[threading.Thread] = []

    def come(self, name: str, *, last: bool = False) -> None:
        def run() -> None:
            with suppress(LookupError), self.turns.turn(last=last):
                self.had.append(name)

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        waiting = len(self.turns._line)
        thread.start()
        until(lambda: len(self.turns._line) > waiting)

    def all_had(self) -> list[str]:
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()
        return self.had


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def others() -> Class:
    return Class()


def test_in_the_order_they_came_and_a_drag_after_all_others(others: Class) -> None:
    with others.turns.turn():
        others.come("drag", last=True)
        for name in ("first", "second", "third"):
            others.come(name)
        time.sleep(3 * rerun_turns.LOOK_S)
        assert others.had == []
    assert others.all_had() == ["first", "second", "third", "drag"]


def test_a_part_of_a_run_has_its_turn(others: Class) -> None:
    with others.turns.turn():
        others.come("next")
        with others.turns.turn(last=True):
            assert others.had == []
        assert others.had == []
    assert others.all_had() == ["next"]


def test_who_waits_for_another_process_passes_on(others: Class) -> None:
    with others.turns.turn():
        others.come("next")
        others.turns.pass_on()
        assert others.all_had() == ["next"]
        others.turns.pass_on()
    with others.turns.turn():
        others.come("after")
    assert others.all_had() == ["next", "after"]


def test_a_run_that_fails_passes_on(others: Class) -> None:
    with suppress(ZeroDivisionError), others.turns.turn():
        others.come("next")
        raise ZeroDivisionError
    assert others.all_had() == ["next"]


def test_nobody_waits_for_ever(others: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerun_turns, "LONGEST_WAIT_S", 0.2)
    with others.turns.turn():
        others.come("impatient")
        assert others.all_had() == ["impatient"]
        others.come("next", last=True)
    assert others.all_had() == ["impatient", "next"]


def test_a_run_that_nobody_waits_for_leaves_the_line(others: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    class Given:
        """As Streamlit's session state when the visitor has moved on, for one look."""

        looks = 0

        def __contains__(self, _key: str) -> bool:
            self.looks += 1
            if self.looks == 1:
                raise LookupError
            return False

    monkeypatch.setattr(rerun_turns, "st", SimpleNamespace(session_state=Given()))
    with others.turns.turn():
        others.come("given up")
        until(lambda: not others.turns._line)
        others.come("next")
    assert others.all_had() == ["next"]


def test_a_page_waits_once_as_all_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[bool] = []
    monkeypatch.setattr(rerun_turns.TURNS, "_wait", lambda *, last: waits.append(last))
    Visit()
    assert waits == [False]


@pytest.mark.parametrize(("dragged", "last"), [(("n_layers", 3), True), (None, False)])
def test_a_dragged_slider_lets_all_others_go_first(
    monkeypatch: pytest.MonkeyPatch, dragged: tuple[str, int] | None, last: bool
) -> None:
    waits: list[bool] = []

    def wait(*, last: bool) -> None:
        waits.append(last)
        raise LookupError

    monkeypatch.setattr(rerun_turns.TURNS, "_wait", wait)
    monkeypatch.setattr(shell.state, "in_widgets", lambda: ())
    monkeypatch.setattr(shell.drag, "dragged", lambda: dragged)
    with pytest.raises(LookupError):
        inspect.unwrap(shell._below_the_frame)(shell.answers_hidden, {}, (), ())
    assert waits == [last]


def test_a_lesson_passes_on_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int | None] = []

    def answer(*_question: object) -> None:
        held.append(rerun_turns.TURNS._called)
        raise ResidentError("not here")

    monkeypatch.setattr(lesson, "_answer", answer)
    nothing = SimpleNamespace(warning=lambda *_, **__: None, stop=lambda: None, spinner=lambda _: nullcontext())
    monkeypatch.setattr(lesson, "st", nothing)
    with rerun_turns.TURNS.turn():
        assert rerun_turns.TURNS._called == threading.get_ident()
        lesson.ask("autograd", "worked_example")
    assert held == [None]
