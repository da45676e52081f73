"""Choices that no browser offers: a stranger's message may say that one was made."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from llm_explorer.config import RunConfig
from llm_explorer.ui.compare import configs
from llm_explorer.ui.frame import preset_picker
from tests.ui.app_visit import Visit


@pytest.mark.parametrize(
    ("key", "take"),
    [
        ("preset", lambda: preset_picker._take(None)),
        ("compare_add", lambda: configs._add(RunConfig())),
    ],
    ids=["preset", "compare_add"],
)
def test_a_text_in_the_place_of_a_preset_is_none(
    monkeypatch: pytest.MonkeyPatch, key: str, take: Callable[[], None]
) -> None:
    held = {key: "x"}
    monkeypatch.setattr(preset_picker, "st", SimpleNamespace(session_state=held))
    take()
    assert held == {key: None}


def test_a_lesson_without_a_step_is_at_the_first() -> None:
    visit = Visit()
    visit.page.switch_page("pages/autograd.py")
    visit.page.session_state["step"] = None
    visit.run()
    assert "1 of" in visit.words()
