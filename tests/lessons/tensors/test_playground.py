"""The playground: operations one after another, with torch's own refusals."""

import pytest
import torch

from llm_explorer.lessons.tensors.playground import OPERATIONS, play
from llm_explorer.texts import tensors as texts
from llm_explorer.ui.lessons.tensors import playground

MATRIX = "[[1, 2], [3, 4]]"


def test_the_page_offers_exactly_the_operations_that_there_are() -> None:
    assert tuple(OPERATIONS) == playground.OPERATIONS


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_does_what_its_code_says(operation: str) -> None:
    played = play(MATRIX, "[10, 20]", "4", [operation])
    names = {"x": torch.tensor([[1, 2], [3, 4]]), "b": torch.tensor([10, 20]), "torch": torch}
    exec(played["states"][1]["code"], names)
    assert played["states"][1]["values"] == names["x"].tolist()  # type: ignore[attr-defined]


def test_operations_happen_in_their_order() -> None:
    assert play(MATRIX, "", "4", [".T", ".reshape(shape)"])["states"][-1]["values"] == [1, 3, 2, 4]
    assert play("[[1, 2, 3]]", "", "3, 1", [".reshape(shape)", ".T"])["states"][-1]["shape"] == [1, 3]


def test_it_is_told_whether_numbers_were_copied() -> None:
    states = play(MATRIX, "", "4", [".T", ".reshape(shape)"])["states"]
    assert [state["copied"] for state in states] == [None, False, True]


def test_what_torch_refuses_is_given_in_its_words_after_the_steps_that_went_well() -> None:
    played = play(MATRIX, "", "4", [".T", ".view(shape)", ".mT"])
    assert "view size is not compatible" in played["refusal"]
    assert len(played["states"]) == 2


@pytest.mark.parametrize(
    ("a", "b", "shape", "operations"),
    [
        (MATRIX, "", "3", [".reshape(shape)"]),
        (MATRIX, "[[1, 2, 3]]", "", [" @ b"]),
        (MATRIX, "[1, 2, 3]", "", [" + b"]),
        ("[1, 2]", "", "", [".mT"]),
        (MATRIX, "[[1.5, 2], [3, 4]]", "", [" @ b"]),
    ],
)
def test_common_refusals_have_a_meaning_in_our_words(a: str, b: str, shape: str, operations: list[str]) -> None:
    refusal = play(a, b, shape, operations)["refusal"]
    assert [words for words in texts.REFUSALS if words in refusal] != []


@pytest.mark.parametrize(
    ("a", "b", "shape", "operations", "told"),
    [
        ("[1,", "", "", [], "not closed"),
        (MATRIX, "", "", [" + b"], "needs a second tensor"),
        (MATRIX, "[oops]", "", [" + b"], "In b: 'o'"),
        (MATRIX, "", "two", [".view(shape)"], "A shape is written"),
        ("[[1], [2], [3], [4], [5], [6]]", "[1, 2, 3, 4, 5]", "", [" + b"], "has 30 numbers"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(a: str, b: str, shape: str, operations: list[str], told: str) -> None:
    played = play(a, b, shape, operations)
    assert told in played["problem"]
    assert played["refusal"] is None


def test_a_second_tensor_that_no_operation_needs_is_not_read() -> None:
    assert play(MATRIX, "nonsense", "nonsense", [".T"])["problem"] is None


def test_a_vector_transposes_to_itself_without_a_warning() -> None:
    assert play("[1, 2]", "", "", [".T"])["states"][-1]["values"] == [1, 2]
