"""The faster products are those of torch, and only where and while they are asked for."""

from itertools import accumulate
from typing import Any

import pytest
import torch

from llm_explorer.config import Bf16Products, ModelConfig, Precision, RunConfig
from llm_explorer.measure.bf16_on_old_cpus import are_own, fast_products, products
from llm_explorer.model import build
from llm_explorer.speed import calibrate
from llm_explorer.speed.calibration import Calibration, Key, key_for
from llm_explorer.training import random_batch
from llm_explorer.worker.child import __main__ as child
from tests.speed.calibrations import calibration


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shape of the first factor of each product that was made in tiles."""
    told: list[tuple[int, ...]] = []
    real = products._in_tiles

    def watched(a: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        told.append(tuple(a.shape))
        return real(a, *others)

    monkeypatch.setattr(products, "_in_tiles", watched)
    return told


def numbers(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).to(dtype)


SHAPES = [(300, 1100, 260), (256, 1024, 256), (64, 64, 64), (9, 2, 5), (0, 3, 2)]


@pytest.mark.usefixtures("old_processor")
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.int64])
def test_a_product_is_that_of_torch_also_into_a_place(rows: int, inner: int, columns: int, dtype: torch.dtype) -> None:
    a, b = ((10 * numbers(*shape, dtype=torch.float32)).to(dtype) for shape in ((rows, inner), (inner, columns)))
    expected, place = a @ b, torch.full((2, rows, columns), 7, dtype=dtype)
    # terms of about 100 add up to 3,300 on the way, and may cancel to next to nothing: 0.01 is fp32's rounding of 3,300
    near: dict[str, Any] = {} if dtype is torch.int64 else {"rtol": 1.6e-2, "atol": 1e-2}
    with fast_products("bfloat16", "cpu"):
        torch.testing.assert_close(a @ b, expected, **near)
        torch.testing.assert_close(a @ b.T.contiguous().T, expected, **near)
        torch.testing.assert_close((b.T @ a.T).T, expected, **near)
        torch.mm(a, b, out=place[1])
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            torch.mm(a, torch.cat([b, b]))
    torch.testing.assert_close(place[1], expected, **near)
    assert (place[0] == 7).all()


@pytest.mark.usefixtures("old_processor")
def test_sums_are_rounded_once() -> None:
    """Nearer to the product in fp64 than one step of bf16, also with a bias."""
    a, b, bias = numbers(280, 2100), numbers(2100, 270), 100 * numbers(270)
    with fast_products("bfloat16", "cpu"):
        product, with_bias = a @ b, torch.addmm(bias, a, b)
    exact = a.double() @ b.double()
    torch.testing.assert_close(product.double(), exact, rtol=2**-8, atol=1e-4)
    torch.testing.assert_close(with_bias.double(), exact + bias.double(), rtol=2**-8, atol=1e-4)


@pytest.mark.usefixtures("old_processor")
@pytest.mark.parametrize("keywords", [{}, {"alpha": 2.0}, {"beta": 0.5}])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_with_a_bias(dtype: torch.dtype, keywords: dict[str, Any]) -> None:
    a, b = numbers(70, 80, dtype=dtype), numbers(80, 90, dtype=dtype)
    for bias in (numbers(90, dtype=dtype), numbers(70, 1, dtype=dtype), numbers(70, 90, dtype=dtype)):
        expected = torch.addmm(bias, a, b, **keywords)
        with fast_products("bfloat16", "cpu"):
            torch.testing.assert_close(torch.addmm(bias, a, b, **keywords), expected)


@pytest.mark.usefixtures("old_processor")
@pytest.mark.parametrize("shape", [(6, 70, 80, 90), (3, 400, 500, 40), (40, 8, 8, 8), (5, 0, 3, 2)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_batch_of_products(shape: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    count, rows, inner, columns = shape
    a, b = numbers(count, rows, inner, dtype=dtype), numbers(count, columns, inner, dtype=dtype).transpose(1, 2)
    expected = a @ b
    with fast_products("bfloat16", "cpu"):
        torch.testing.assert_close(a @ b, expected)


@pytest.mark.usefixtures("old_processor")
def test_a_step_of_a_model_comes_to_the_same_loss_and_gradients(calls: list[tuple[int, ...]]) -> None:
    model = ModelConfig(vocab_size=300, context_length=32, emb_dim=64, n_heads=4, n_layers=2, drop_rate=0.0)
    run = RunConfig(batch_size=4, precision="bfloat16", attention="materialized")
    gpt, batch = build(model, run), random_batch(model, run)

    def gradients() -> list[torch.Tensor]:
        gpt.zero_grad()
        loss = gpt.loss(*batch)
        loss.backward()
        return [loss.detach().float(), *(weight.grad.float() for weight in gpt.parameters() if weight.grad is not None)]

    before = gradients()
    assert calls == []
    with fast_products("bfloat16", "cpu"):
        inside = gradients()
    assert (128, 300) in calls  # the gradient of the logits
    calls.clear()
    after = gradients()
    assert calls == []
    assert len(before) > 20
    for one, other, third in zip(before, inside, after, strict=True):
        assert (one - other).norm() <= 0.02 * one.norm()
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
    precision: Precision, device: str, capability: str, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[int, ...]]
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    with fast_products(precision, device):
        numbers(64, 64) @ numbers(64, 64)
    assert calls == []


@pytest.mark.usefixtures("old_processor")
def test_small_products_are_left_to_torch_and_after_an_error_all_are(calls: list[tuple[int, ...]]) -> None:
    def fail() -> None:
        with fast_products("bfloat16", "cpu"):
            numbers(40, 40) @ numbers(40, 40)
            assert calls == []
            numbers(64, 64) @ numbers(64, 64)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert calls == [(64, 64)]
    numbers(64, 64) @ numbers(64, 64)
    assert calls == [(64, 64)]


@pytest.mark.usefixtures("old_processor")
def test_it_needs_little_memory() -> None:
    """As told above: 2.3 MB beside the factors and the result."""
    a, b = numbers(600, 3000), numbers(3000, 700)
    with fast_products("bfloat16", "cpu"), torch.profiler.profile(profile_memory=True) as profiler:
        torch.mm(a, b)
    changes = [event.nbytes() for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    most = max(accumulate(changes))
    assert 600 * 700 * 2 < most <= 600 * 700 * 2 + 2.4e6


@pytest.mark.usefixtures("old_processor")
@pytest.mark.parametrize("kind", ["measure", "refine", "calibrate"])
@pytest.mark.parametrize("chosen", ["own", "torch"])
def test_each_job_runs_the_kernels_that_were_chosen(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[int, ...]], kind: str, chosen: Bf16Products
) -> None:
    def calibrated(key: Key, **_: object) -> Calibration:
        assert key == key_for(run, "default")
        numbers(64, 64) @ numbers(64, 64)
        return calibration(run, products_in_fp32=are_own())

    model = ModelConfig(vocab_size=300, context_length=64, emb_dim=64, n_heads=4, n_layers=1)
    run = RunConfig(precision="bfloat16", bf16_products=chosen, threads=torch.get_num_threads())
    monkeypatch.setattr(calibrate, "calibrate", calibrated)
    job = {"id": 1, "kind": kind, "key": key_for(run, "default").model_dump(), "budget_s": 0.01, "limit_bytes": None}
    job |= {"model": model.model_dump(), "run": run.model_dump()}
    answer = child._answer(job, lambda event: None, None)
    assert answer["event"] == "result", answer["reason"]
    assert bool(calls) is (chosen == "own")
    if kind == "measure":
        assert answer["result"]["environment"]["own_products"] is (chosen == "own")
    if kind == "calibrate":
        assert answer["result"]["products_in_fp32"] is (chosen == "own")
    assert not are_own()
