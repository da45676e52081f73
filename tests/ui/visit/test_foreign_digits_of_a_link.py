"""Streamlit reads a link's numbers by int() and float(), which take the digits of any script; the app does not."""

import pytest

from llm_explorer.ui.visit import state
from tests.ui.app_visit import Visit

NUMBERS = ("batch_size", "sequence_length", "accumulation", *state.SLIDERS, state.RESERVE)


@pytest.mark.parametrize("text", ["٣", "３", "1٣", "+3", "nan"])
@pytest.mark.parametrize("field", NUMBERS)
def test_a_field_of_a_link_keeps_its_default_and_says_so(field: str, text: str) -> None:
    visit = Visit(**{field: f"0.{text}" if field == "drop_rate" and text.isdecimal() else text})
    assert visit.number(field) == (10 if field == state.RESERVE else state.default_of(field))
    assert "From the address: " in visit.words()
    assert field in visit.words()


@pytest.mark.parametrize("text", ["24", " 24", "2_4"])
def test_our_own_digits_are_read(text: str) -> None:
    assert Visit(n_layers=text).number("n_layers") == 24


def test_the_step_of_a_lesson_is_in_our_digits() -> None:
    visit = Visit(step="٣")
    visit.page.switch_page("pages/tensors.py")
    visit.page.query_params["step"] = "٣"
    assert "1 of 9" in visit.run().words()
