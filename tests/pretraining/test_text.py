import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.pretraining.text import (
    CORPORA,
    MAX_VOCABULARY,
    MIN_CHARACTERS,
    PROBES,
    UNKNOWN,
    Tokenizer,
    checked,
    corpus,
    split,
    vocabulary_size,
)

MOST = 1_000_000


@given(st.text(min_size=1, max_size=200))
def test_what_is_encoded_is_decoded_again(text: str) -> None:
    tokenizer = Tokenizer.of(text)
    assert len(tokenizer) <= MAX_VOCABULARY
    if len(set(text)) < MAX_VOCABULARY:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_character_outside_the_vocabulary_is_the_token_unknown() -> None:
    tokenizer = Tokenizer.of("hello")
    assert tokenizer.encode("hé") == [tokenizer.characters.index("h"), 0]
    assert tokenizer.decode(tokenizer.encode("hé")) == f"h{UNKNOWN}"


def test_of_too_many_characters_the_most_frequent_are_kept() -> None:
    rare = "".join(chr(0x4E00 + n) for n in range(1000))
    tokenizer = Tokenizer.of(rare + "often " * 10)
    assert len(tokenizer) == MAX_VOCABULARY
    assert 0 not in tokenizer.encode("often ")


def test_the_sign_for_unknown_in_a_text_is_unknown_and_no_second_token() -> None:
    tokenizer = Tokenizer.of(f"ab{UNKNOWN}")
    assert tokenizer.characters == f"{UNKNOWN}ab"


def test_the_parts_are_the_text_and_the_last_tenth_is_for_validation() -> None:
    training, validation = split("0123456789" * 10)
    assert training + validation == "0123456789" * 10
    assert len(validation) == 10


def test_the_vocabulary_is_made_from_the_training_part_alone() -> None:
    assert vocabulary_size("a" * 90 + "z" * 10) == 2  # unknown and a


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_is_long_enough_and_has_the_characters_of_its_probe(name: str) -> None:
    text = checked(corpus(name), MOST)
    assert 0 not in Tokenizer.of(split(text)[0]).encode(PROBES[name])


def test_the_lessons_text_is_the_same_whatever_the_pages_say() -> None:
    digest = hashlib.sha256(corpus("lessons").encode()).hexdigest()
    assert digest == "73e70544a461b17e8bfcf27b45368ed35391b8b23758936309b8cd4402963523"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x" * (MIN_CHARACTERS - 1), "The text has 1,999 characters; at least 2,000 are needed"),
        ("x" * (MOST + 1), "The text is over 1,000,000 bytes"),
        ("é" * (MOST // 2 + 1), "The text is over 1,000,000 bytes"),  # two bytes each
        ("", "The text has 0 characters"),
    ],
)
def test_a_text_that_cannot_be_trained_on_is_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        checked(text, MOST)


def test_half_a_surrogate_pair_which_no_file_can_hold_becomes_a_question_mark() -> None:
    assert checked("\ud800" * MIN_CHARACTERS, MOST) == "?" * MIN_CHARACTERS
