"""What every lesson page is made of: steps, guesses, live computation, the code that ran, exercises."""

import ast
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import streamlit as st

from llm_explorer.exercises.judge import Exercise, example, judge
from llm_explorer.texts import runs as texts
from llm_explorer.texts.guess import Guess
from llm_explorer.ui import parts
from llm_explorer.ui.frame import shell
from llm_explorer.ui.frame.rerun_turns import TURNS
from llm_explorer.ui.runs import workers
from llm_explorer.ui.visit import state
from llm_explorer.ui.visit.link import passed_on
from llm_explorer.ui.visit.page import Page
from llm_explorer.worker.resident import ResidentError

PACKAGE: Final = "llm_explorer"
LESSONS: Final = f"{PACKAGE}.lessons"


class Step(NamedTuple):
    """One step of a lesson: its title and what draws it."""

    title: str
    draw: Callable[[Page], None]


def lesson(title: str, question: str, steps: Sequence[Step]) -> None:
    """Draw a lesson page: the frame, the row of steps (``?step=3`` opens the third), one step, back and next."""

    def body(page: Page) -> None:
        _draw(page, steps)

    # a lesson asks for a guess before it tells an answer: there is nothing to hide
    shell.page(title, question, body, without_answers=body, run_in_sidebar=True)


def _draw(page: Page, steps: Sequence[Step]) -> None:
    numbers = range(1, len(steps) + 1)
    st.segmented_control(
        "Step", numbers, default=_asked(numbers), required=True, key=state.STEP, label_visibility="collapsed"
    )
    number = int(st.session_state[state.STEP] or 1)
    _write_step(number)
    step = steps[number - 1]
    st.markdown(f"##### {number} of {len(steps)} · {step.title}")
    step.draw(page)
    with st.container(horizontal=True):
        back = (state.STEP, number - 1)
        st.button("Back", icon=":material/arrow_back:", on_click=state.keep, args=back, disabled=number == 1)
        if number < len(steps):
            label, on = f"Next: {steps[number].title}", (state.STEP, number + 1)
            st.button(label, icon=":material/arrow_forward:", on_click=state.keep, args=on, type="primary")


def ask(name: str, function: str, **inputs: Any) -> Any:
    """What a function of a lesson returns, computed in the worker; where it cannot be, a sentence, and the page stops.

    ``inputs`` are plain data. The functions are pure, so an answer is kept and given again to whoever asks the same.
    """
    TURNS.pass_on()
    try:
        with nullcontext() if workers.lessons().is_ready else st.spinner(texts.STARTING):
            return _answer(name, function, inputs)
    except ResidentError as error:
        st.warning(parts.plain(str(error)), icon=":material/info:")
        st.stop()


@st.cache_data(max_entries=1024, max_size="16mb", show_spinner=False)
def _answer(name: str, function: str, inputs: dict[str, Any]) -> Any:
    return workers.lessons().ask({"kind": "lesson", "lesson": name, "function": function, "inputs": inputs})


def guess(key: str, asked: Guess) -> str | None:
    """Ask for a guess: the name of the option that was chosen, None until then, as no answer is shown before."""
    return st.radio(
        asked.question,
        list(asked.options),
        index=None,
        format_func=asked.options.__getitem__,
        key=f"guess_{key}",
        persist_state="session",
        horizontal=True,
    )


def reveal(choice: str | None, asked: Guess, *, right: str = "Right. ", wrong: str = "") -> None:
    """Once there is a guess: the answer, after the words that say whether the guess was ``right`` or ``wrong``."""
    if choice == asked.right:
        st.success(f"{right}{asked.answer}", icon=":material/check_circle:")
    elif choice is not None:
        st.info(f"{wrong}{asked.answer}", icon=":material/lightbulb:")


def guessed(key: str, asked: Guess, *, right: str = "Right. ", wrong: str = "") -> bool:
    """Ask; once there is a guess, say what is right and why, and go on."""
    choice = guess(key, asked)
    reveal(choice, asked, right=right, wrong=wrong)
    return choice is not None


def code_that_ran(key: str, *functions: tuple[str, str], label: str = "The code that ran") -> None:
    """Functions by file and name, shown when asked for."""

    def draw() -> None:
        for name, function in functions:
            code(name, function)

    parts.folded(label, draw, key=key, icon=":material/code:")


def code(name: str, function: str) -> None:
    """The very code that ran: a function of a lesson, to copy, and its whole file to download."""
    path = source_path(name)
    text = path.read_text(encoding="utf-8")
    st.code(function_source(text, function), language="python")
    st.download_button(
        f"Download {path.name}",
        text,
        path.name,
        "text/x-python",
        key=f"code_{name}_{function}",
        icon=":material/download:",
    )


def source_path(name: str) -> Path:
    """A file of a lesson or, with the whole name, of another room: found without importing torch as it would."""
    spec = find_spec(name if name.startswith(PACKAGE) else f"{LESSONS}.{name}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def function_source(text: str, function: str) -> str:
    """The lines of one function or class of a file, with its decorators."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == function:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise LookupError(function)


def exercises(name: str, intro: str, items: Sequence[Exercise]) -> None:
    """Exercises on the learner's own config, each judged as it is typed."""
    st.markdown(intro)
    for number, item in enumerate(items, 1):
        with st.container(border=True):
            st.markdown(f"**{number}.** {item.question}")
            answer = st.text_input(
                "Your answer",
                key=f"exercise_{name}_{number}",
                persist_state="session",
                placeholder=example(item),
                max_chars=60,
                width=260,
            )
            if answer.strip():
                judged = judge(item, answer)
                show = st.success if judged.correct else st.info
                show(judged.message, icon=":material/check_circle:" if judged.correct else ":material/lightbulb:")


def link(path: str, label: str, *, step: int = 1) -> None:
    """A link to the page where the idea shows up in a real model, with the config; none where there is no such page.

    ``step`` is the step of a lesson to open.
    """
    if path in {known for known, _label in shell.PAGES}:
        address = passed_on() | ({state.STEP: str(step)} if step > 1 else {})
        st.page_link(path, label=label, icon=":material/arrow_outward:", query_params=address)


def links(labels: Mapping[str, str], steps: Mapping[str, int]) -> None:
    """Links to the steps of lessons that explain a page, by the page of the lesson."""
    for path, label in labels.items():
        link(path, label, step=steps[path])


def _asked(numbers: range) -> int:
    """The step that the address asks for, the first where there is no such step."""
    return next((number for number in numbers if str(number) == st.query_params.get(state.STEP)), 1)


def _write_step(number: int) -> None:
    """Have the step in the address, but for the first.

    It is not bound: Streamlit (1.67) takes what is bound along to the next page, and that may be another lesson.
    """
    if st.query_params.get(state.STEP, "1") == str(number):
        return
    if number == 1:
        del st.query_params[state.STEP]
    else:
        st.query_params[state.STEP] = str(number)
