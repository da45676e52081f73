"""Who has the turn, and that nobody keeps it."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from llm_explorer.ui.frame import rerun_turns, shell
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts.live.drag import KEY
from llm_explorer.ui.runs import workers
from tests.waiting import until


class Class:
    """Threads that wait for a turn, come in order, and note when they had it."""

    def __init__(self, line: rerun_turns.Turns) -> None:
        self.turns = line
        self.had: list[str] = []
        self.threads: list[threading.Thread] = []

    def come(self, name: str, *, last: bool = False) -> None:
        def run() -> None:
            with suppress(LookupError), self.turns.turn(last=last):
                self.had.append(name)

        self.wait_in(run)

    def wait_in(self, run: Callable[[], None]) -> None:
        """Run it in a thread, up to where it waits for its turn."""
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


@pytest.fixture
def others() -> Class:
    return Class(rerun_turns.Turns())


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


PAGE = """
import streamlit as st
from llm_explorer.ui.frame import shell
shell.page("A probe", "Whose turn is it?", lambda page: st.session_state["had"].append("page"))
"""
PART = """
import streamlit as st
from llm_explorer.ui.frame import shell
from llm_explorer.ui.visit import state
shell._below_the_frame(lambda page: st.session_state["had"].append("part"), {}, (), state.in_widgets())
"""


def draw(others: Class, script: str, drag: object = None) -> None:
    """Run a script in a thread of the class, up to where it waits for its turn."""
    page = AppTest.from_string(script, default_timeout=60)
    page.session_state["had"] = others.had
    page.session_state[KEY] = {"drag": drag}

    def run() -> None:
        page.run()
        assert not page.exception, page.exception

    others.wait_in(run)


@pytest.fixture
def all_pages(monkeypatch: pytest.MonkeyPatch) -> Class:
    """Who waits for a turn with the pages of this process, for as long as it takes."""
    made, frame = Class(rerun_turns.TURNS), shell._frame

    def noted(*arguments: Any, **more: Any) -> Any:
        made.had.append("frame")
        return frame(*arguments, **more)

    monkeypatch.setattr(shell, "_frame", noted)
    monkeypatch.setattr(shell, "PAGES", ())  # the scripts stand alone: there is nothing to link to
    monkeypatch.setattr(rerun_turns, "LONGEST_WAIT_S", 60)
    return made


def test_a_page_has_one_turn_as_all_others_do(all_pages: Class) -> None:
    with rerun_turns.TURNS.turn():
        all_pages.come("drag", last=True)
        draw(all_pages, PAGE)
        all_pages.come("next")
        assert all_pages.had == []
    assert all_pages.all_had() == ["frame", "page", "next", "drag"]


@pytest.mark.parametrize(
    ("drag", "order"),
    [({"number": 1, "field": "n_layers", "value": 3}, ["next", "part"]), (None, ["part", "next"])],
)
def test_a_dragged_slider_lets_all_others_go_first(all_pages: Class, drag: object, order: list[str]) -> None:
    with rerun_turns.TURNS.turn():
        draw(all_pages, PART, drag)
        all_pages.come("next")
        assert all_pages.had == []
    assert all_pages.all_had() == order


def test_a_lesson_passes_on_before_it_asks(all_pages: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    class Child:
        """Answers when the others have had their turns."""

        is_ready = True

        def ask(self, _question: object) -> list[str]:
            return all_pages.all_had()

    monkeypatch.setattr(workers, "lessons", Child)
    with rerun_turns.TURNS.turn():
        all_pages.come("next")
        assert lesson.ask("autograd", "a question of this test, whose answer is kept") == ["next"]
