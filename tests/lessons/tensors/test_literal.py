"""Typed tensors: read as numbers in lists, refused in words, never run."""

import ast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.lessons.tensors.literal import MOST_CHARACTERS, read_shape, read_tensor, shape_of
from llm_explorer.ui.lessons.tensors import playground
from tests.strangers import WORST_TENSORS

NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e9, 1e9).map(lambda value: round(value, 3))


@given(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=5))
def test_what_python_writes_is_read_as_it_was(values: list[list[float]]) -> None:
    assert read_tensor(str(values)) == values
    assert shape_of(values) == list(torch.tensor(values, dtype=torch.float64).shape)


@given(st.text(alphabet="[],.-+ 129eEaT()_'", max_size=30))
def test_what_is_read_at_all_is_what_python_reads(text: str) -> None:
    try:
        value = read_tensor(text)
    except ValueError:
        return
    assert value == ast.literal_eval(text)


@pytest.mark.parametrize("text", ["torch.tensor([1, 2])", " tensor( [1, 2] ) ", "[1, 2]", "[1,\n 2,]", "[+1, 2]"])
def test_it_may_be_written_as_python_has_it(text: str) -> None:
    assert read_tensor(text) == [1, 2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Type a tensor"),
        ("[[1, 2], [3]]", r"Item 2 of a list is a list of shape \(1,\), item 1 a list of shape \(2,\)"),
        ("[1, [2]]", "Item 2 of a list is a list of shape"),
        ("[1 2]", "A comma is missing before 2"),
        ("[1,,2]", "The comma at character 4"),
        ("[1], 2", "closes the tensor too early"),
        ("[[1, 2]", r"1 of the brackets \[ are not closed"),
        ("1]", "closes no bracket"),
        ("[nan]", "'n' at character 2 is not read"),
        ("[1e999]", "larger than any float"),
        ("99999999999999999999", "does not fit into int64"),
        ("[" * 5 + "]" * 5, "More than 4 brackets deep"),
        (str(list(range(25))), "This has 25 numbers"),
        ("[" + "1" * 21 + "]", "A number of 21 characters"),
        ("__import__('os').system('true')", "nothing in it is run"),
        ("2**9", r"'\*' at character 2"),
        ("[\u0663]", "is not read"),
        (" " * (MOST_CHARACTERS + 1), "at most 400 are read"),
    ],
)
def test_what_is_no_tensor_is_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_tensor(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", WORST_TENSORS, ids=lambda text: text[:20])
def test_the_worst_text_of_the_allowed_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_tensor(text)


@pytest.mark.parametrize("text", ["2, 3", "(2, 3)", "[2,3]", "2 3", " 2 , 3, "])
def test_a_shape_is_read_however_it_is_written(text: str) -> None:
    assert read_shape(text) == [2, 3]


def test_one_size_of_a_shape_may_be_left_to_torch() -> None:
    assert read_shape("3, -1") == [3, -1]


@pytest.mark.parametrize("text", ["", "a", "2.5", "-2", "2, x", "9999", "1 1 1 1 1", "2" * 50])
def test_what_is_no_shape_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"^A shape is written|^5 dimensions"):
        read_shape(text)


def test_the_page_takes_as_many_characters_as_are_read() -> None:
    assert playground.MOST_CHARACTERS == MOST_CHARACTERS
