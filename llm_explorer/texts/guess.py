"""The question that a lesson asks before it tells the answer."""

from collections.abc import Mapping
from typing import NamedTuple


class Guess(NamedTuple):
    """A question, its options by name, the name of the right one, and what is told once there is a guess."""

    question: str
    options: Mapping[str, str]
    right: str
    answer: str

    def filled(self, **values: object) -> "Guess":
        """The same with these values put into its words."""
        options = {name: words.format(**values) for name, words in self.options.items()}
        return Guess(self.question.format(**values), options, self.right, self.answer.format(**values))
