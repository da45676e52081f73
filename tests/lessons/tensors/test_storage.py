"""Storage and strides: what torch does to memory, and the arithmetic that is shown for it."""

from typing import Any

import pytest
import torch

from llm_explorer.lessons.tensors.storage import MOST_STEPS, apply, places, same_storage, strip, walk
from llm_explorer.ui.lessons.tensors import grids

TRANSPOSE: tuple[str, list[int]] = ("transpose", [])
CONTIGUOUS: tuple[str, list[int]] = ("contiguous", [])


def last(*steps: Any) -> dict[str, Any]:
    return dict(walk(list(steps))["states"][-1])


def test_transposing_changes_the_strides_and_no_number_moves() -> None:
    walked = walk([TRANSPOSE])
    before, after = walked["states"]
    assert (before["strides"], after["strides"]) == ([4, 1], [1, 4])  # by hand
    assert walked["strips"] == [[float(number) for number in range(12)]]
    assert not after["contiguous"]


def test_view_refuses_after_transpose_in_torchs_words_and_changes_nothing() -> None:
    state = last(TRANSPOSE, ("view", [12]))
    assert state["refusal"].startswith("view size is not compatible with input tensor's size and stride")
    assert (state["shape"], state["strip"]) == ([4, 3], 0)


def test_reshape_after_transpose_makes_a_second_strip_of_48_bytes() -> None:
    walked = walk([TRANSPOSE, ("reshape", [12])])
    state = walked["states"][-1]
    assert (state["strip"], state["bytes"]) == (1, 48)  # 12 float32 numbers
    assert walked["strips"][1] == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]  # column by column


@pytest.mark.parametrize("name", ["view", "reshape"])
def test_a_new_shape_in_reading_order_copies_nothing(name: str) -> None:
    assert last((name, [2, 2, 3]))["strip"] == 0


def test_contiguous_copies_only_what_is_not() -> None:
    assert last(CONTIGUOUS)["strip"] == 0
    assert last(TRANSPOSE, CONTIGUOUS)["strip"] == 1


def test_of_a_batch_of_matrices_the_last_two_dimensions_are_exchanged() -> None:
    state = last(("view", [2, 2, 3]), TRANSPOSE)
    assert (state["code"], state["shape"], state["strides"]) == ("x = x.mT", [2, 3, 2], [6, 1, 3])


def test_a_vector_cannot_be_transposed() -> None:
    assert "only supported on matrices" in last(("view", [12]), TRANSPOSE)["refusal"]


def test_the_code_shown_makes_the_tensor_shown() -> None:
    steps = [("view", [4, 3]), TRANSPOSE, ("reshape", [2, 2, 3]), TRANSPOSE, CONTIGUOUS]
    names: dict[str, Any] = {"torch": torch}
    for state in walk(steps)["states"]:
        exec(state["code"], names)
        assert names["x"].tolist() == state["values"]
        assert list(names["x"].stride()) == state["strides"]


@pytest.mark.parametrize(
    "x",
    [
        torch.arange(12.0).view(3, 4),
        torch.arange(12.0).view(3, 4).T,
        torch.arange(12.0).view(2, 2, 3).mT,
        torch.arange(12.0),
    ],
    ids=["matrix", "transposed", "batch", "vector"],
)
def test_the_number_at_an_index_lies_where_the_strides_say(x: torch.Tensor) -> None:
    flat = strip(x)
    for place in places(x):
        assert flat[place["position"]] == x[tuple(place["index"])]
    assert [place["position"] for place in places(x)] == x.flatten().tolist()  # the numbers are their own places


def test_two_tensors_share_a_strip_until_one_is_copied() -> None:
    x = torch.arange(12.0).view(3, 4)
    assert same_storage(apply("transpose", [], x), x)
    assert not same_storage(x.clone(), x)


def test_more_steps_than_are_kept_are_refused_in_words() -> None:
    assert len(walk([TRANSPOSE] * MOST_STEPS)["states"]) == MOST_STEPS + 1
    with pytest.raises(ValueError, match="start over"):
        walk([TRANSPOSE] * (MOST_STEPS + 1))


def test_the_page_stops_where_the_lesson_does() -> None:
    assert grids.MOST_STEPS == MOST_STEPS
