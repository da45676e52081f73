"""Texts to train on, and the tokenizer that makes tokens of their characters. Imports no torch."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Final

MIN_CHARACTERS: Final = 2_000  # the validation part, a tenth, must hold a few sequences
MAX_VOCABULARY: Final = 256
VALIDATION_SHARE: Final = 0.1
UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
CORPORA: Final = {"python": "Python's own manual", "lessons": "The text of these lessons"}
LESSONS: Final = Path(__file__).with_name("lessons.txt")
# what a model is asked to go on with: the beginning of a word that the text has often
PROBES: Final = {"python": "The value of the exp", "lessons": "The number of param"}


class Tokenizer:
    """One token a character; a character that is not in the vocabulary is the token 0, unknown.

    >>> letters = Tokenizer.of("hello")
    >>> letters.characters, letters.encode("hole?"), letters.decode([2, 1])
    ('\N{REPLACEMENT CHARACTER}ehlo', [2, 4, 3, 1, 0], 'he')
    """

    def __init__(self, characters: str) -> None:
        self.characters = characters
        self._ids = {character: token for token, character in enumerate(characters)}

    @classmethod
    def of(cls, text: str) -> "Tokenizer":
        """The vocabulary of a text in the order of Unicode: at most its 255 most frequent characters, and unknown."""
        counts = Counter(text)
        del counts[UNKNOWN]
        frequent = sorted(character for character, _ in counts.most_common(MAX_VOCABULARY - 1))
        return cls(UNKNOWN + "".join(frequent))

    def __len__(self) -> int:
        """V, the size of the vocabulary."""
        return len(self.characters)

    def encode(self, text: str) -> list[int]:
        """One token for each character."""
        return [self._ids.get(character, 0) for character in text]

    def decode(self, tokens: Iterable[int]) -> str:
        """The characters of the tokens."""
        return "".join(self.characters[token] for token in tokens)


@lru_cache(maxsize=8)
def vocabulary_size(text: str) -> int:
    """V of a model that is trained on a text: its tokenizer is made from the training part."""
    return len(Tokenizer.of(split(text)[0]))


@lru_cache(maxsize=len(CORPORA))
def corpus(name: str) -> str:
    """A text that every installation has: 'python', the topics of Python's help(), or 'lessons', this app's prose."""
    if name == "python":
        # not in the order of the alphabet: its end is tables of types, and the part kept for validation would be easy
        return "\n".join(topics[topic] for topic in sorted(topics, reverse=True))
    # written down once: an edited sentence or another language must not change what a run trains on
    return LESSONS.read_text(encoding="utf-8")


def checked(text: str, most: int) -> str:
    """A pasted text as it can be trained on; ValueError, a sentence for the learner, where it cannot.

    ``most`` is how many bytes it may have.
    """
    encoded = text[: most + 1].encode("utf-8", "replace")
    if len(encoded) > most:
        raise ValueError(f"The text is over {most:,} bytes; paste a part of it")
    if len(text) < MIN_CHARACTERS:
        raise ValueError(f"The text has {len(text):,} characters; at least {MIN_CHARACTERS:,} are needed to learn from")
    return encoded.decode()  # without halves of surrogate pairs, which cannot be written to a file


def split(text: str) -> tuple[str, str]:
    """The training part and the validation part: the last tenth, which the model never trains on.

    >>> split("abcdefghij")
    ('abcdefghi', 'j')
    """
    end = len(text) - round(VALIDATION_SHARE * len(text))
    return text[:end], text[end:]
