"""What a lesson asks: the right answer is one of the options, by name, and no two options say the same."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from llm_explorer import texts
from llm_explorer.texts.guess import Guess


def guesses_in(value: Any) -> Iterator[Guess]:
    if isinstance(value, Guess):
        yield value
    elif isinstance(value, dict | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from guesses_in(part)


def all_guesses() -> list[Guess]:
    modules = (import_module(f"{texts.__name__}.{module.name}") for module in pkgutil.iter_modules(texts.__path__))
    return [guess for module in modules for guess in guesses_in(tuple(vars(module).values()))]


@pytest.mark.parametrize("guess", all_guesses(), ids=lambda guess: guess.question)
def test_the_right_answer_is_an_option_and_the_options_differ(guess: Guess) -> None:
    assert guess.right in guess.options
    assert len(set(guess.options.values())) == len(guess.options) >= 3


def test_the_values_are_put_into_the_question_the_options_and_the_answer() -> None:
    guess = Guess("{n} layers?", {"few": "fewer than {n}", "all": "all"}, "all", "all {n}")
    assert guess.filled(n=12) == Guess("12 layers?", {"few": "fewer than 12", "all": "all"}, "all", "all 12")
