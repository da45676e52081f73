"""What is chosen is told by its name: in whichever order its words stand, the page shows the same."""

from types import ModuleType

import pytest

from llm_explorer.texts import autograd, backprop, pretraining, tensors
from tests.ui.app_visit import LessonVisit

pytestmark = pytest.mark.usefixtures("lessons")


@pytest.mark.parametrize(
    ("step", "guess", "texts", "name"),
    [
        (1, None, autograd, "FUNCTIONS"),
        (3, ("graph", "sum"), autograd, "EXPRESSIONS"),
        (6, ("step", "tenth"), autograd, "SIDES"),
        (7, ("rules", "6"), autograd, "RULES"),
        (3, ("drop", "rate"), backprop, "DATA"),
        (6, None, pretraining, "OWN_MODELS"),
        (1, None, tensors, "CONTAINERS"),
        (2, ("dtypes", "float64"), tensors, "TO_NOTES"),
        (5, ("broadcast", "matrix"), tensors, "BROADCAST_PAIRS"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_order_of_the_words_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, step: int, guess: tuple[str, str] | None, texts: ModuleType, name: str
) -> None:
    def shown() -> tuple[str, list[str]]:
        visit = lesson(step)
        if guess is not None:
            visit.guess(*guess)
        return visit.words(), visit.alts()

    lesson = type("Lesson", (LessonVisit,), {"script": texts.__name__.rpartition(".")[2]})
    before = shown()
    monkeypatch.setattr(texts, name, dict(reversed(getattr(texts, name).items())))
    assert shown() == before
