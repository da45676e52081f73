"""The frame of lessons: steps in the address, guesses before answers, exercises, the code that ran."""

import ast
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from llm_explorer.ui.frame import shell
from llm_explorer.ui.lessons.lesson import function_source, source_path

PAGE = """
import streamlit as st
from llm_explorer.exercises.judge import Exercise
from llm_explorer.texts.guess import Guess
from llm_explorer.ui.lessons.lesson import Step, ask, exercises, guess, lesson, reveal

def first(page):
    asked = Guess("Do heads cost parameters?", {"yes": "They do", "no": "They do not"}, "no", "The width is split.")
    choice = guess("heads", asked)
    reveal(choice, asked, wrong="Not so. ")
    if choice:
        st.write(f"They split the width of {page.model.emb_dim}")

def second(page):
    asked = Exercise("How many layers?", page.model.n_layers, "values", (), "As the slider says")
    exercises("probe", "One question.", [asked])

def third(page):
    st.write(ask("no_such_lesson", "add", a=1))

lesson("A probe", "Does it work?", (Step("Guess", first), Step("Exercise", second), Step("Ask", third)))
"""


@pytest.fixture(autouse=True)
def no_other_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of these tests stands alone: there is nothing to link to."""
    monkeypatch.setattr(shell, "PAGES", ())


def visit(**address: str) -> AppTest:
    page = AppTest.from_string(PAGE, default_timeout=60)
    for name, text in address.items():
        page.query_params[name] = text
    return run(page)


def run(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception, page.exception
    return page


def words(page: AppTest) -> str:
    found: list[Any] = [element for kind in ("markdown", "success", "info", "warning") for element in page.get(kind)]
    return "\n".join(element.value for element in found)


def test_the_answer_is_not_shown_before_a_guess() -> None:
    page = visit()
    assert "1 of 3 · Guess" in words(page)
    assert "split the width" not in words(page)
    assert page.radio(key="guess_heads").options == ["They do", "They do not"]
    page.radio(key="guess_heads").set_value("yes")
    assert "split the width of 768" in words(run(page))
    assert [box.value for box in page.info] == ["Not so. The width is split."]
    page.radio(key="guess_heads").set_value("no")
    assert [box.value for box in run(page).success] == ["Right. The width is split."]
    assert page.session_state["guess_heads"] == "no", "a name, whatever the words are"


def test_the_address_opens_a_step() -> None:
    assert "2 of 3 · Exercise" in words(visit(step="2"))


@pytest.mark.parametrize("step", ["0", "4", "abc", "1e999", "-1"])
def test_a_step_that_is_not_there_opens_the_first(step: str) -> None:
    assert "1 of 3 · Guess" in words(visit(step=step))


def test_the_address_has_the_step_but_for_the_first() -> None:
    page = visit()
    assert "step" not in page.query_params
    next(button for button in page.button if button.label.startswith("Next")).click()
    assert run(page).query_params["step"] == "2"
    next(button for button in page.button if button.label == "Back").click()
    assert "step" not in run(page).query_params
    assert "step" not in run(visit(step="99")).query_params


def test_next_and_back_go_through_the_steps() -> None:
    page = visit()
    next(button for button in page.button if button.label.startswith("Next")).click()
    assert "2 of 3" in words(run(page))
    next(button for button in page.button if button.label == "Back").click()
    assert "1 of 3" in words(run(page))


def test_an_exercise_is_judged_on_the_config_of_the_visit() -> None:
    page = visit(step="2", n_layers="7")
    page.text_input(key="exercise_probe_1").set_value("12")
    assert "Not yet" in words(run(page))
    page.text_input(key="exercise_probe_1").set_value("7")
    assert "Right" in words(run(page))


def test_what_the_worker_cannot_answer_is_a_sentence() -> None:
    assert "could not be computed" in words(visit(step="3"))


def test_the_source_of_a_function_is_the_code_that_runs(tmp_path: Path) -> None:
    text = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\ndef other():\n    return 1\n"
    shown = function_source(text, "area")
    assert shown == "def area(r):\n    return math.pi * r * r"
    assert ast.parse(shown)
    with pytest.raises(LookupError):
        function_source(text, "missing")


def test_the_file_of_the_lessons_is_found_without_importing_it() -> None:
    assert source_path("__init__").is_file()
