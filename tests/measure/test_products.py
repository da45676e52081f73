"""The faster products are those of torch, and only where and while they are asked for."""

import pytest
import torch

from llm_explorer.config import Precision
from llm_explorer.measure import products
from llm_explorer.measure.products import fast_products, in_fast_order


@pytest.fixture
def old_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line for each product that was ours."""
    told: list[str] = []
    real = products.in_fast_order

    def watched(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        told.append(f"{[*a.shape]} {[*b.shape]}")
        return real(a, b)

    monkeypatch.setattr(products, "in_fast_order", watched)
    return told


def numbers(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.mark.usefixtures("old_processor")
@pytest.mark.parametrize(
    ("rows", "inner", "columns"), [(40, 200, 64), (300, 30, 20), (64, 64, 64), (1, 9, 5), (0, 3, 2)]
)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.int64])
def test_a_product_is_that_of_torch_also_into_a_place(rows: int, inner: int, columns: int, dtype: torch.dtype) -> None:
    a, b = (10 * numbers(*shape, dtype=torch.float32) for shape in ((rows, inner), (inner, columns)))
    a, b = a.to(dtype), b.to(dtype)
    expected, place = a @ b, torch.full((2, rows, columns), 7, dtype=dtype)
    with fast_products("bfloat16", "cpu"):
        torch.testing.assert_close(a @ b, expected)
        torch.mm(a, b, out=place[1])
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            torch.mm(a, torch.cat([b, b[:1], b[:1]]) if len(b) else a)
    torch.testing.assert_close(place[1], expected)
    assert (place[0] == 7).all()


@pytest.mark.usefixtures("old_processor")
def test_backward_uses_them_in_the_block_and_not_after_it(calls: list[str]) -> None:
    linear, x = torch.nn.Linear(32, 48, dtype=torch.bfloat16), numbers(2, 64, 32).requires_grad_()

    def gradients() -> list[torch.Tensor]:
        return [*torch.autograd.grad(linear(x).square().sum(), [x, linear.weight])]

    before = gradients()
    assert calls == []
    with fast_products("autocast", "cpu"):
        inside = gradients()
    assert "[128, 48] [48, 32]" in calls
    calls.clear()
    after = gradients()
    assert calls == []
    for one, other, third in zip(before, inside, after, strict=True):
        torch.testing.assert_close(one, other)
        assert torch.equal(one, third)


@pytest.mark.parametrize(
    ("precision", "device", "capability"),
    [
        ("float32", "cpu", "AVX2"),
        ("bfloat16", "cuda", "AVX2"),
        ("bfloat16", "cpu", "AVX512"),
        ("autocast", "cpu", "NO"),
    ],
)
def test_elsewhere_torch_does_as_it_always_does(
    precision: Precision, device: str, capability: str, monkeypatch: pytest.MonkeyPatch, calls: list[str]
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    with fast_products(precision, device):
        numbers(64, 64) @ numbers(64, 64)
    assert calls == []


@pytest.mark.usefixtures("old_processor")
def test_they_are_gone_after_an_error(calls: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), fast_products("bfloat16", "cpu"):
        raise ZeroDivisionError
    numbers(64, 64) @ numbers(64, 64)
    assert calls == []


@pytest.mark.parametrize(
    ("a", "b", "copied"),
    [
        (numbers(64, 40), numbers(40, 90), 0),  # the smaller one
        (numbers(64, 90), numbers(90, 40), 1),
        (numbers(64, 64), numbers(64, 64).T, None),  # forward: in order already
        (numbers(64, 64).T, numbers(64, 64), None),  # the weights' gradient
        (numbers(8, 8), numbers(8, 8), None),  # too small to be worth it
        (numbers(64, 64, dtype=torch.float32), numbers(64, 64, dtype=torch.float32), None),
    ],
)
def test_the_smaller_factor_is_copied_and_only_where_that_helps(
    a: torch.Tensor, b: torch.Tensor, copied: int | None
) -> None:
    found = in_fast_order(a, b)
    for number, (one, other) in enumerate(zip(found, (a, b), strict=True)):
        assert torch.equal(one, other)
        assert (one.stride() == (1, len(one))) is (number == copied or other.stride() == (1, len(other)))
        assert (one is other) is (number != copied)
