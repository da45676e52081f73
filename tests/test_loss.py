"""The loss in chunks: the same loss and gradients as from all logits at once, in less memory."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from llm_explorer import loss as loss_module
from llm_explorer.config import ModelConfig, RunConfig, choices, replace
from llm_explorer.loss import chunked_cross_entropy, chunks
from llm_explorer.measure.memory import tensor_peak_bytes
from llm_explorer.model import GPT, build
from llm_explorer.training import TrainingStep, random_batch
from tests.there import there

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = ModelConfig(vocab_size=5000, context_length=64, emb_dim=64, n_heads=4, n_layers=2, drop_rate=0.0)
RUN = RunConfig(batch_size=3, sequence_length=50)  # 150 positions
SIZES = (1, 7, 64, 150, 1000)  # 64 does not divide 150; the last two are one chunk


def loss_and_gradients(model: ModelConfig, run: RunConfig, gpt: GPT | None = None) -> tuple[float, Tensor]:
    """The loss of the mean over micro-batches, and all gradients as one vector in fp64."""
    step = TrainingStep(gpt or build(model, run), run)
    total = 0.0
    for _ in range(run.accumulation):
        loss = step.forward(*random_batch(model, run))
        step.backward(loss)
        total += loss.item() / run.accumulation
    return total, torch.cat([there(weight.grad).double().flatten() for weight in step.gpt.parameters()])


def error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("chunk", SIZES)
@pytest.mark.parametrize(
    ("of_model", "of_run"),
    [
        ({}, {}),
        ({"tie_embeddings": True}, {}),
        ({}, {"checkpointing": True}),
        ({"tie_embeddings": True}, {"accumulation": 3}),
        ({"drop_rate": 0.1}, {"attention": "materialized"}),
    ],
    ids=str,
)
def test_in_fp32_loss_and_gradients_are_those_of_all_logits_at_once(
    chunk: int, of_model: dict[str, Any], of_run: dict[str, Any]
) -> None:
    model, run = replace(SMALL, **of_model), replace(RUN, **of_run)
    expected_loss, expected = loss_and_gradients(model, run)
    loss, gradients = loss_and_gradients(model, replace(run, loss_chunk=chunk))
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    assert error(gradients, expected) < 2e-6  # measured: 2.4e-7, and 1.2e-6 for chunks of one: sums in another order


@pytest.mark.parametrize("precision", ["autocast", "bfloat16"])
@pytest.mark.parametrize("tied", [False, True])
def test_in_bf16_the_error_is_that_of_bf16_however_small_the_chunks(precision: Any, tied: bool) -> None:
    model, run = replace(SMALL, tie_embeddings=tied), replace(RUN, precision=precision)
    # the same weights, once they have been rounded to bf16 where they are, in fp32
    true_loss, true = loss_and_gradients(model, replace(run, precision="float32"), build(model, run).float())
    whole_loss, whole = loss_and_gradients(model, run)
    assert 1e-3 < error(whole, true) < 1e-2  # bf16 rounds by up to 2^-9 = 0.002, in every layer
    for chunk in SIZES:
        loss, gradients = loss_and_gradients(model, replace(run, loss_chunk=chunk))
        assert abs(loss - true_loss) <= max(abs(whole_loss - true_loss), 1e-4)
        assert error(gradients, true) < 1.02 * error(whole, true)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 30), st.integers(1, 50), st.integers(0, 2**32))
@settings(max_examples=40)
def test_alone_it_is_torchs_cross_entropy_of_the_product(
    positions: int, width: int, vocabulary: int, chunk: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(positions, width, generator=generator, dtype=torch.float32, requires_grad=True)
    weight = torch.randn(vocabulary, width, generator=generator, requires_grad=True)
    targets = torch.randint(vocabulary, (positions,), generator=generator)
    expected = torch.nn.functional.cross_entropy(hidden.double() @ weight.double().T, targets)
    found = chunked_cross_entropy(hidden, weight, targets, chunk)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)
    for mine, theirs in zip(
        torch.autograd.grad(3 * found, (hidden, weight)),
        torch.autograd.grad(3 * expected, (hidden, weight)),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_torchs_own_loss_in_chunks_agrees() -> None:
    options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=8)
    hidden, weight = torch.randn(30, 16, requires_grad=True), torch.randn(200, 16, requires_grad=True)
    targets = torch.randint(200, (30,))
    theirs = torch.nn.functional.linear_cross_entropy(hidden, weight, targets, options=options)
    ours = chunked_cross_entropy(hidden, weight, targets, 8)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(*(torch.autograd.grad(each, (hidden, weight)) for each in (ours, theirs)), strict=True):
        torch.testing.assert_close(mine, other)


def test_chunks_cover_all_positions_once() -> None:
    assert list(chunks(7, 3)) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert list(chunks(6, 3)) == [slice(0, 3), slice(3, 6)]
    assert list(chunks(2, 3)) == [slice(0, 2)]


def test_without_gradients_none_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    gpt, batch = build(SMALL, RUN), random_batch(SMALL, RUN)
    expected = gpt.loss(*batch).item()

    def no_gradient(*_: object) -> Tensor:
        raise AssertionError

    monkeypatch.setattr(loss_module, "_gradient_of_logits", no_gradient)
    with torch.no_grad():
        loss = gpt.loss(*batch, 64)
    assert not loss.requires_grad
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_a_second_backward_is_refused_in_words() -> None:
    loss = build(SMALL, RUN).loss(*random_batch(SMALL, RUN), 64)
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="call backward once, without retain_graph"):
        loss.backward()


@pytest.mark.parametrize("precision", choices("precision"))
def test_the_gradient_that_autograd_keeps_is_the_one_made_in_forward(precision: Any) -> None:
    run = replace(RUN, precision=precision, loss_chunk=64)
    step = TrainingStep(build(SMALL, run), run)
    loss = step.forward(*random_batch(SMALL, run))
    node: Any = loss.grad_fn
    made = node.gradients[1].data_ptr()
    step.backward(loss)
    assert there(step.gpt.head.weight.grad).data_ptr() == made
    assert node.gradients is None


@pytest.mark.parametrize("precision", choices("precision"))
def test_the_logits_of_all_positions_are_never_there(precision: Any) -> None:
    model = replace(SMALL, vocab_size=3000, emb_dim=16)  # half a million logits weigh more than the model
    peaks = {}
    for chunk in (None, 10):
        run = replace(RUN, precision=precision, optimizer="none", loss_chunk=chunk)
        step, batches = TrainingStep(build(model, run), run), [random_batch(model, run)]
        step(batches)
        peaks[chunk] = there(tensor_peak_bytes(step, batches))
    value_bytes = 2 if precision.startswith("bfloat16") else 4
    copies = 3 * 150 * 3000 * value_bytes  # log-probabilities, their gradient and that of the logits
    assert peaks[10] < peaks[None] - 0.6 * copies


@pytest.mark.parametrize("precision", choices("precision"))
def test_it_runs_on_fake_tensors_and_on_meta(precision: Any) -> None:
    run = replace(RUN, precision=precision, loss_chunk=64, accumulation=2)
    with FakeTensorMode():
        assert isinstance(TrainingStep(build(SMALL, run), run)([random_batch(SMALL, run)] * 2), FakeTensor)
    run = replace(run, device="meta")
    gpt = build(SMALL, run)
    gpt.loss(*random_batch(SMALL, run), 64).backward()
    assert there(gpt.head.weight.grad).shape == (5000, 64)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_model_learns_one_batch_by_heart(precision: Any) -> None:
    tiny = ModelConfig(vocab_size=61, context_length=16, emb_dim=32, n_heads=4, n_layers=2, drop_rate=0.0)
    run = RunConfig(precision=precision, loss_chunk=5)
    step, batch = TrainingStep(build(tiny, run), run, lr=1e-2), random_batch(tiny, run)
    losses = [step([batch]).item() for _ in range(60)]
    assert losses[0] == pytest.approx(math.log(61), abs=0.1)
    assert losses[-1] < 0.05
