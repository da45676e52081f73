"""PyTorch beside NumPy: what is shared, what is a copy, and what a timing tells."""

import pytest

from llm_explorer.lessons.tensors.numpy_bridge import MOST_SIZE, gradient, time_products, write_through
from llm_explorer.ui.lessons.tensors.containers import BRIDGES


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("into", ["array", "tensor"])
def test_what_is_written_into_one_is_seen_in_the_other_unless_it_was_copied(bridge: str, into: str) -> None:
    # https://docs.pytorch.org/docs/stable/generated/torch.from_numpy.html; torch.tensor always copies
    made = write_through(bridge, into)
    other = "tensor" if into == "array" else "array"
    assert made[into] == [9, 1, 1]
    assert made[other] == ([1, 1, 1] if bridge == "torch.tensor(a)" else [9, 1, 1])
    assert made["shared"] == (bridge != "torch.tensor(a)")


def test_the_gradient_of_the_sum_of_squares_is_twice_x() -> None:
    made = gradient([1.0, 2.0, -3.0])
    assert made["autograd"] == [2, 4, -6]
    assert made["differences"] == pytest.approx([2, 4, -6], abs=1e-5)
    assert made["differences"] != made["autograd"]


def test_a_timing_has_both_medians_ten_samples_each_and_equal_products() -> None:
    made = time_products(32, seed=1)
    for name in ("torch", "numpy"):
        assert made[name]["n"] == len(made[name]["samples"]) == 10
        assert min(made[name]["samples"]) > 0
        assert min(made[name]["samples"]) <= made[name]["median"] <= max(made[name]["samples"])
    assert made["difference"] < 1e-5  # float32 has 7 digits


@pytest.mark.parametrize("size", [0, MOST_SIZE + 1])
def test_a_size_that_would_keep_others_waiting_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        time_products(size)
