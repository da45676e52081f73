"""What training does with the small network's gradients, against torch and by argument."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from llm_explorer.lessons.backprop.network import examples, new_net, training_step
from llm_explorer.lessons.backprop.training import (
    descent,
    drop_at_each_rate,
    follow,
    forgetting,
    step_without_zero_grad,
    what_they_learn,
)


@pytest.mark.parametrize("data", ["one sample", "data set"])
def test_the_predicted_drop_is_lr_times_the_squared_length_of_the_gradient(data: Any) -> None:
    net, (inputs, labels) = new_net(4), examples(data, 4)
    nn.BCELoss()(net(inputs), labels).backward()
    squares = sum((weight.grad**2).sum().item() for weight in net.parameters() if weight.grad is not None)
    drops = descent(data, seed=4, lr=0.3, steps=3)
    assert drops["predicted"][0] == pytest.approx(0.3 * squares, rel=1e-5)
    assert [len(drops[name]) for name in ("losses", "predicted", "actual")] == [4, 4, 3]
    assert drops["actual"] == [before - after for before, after in pairwise(drops["losses"])]


def test_the_smaller_the_rate_the_better_the_prediction() -> None:
    # a line touches the curve: what it misses shrinks with the square of the step, so half the rate misses a quarter
    misses = []
    for lr in (0.02, 0.01):
        drops = descent("data set", seed=4, lr=lr, steps=1)
        misses.append(drops["predicted"][0] - drops["actual"][0])
    assert misses[0] / misses[1] == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize("data", ["one sample", "data set"])
def test_the_drop_at_a_rate_is_that_of_a_real_step(data: Any) -> None:
    found = drop_at_each_rate(data, seed=4)
    for place in (0, 8, 16):
        drops = descent(data, 4, found["rates"][place], 1)
        assert found["actual"][place] == pytest.approx(drops["actual"][0], abs=1e-5)
        assert found["predicted"][place] == pytest.approx(drops["predicted"][0], rel=1e-5)
    assert (min(found["rates"]), max(found["rates"])) == (pytest.approx(0.001), pytest.approx(100))


@pytest.mark.parametrize("seed", range(10))
def test_on_one_sample_the_loss_never_rises_and_on_the_data_set_it_does(seed: int) -> None:
    one, many = drop_at_each_rate("one sample", seed), drop_at_each_rate("data set", seed)
    assert min(one["actual"]) >= 0
    assert max(one["actual"]) <= one["loss"]
    assert max(one["predicted"]) > one["loss"]
    assert min(many["actual"]) < 0


def test_training_that_breaks_still_has_finite_numbers() -> None:
    for seed in range(5):
        drops = descent("data set", seed, 100.0, 40)
        assert all(math.isfinite(value) for values in drops.values() for value in values)


def test_forgetting_zero_grad_is_a_momentum_of_one() -> None:
    # torch's SGD: buf = momentum * buf + g; without zero_grad .grad is the same sum
    net, (inputs, labels) = new_net(4), examples("mixed labels", 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=1.0)
    losses = [training_step(net, optimizer, inputs, labels) for _ in range(31)]
    assert forgetting(4, 0.1, 30)["without"]["losses"] == pytest.approx(losses, abs=1e-5)
    assert forgetting(4, 0.1, 30)["with"] == follow(training_step, "mixed labels", 4, 0.1, 30)


@pytest.mark.parametrize("seed", [2, 3, 4, 5, 7])
def test_with_zero_grad_the_output_comes_to_rest_at_three_quarters_and_without_it_swings_past(seed: int) -> None:
    # the loss of labels 1, 1, 1, 0 is least where its slope y_hat - mean(y) is 0: at 0.75
    found = forgetting(seed, 0.1, 60)
    assert found["with"]["outputs"][-1] == pytest.approx(0.75, abs=0.02)
    assert max(found["with"]["outputs"]) < 0.76
    assert max(found["without"]["outputs"]) > 0.8
    assert found["with"]["norms"][-1] < 0.1 < max(found["without"]["norms"][-20:])


@pytest.mark.parametrize("seed", range(5))
def test_on_data_it_can_fit_the_slip_looks_faster_at_first(seed: int) -> None:
    right = follow(training_step, "data set", seed, 0.1, 20)["losses"]
    slip = follow(step_without_zero_grad, "data set", seed, 0.1, 20)["losses"]
    assert slip[-1] < right[-1]


@pytest.mark.parametrize("seed", range(6))
def test_one_sample_teaches_always_one_and_the_data_set_teaches_which(seed: int) -> None:
    found = what_they_learn(seed, 0.3, 100)
    one, many = found["one sample"], found["data set"]
    assert one["says_one"] > 0.9
    assert one["right"] == pytest.approx(found["labelled_one"], abs=0.1)  # right where the label happens to be 1
    assert many["right"] > one["right"] + 0.25
    assert sum(one["counts"]) == sum(many["counts"]) == 200
    assert sum(one["counts"][5:]) == pytest.approx(200 * one["says_one"], abs=1)


def test_too_many_steps_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="Choose 0 to 100 steps"):
        follow(training_step, "data set", 0, 0.1, 101)
