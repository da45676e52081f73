"""Rotation and masks: what the positions of a pass share."""

import math

import pytest
import torch
from torch import Tensor

from llm_explorer.config import replace
from llm_explorer.model.positions import Rotation, make_places, make_rotation
from tests.variants import VARIANTS

LLAMA = replace(VARIANTS["llama"], head_dim=8, rope_theta=10_000.0)


def rotation(start: int, length: int, share: float = 1.0) -> Rotation:
    config = replace(LLAMA, rope_share=share)
    return make_rotation(config, start, length, torch.device("cpu"), torch.float32)


def as_complex(x: Tensor, positions: range, width: int) -> Tensor:
    """The definition: value i and value i + R/2 are a complex number, turned by position x theta^(-2i/R)."""
    pairs = torch.complex(x[..., : width // 2], x[..., width // 2 : width])
    angles = torch.tensor([[m * 10_000.0 ** (-2 * i / width) for i in range(width // 2)] for m in positions])
    turned = pairs * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag, x[..., width:]], dim=-1)


@pytest.mark.parametrize(("share", "width"), [(1.0, 8), (0.5, 4), (0.25, 2)])
def test_pairs_are_turned_as_complex_numbers_and_the_rest_stays(share: float, width: int) -> None:
    x = torch.randn(2, 3, 5, 8)
    torch.testing.assert_close(rotation(7, 12, share)(x), as_complex(x, range(7, 12), width))


def test_products_of_queries_and_keys_know_only_how_far_they_are_apart() -> None:
    q, k = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)
    products = [rotation(at, at + 1)(q) @ rotation(at - 3, at - 2)(k).mT for at in (3, 10, 1000)]
    torch.testing.assert_close(products[0], products[1])
    torch.testing.assert_close(products[0], products[2], rtol=0, atol=1e-3)


def masks(start: int, length: int, window: int | None, every: int | None = None) -> dict[int | None, list[list[int]]]:
    """1 where a key is seen."""
    config = replace(LLAMA, n_layers=4, sliding_window=window, full_attention_every=every)
    places = make_places(config, torch.zeros(1, length - start, 48), start)
    for mask in places.unseen.values():
        assert set(mask.unique().tolist()) <= {0.0, -math.inf}
    return {key: (mask == 0).int().tolist() for key, mask in places.unseen.items()}


def test_a_window_of_three_sees_itself_and_two_before() -> None:
    assert masks(0, 5, 3) == {3: [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1]]}
    assert masks(3, 5, 3) == {3: [[0, 1, 1, 1, 0], [0, 0, 1, 1, 1]]}
    assert masks(4, 5, 3) == {3: [[0, 0, 1, 1, 1]]}


def test_there_is_a_mask_only_where_causal_does_not_say_it() -> None:
    assert masks(0, 5, None) == {}
    assert masks(4, 5, None) == {}  # one token after others sees all there are
    assert masks(3, 5, None) == {None: [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]}
    assert masks(0, 5, 5) == {}  # nothing is out of sight
    assert set(masks(0, 5, 3, every=2)) == {3}
    assert set(masks(2, 5, 3, every=2)) == {3, None}


def test_under_autocast_they_have_the_dtype_of_products() -> None:
    x = torch.zeros(1, 5, 48)
    with torch.autocast("cpu", torch.bfloat16):
        places = make_places(replace(LLAMA, sliding_window=2), x, 0)
    assert places.rotation is not None
    assert {places.rotation.cos.dtype, places.rotation.sin.dtype, places.unseen[2].dtype} == {torch.bfloat16}
