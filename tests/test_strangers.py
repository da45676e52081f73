"""No text of a stranger ends in anything but a sentence."""

import pytest

from tests.strangers import READERS, Reader, try_reader


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_broken_text_is_taken_or_answered_with_a_sentence(reader: Reader) -> None:
    _times, taken = try_reader(reader, 400, seed=1)
    assert taken < 400  # some were really broken
