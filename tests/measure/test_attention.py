"""The faster backward of fused attention is that of torch, no less exact, and only for bf16."""

from itertools import accumulate
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from llm_explorer.measure.bf16_on_old_cpus import fast_products
from llm_explorer.torch_private import ATTENTION_BACKWARD

pytestmark = pytest.mark.usefixtures("old_processor", "one_thread")

# batch, heads of queries, of keys, positions, width of a head
SHAPES = [(2, 4, 4, 40, 16), (3, 6, 2, 33, 8), (1, 1, 1, 5, 4), (1, 4, 4, 700, 64), (2, 2, 1, 1200, 64)]


def inputs(shape: tuple[int, ...], dtype: torch.dtype = torch.bfloat16) -> list[Tensor]:
    """Queries, keys, values and the gradient of what comes out, as a model has them: parts of one product."""
    batch, heads, of_keys, length, width = shape
    generator = torch.Generator().manual_seed(0)
    whole = torch.randn(batch, length, (2 * heads + 2 * of_keys) * width, generator=generator).to(dtype)
    parts = whole.split([width * count for count in (heads, of_keys, of_keys, heads)], dim=-1)
    return [part.unflatten(-1, (-1, width)).transpose(1, 2) for part in parts]


def gradients(given: list[Tensor], **how: Any) -> tuple[Tensor, ...]:
    query, key, value, gradient = given
    q, k, v = leaves = [each.detach().requires_grad_() for each in (query, key, value)]
    how = {"is_causal": "attn_mask" not in how, "enable_gqa": query.shape[1] != key.shape[1], **how}
    mixed = F.scaled_dot_product_attention(q, k, v, **how)
    return torch.autograd.grad(mixed, leaves, gradient)


def window(length: int, dtype: torch.dtype) -> Tensor:
    positions = torch.arange(length)
    behind = positions[:, None] - positions
    return torch.zeros(length, length, dtype=dtype).masked_fill((behind < 0) | (behind >= 7), -torch.inf)


def error(found: tuple[Tensor, ...], exact: tuple[Tensor, ...]) -> list[float]:
    return [float((one.double() - other).norm() / other.norm()) for one, other in zip(found, exact, strict=True)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradients_are_no_further_from_the_exact_ones_than_torchs(shape: tuple[int, ...], masked: bool) -> None:
    given = inputs(shape)
    how, exact_how = (
        {"attn_mask": window(shape[3], dtype)} if masked else {} for dtype in (torch.bfloat16, torch.double)
    )
    exact = gradients([each.double() for each in given], **exact_how)
    torchs = error(gradients(given, **how), exact)
    with fast_products("bfloat16", "cpu"):
        ours = error(gradients(given, **how), exact)
    for one, other in zip(ours, torchs, strict=True):
        assert one <= 1.01 * other + 1e-6
        assert one < 0.01


@pytest.mark.parametrize("how", [{}, {"scale": 0.3}], ids=str)
def test_in_fp32_it_is_torchs_own_to_the_bit(how: dict[str, float]) -> None:
    given = inputs(SHAPES[1], torch.float32)
    expected = gradients(given, **how)
    with fast_products("bfloat16", "cpu"):
        found = gradients(given, **how)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_a_scale_is_heard() -> None:
    given = inputs(SHAPES[0])
    with fast_products("bfloat16", "cpu"):
        found = gradients(given, scale=0.5)
    assert max(error(found, gradients([each.double() for each in given], scale=0.5))) < 0.01


def test_it_lies_in_memory_as_torchs_does_and_needs_little_more() -> None:
    """As told there: 4 MB beside the gradients, of which torch takes 2.6 by itself."""
    query, key, value, gradient = inputs((1, 8, 8, 1024, 64))
    mixed, sums = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(query, key, value, 0.0, True)
    operation = getattr(torch.ops.aten, ATTENTION_BACKWARD)
    expected = operation(gradient, query, key, value, mixed, sums, 0.0, True)
    with fast_products("bfloat16", "cpu"), torch.profiler.profile(profile_memory=True) as profiler:
        found = operation(gradient, query, key, value, mixed, sums, 0.0, True)
    assert [each.stride() for each in found] == [each.stride() for each in expected]
    changes = [event.nbytes() for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    results = 3 * query.numel() * 2
    assert results + 2.6e6 < max(accumulate(changes)) <= results + 4e6
