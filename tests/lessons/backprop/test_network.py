"""The small network of the backpropagation lesson, against torch and by hand."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from llm_explorer.lessons.backprop.network import (
    Data,
    SimpleNet,
    by_hand,
    closing,
    examples,
    five_steps,
    gradients_by_hand,
    network_map,
    new_net,
    population,
    train,
)

DATA: tuple[Data, ...] = ("one sample", "mixed labels", "data set")


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("seed", range(5))
def test_the_formulas_give_autograd_s_gradients(data: Any, seed: int) -> None:
    net, (inputs, labels) = new_net(seed), examples(data, seed)
    nn.BCELoss()(net(inputs), labels).backward()
    for name, gradient in gradients_by_hand(net, inputs, labels).items():
        torch.testing.assert_close(gradient, dict(net.named_parameters())[name].grad)
    rows = by_hand(data, seed)["rows"]
    assert [row["name"] for row in rows] == ["fc2.weight", "fc2.bias", "fc1.weight", "fc1.bias"]  # the output first
    assert [row["by_hand"] for row in rows] == pytest.approx([row["autograd"] for row in rows], rel=1e-5)
    assert max(row["difference"] for row in rows) < 1e-6


def test_the_formulas_give_the_slopes_that_small_steps_measure() -> None:
    net, (inputs, labels) = new_net(1).double(), examples("data set", 1)
    inputs, labels = inputs.double(), labels.double()
    gradients = gradients_by_hand(net, inputs, labels)
    for name, weight in net.named_parameters():
        flat = weight.detach().view(-1)
        losses = []
        for step in (1e-6, -2e-6):
            flat[0] += step
            losses.append(nn.BCELoss()(net(inputs), labels).item())
        flat[0] += 1e-6
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(gradients[name].flatten()[0].item(), abs=1e-8)


def test_the_network_is_that_of_the_text() -> None:
    # 10 x 5 weights and 5 biases, then 5 x 1 and 1
    assert {name: tuple(weight.shape) for name, weight in SimpleNet().named_parameters()} == {
        "fc1.weight": (5, 10),
        "fc1.bias": (5,),
        "fc2.weight": (1, 5),
        "fc2.bias": (1,),
    }
    assert sum(weight.numel() for weight in SimpleNet().parameters()) == 61


def test_one_step_moves_every_parameter_by_lr_times_its_gradient() -> None:
    seen = five_steps(seed=4, lr=0.01, steps=0)
    before, after = seen["before"], seen["after"]
    moved = 0
    for was, now, gradient in zip(before["parameters"], after["parameters"], before["gradients"], strict=True):
        for old, new, slope in zip(was, now, gradient, strict=True):
            if old is not None:
                assert new == pytest.approx(old - 0.01 * slope, abs=1e-7)
                moved += old != new
    assert moved == 3 * 12 + 1  # seed 4 starts with three open neurons; the output's bias always moves
    assert after["loss"] < before["loss"]
    assert before["loss"] == pytest.approx(-math.log(before["output"]))  # the label is 1


def test_steps_are_replayed_from_the_seed() -> None:
    assert five_steps(4, 0.01, 7)["after"] == five_steps(4, 0.01, 8)["before"]
    assert five_steps(4, 0.01, 7) == five_steps(4, 0.01, 7)
    assert five_steps(5, 0.01, 7) != five_steps(4, 0.01, 7)
    assert five_steps(4, 0.02, 7) != five_steps(4, 0.01, 7)


def test_the_map_has_a_row_for_each_neuron_and_one_for_the_output() -> None:
    net = new_net(0)
    weights = {name: weight.detach() for name, weight in net.named_parameters()}
    rows = network_map(weights)
    assert [len(row) for row in rows] == [12] * 6
    assert rows[2][:10] == net.fc1.weight[2].tolist()
    assert rows[2][10:] == [net.fc1.bias[2].item(), net.fc2.weight[0, 2].item()]
    assert rows[5] == [None] * 10 + [net.fc2.bias.item(), None]


@pytest.mark.parametrize("data", DATA)
def test_a_closed_neuron_has_a_row_of_exact_zeros_and_the_others_do_not(data: Any) -> None:
    seen = closing(data, seed=4, neurons=[0, 2])
    rows = seen["after"]["gradients"]
    assert rows[0] == rows[2] == [0.0] * 12
    assert all(value != 0 for value in rows[1])
    assert seen["after"]["open"][0] == seen["after"]["open"][2] == 0
    assert seen["before"]["gradients"][0] != [0.0] * 12
    assert seen["after"]["highest"][0] == pytest.approx(-0.1, abs=1e-5)


def test_with_all_neurons_closed_only_the_output_s_bias_has_a_gradient() -> None:
    rows = closing("data set", seed=4, neurons=[0, 1, 2, 3, 4])["after"]["gradients"]
    assert rows[:5] == [[0.0] * 12] * 5
    assert rows[5][10] != 0


def test_a_dead_neuron_stays_closed_in_training() -> None:
    net, (inputs, labels) = new_net(4), examples("data set", 4)
    with torch.no_grad():
        net.fc1.bias[1] = -100.0
    before = net.fc1.weight[1].tolist()
    train(net, inputs, labels, lr=1.0, steps=50)
    assert net.fc1.weight[1].tolist() == before
    assert net.fc1.bias[1].item() == -100.0


def test_closing_a_closed_neuron_changes_nothing() -> None:
    assert closing("one sample", seed=4, neurons=[3])["before"] == closing("one sample", seed=4, neurons=[3])["after"]


def test_at_the_start_half_of_the_relus_are_closed_for_one_input() -> None:
    # weights, biases and inputs are symmetric about 0, so each sum is as likely below 0; 1000 draws, 4 deviations
    shares = [share for seed in range(200) for share in closing("one sample", seed, [])["before"]["open"]]
    assert set(shares) == {0.0, 1.0}
    assert abs(sum(shares) / 1000 - 0.5) < 4 * math.sqrt(0.25 / 1000)


def test_the_examples_are_what_the_lesson_says() -> None:
    one, mixed, many = (examples(data, 3) for data in DATA)
    assert (one[0].shape, one[1].tolist()) == ((1, 10), [[1.0]])
    assert torch.equal(mixed[0], one[0].repeat(4, 1))
    assert mixed[1].flatten().tolist() == [1, 1, 1, 0]
    assert (many[0].shape, many[1].shape) == ((64, 10), (64, 1))
    assert set(many[1].flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(population(3)[0][:64], many[0])


def test_labels_of_another_shape_are_refused_as_the_lesson_says() -> None:
    with pytest.raises(ValueError, match="target size"):
        nn.BCELoss()(new_net(0)(torch.randn(1, 10)), torch.tensor([1.0]))


def test_what_is_out_of_range_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="The hidden neurons are 0 to 4"):
        closing("one sample", 0, [5])
    with pytest.raises(ValueError, match="Choose 0 to 100 steps"):
        five_steps(0, 0.01, 101)
