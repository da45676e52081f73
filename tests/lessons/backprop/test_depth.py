"""Gradients through many layers: the shares against torch's own layers and against theory."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from llm_explorer.lessons.backprop.depth import MATCHED, WIDTH, shares_by_layer, through_depth


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_the_shares_are_those_of_a_network_of_torch_s_own_layers(activation: Any) -> None:
    # the same draws, in the same order, in nn.Linear with retain_grad
    generator = torch.Generator().manual_seed(3)
    h, outputs = torch.randn(16, WIDTH, generator=generator), []
    for _ in range(4):
        layer = nn.Linear(WIDTH, WIDTH, bias=False)
        with torch.no_grad():
            layer.weight.copy_(0.5 * torch.randn(WIDTH, WIDTH, generator=generator))
        h = (nn.Sigmoid() if activation == "sigmoid" else nn.ReLU())(layer(h))
        h.retain_grad()
        outputs.append(h)
    h.backward(torch.randn(16, WIDTH, generator=generator))
    norms = [output.grad.norm().item() for output in outputs if output.grad is not None]
    assert shares_by_layer(activation, 4, 0.5, 3) == pytest.approx([norm / norms[-1] for norm in norms], rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_a_sigmoid_never_lets_through_more_than_a_quarter_of_what_the_weights_do(seed: int) -> None:
    # slope of the sigmoid at most 1/4; weights N(0, 1/32), 32 x 32, stretch a vector by at most about 2 (Bai-Yin)
    shares = through_depth("sigmoid", 20, seed)["matched"]
    assert all(below / above < 2.5 / 4 for below, above in pairwise(shares))
    assert shares[0] < 1e-9  # "less than a billionth"


@pytest.mark.parametrize("seed", range(5))
def test_relu_vanishes_arrives_or_explodes_with_the_start(seed: int) -> None:
    # half of the ReLUs are open: each layer multiplies by about std sqrt(32 / 2), He et al. 2015, section 2.2
    shares = through_depth("relu", 20, seed)
    assert math.log10(shares["small"][0]) == pytest.approx(19 * math.log10(0.4), abs=1.5)
    assert math.log10(shares["matched"][0]) == pytest.approx(0, abs=1.5)
    assert math.log10(shares["large"][0]) == pytest.approx(19 * math.log10(4), abs=1.5)
    assert math.isclose(MATCHED["relu"] * math.sqrt(WIDTH / 2), 1)


def test_every_start_is_finite_at_the_most_layers_and_the_last_share_is_one() -> None:
    for activation in ("sigmoid", "relu"):
        for shares in through_depth(activation, 30, 0).values():
            assert all(0 < share < math.inf for share in shares)
            assert (len(shares), shares[-1]) == (30, 1)


def test_layers_out_of_range_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="Choose 2 to 30 layers"):
        through_depth("relu", 31, 0)
