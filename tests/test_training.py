"""One training step: its recipes, optimizers, accumulation, and that it learns."""

import math
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from llm_explorer.config import ModelConfig, RunConfig, choices, replace
from llm_explorer.model import build
from llm_explorer.training import LEARNING_RATE, Batch, TrainingStep, random_batch
from tests.there import there

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = ModelConfig(vocab_size=61, context_length=16, emb_dim=32, n_heads=4, n_layers=2, drop_rate=0.0)
IMPLEMENTATIONS = choices("optimizer_implementation")
FP32, BF16 = torch.float32, torch.bfloat16


def made(run: RunConfig, model: ModelConfig = TINY, **options: Any) -> TrainingStep:
    return TrainingStep(build(model, run), run, **options)


def flat_weights(step: TrainingStep) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in step.gpt.parameters()])


def after_steps(run: RunConfig, steps: int, **options: Any) -> torch.Tensor:
    step = made(run, **options)
    for _ in range(steps):
        step([random_batch(TINY, run)] * run.accumulation)
    return flat_weights(step)


# ---------------------------------------------------------------- the batch


def test_a_random_batch_has_its_shape_and_range_and_repeats_with_the_seed() -> None:
    run = RunConfig(batch_size=64, seed=3)
    tokens, targets = random_batch(TINY, run)
    assert tokens.shape == targets.shape == (64, 16)  # T = min(C, 256)
    assert tokens.dtype is targets.dtype is torch.int64
    assert tokens.min() == targets.min() == 0
    assert tokens.max() == targets.max() == 60
    assert not torch.equal(tokens, targets)
    assert torch.equal(tokens, random_batch(TINY, run)[0])
    assert not torch.equal(tokens, random_batch(TINY, replace(run, seed=4))[0])
    assert random_batch(TINY, replace(run, sequence_length=5))[0].shape == (64, 5)


def test_a_random_batch_is_on_the_device_of_the_run() -> None:
    assert {tensor.device.type for tensor in random_batch(TINY, RunConfig(device="meta"))} == {"meta"}


# ---------------------------------------------------------------- precision recipes


@pytest.mark.parametrize(
    ("precision", "weights", "logits", "masters", "states"),
    # bytes a parameter, weights + gradients + optimizer: 4+4+8, the same, 2+2+4, 2+2+12
    [
        ("float32", FP32, FP32, None, FP32),
        ("autocast", FP32, BF16, None, FP32),
        ("bfloat16", BF16, BF16, None, BF16),
        ("bfloat16_master", BF16, BF16, FP32, FP32),
    ],
)
def test_each_precision_keeps_weights_gradients_and_states_in_its_dtypes(
    precision: Any, weights: torch.dtype, logits: torch.dtype, masters: torch.dtype | None, states: torch.dtype
) -> None:
    run = RunConfig(precision=precision)
    step = made(run)
    seen: list[torch.dtype] = []
    step.gpt.head.register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    loss = step.forward(*random_batch(TINY, run))
    step.backward(loss)
    assert seen == [logits]
    assert loss.dtype is (BF16 if weights is BF16 else FP32)
    parameters = list(step.gpt.parameters())
    assert {parameter.dtype for parameter in parameters} == {weights}
    assert {there(parameter.grad).dtype for parameter in parameters} == {weights}
    step.update()
    moments = [state[name] for state in there(step.optimizer).state.values() for name in ("exp_avg", "exp_avg_sq")]
    assert {moment.dtype for moment in moments} == {states}
    assert sum(moment.numel() for moment in moments) == 2 * sum(parameter.numel() for parameter in parameters)
    assert {master.dtype for master in step.masters.values()} == ({masters} if masters else set())


def test_master_weights_start_as_the_weights_and_give_them_back_rounded() -> None:
    run = RunConfig(precision="bfloat16_master")
    step = made(run)
    assert all(torch.equal(weight.float(), master) for weight, master in step.masters.items())
    step([random_batch(TINY, run)])
    assert all(torch.equal(weight, master.bfloat16()) for weight, master in step.masters.items())
    assert any(not torch.equal(weight.float(), master) for weight, master in step.masters.items())


@pytest.mark.parametrize("tied", [False, True])
def test_gradients_are_bf16_or_fp32_never_both_when_the_master_optimizer_runs(tied: bool) -> None:
    model, run = replace(TINY, tie_embeddings=tied), RunConfig(precision="bfloat16_master")
    step = made(run, model)
    assert len(step.masters) == len(list(step.gpt.parameters()))
    alive: list[tuple[int, set[torch.dtype]]] = []

    def before_optimizer(*_: object) -> None:
        low = sum(weight.grad is not None for weight in step.masters)
        alive.append((low, {there(master.grad).dtype for master in step.masters.values()}))

    there(step.optimizer).register_step_pre_hook(before_optimizer)
    step([random_batch(model, run)])
    assert alive == [(0, {FP32})]
    assert all(weight.grad is None and master.grad is None for weight, master in step.masters.items())


def test_master_weights_learn_from_updates_below_the_resolution_of_bf16() -> None:
    # AdamW moves a weight by about lr = 1e-4 a step; bf16 has 8 bits of precision, so around 1.0 its neighbours are
    # 2^-8 and 2^-7 away and anything below 2^-9 = 0.00195 rounds back: pure bf16 never leaves 1.0
    norms = {}
    for precision in ("bfloat16", "bfloat16_master"):
        run = RunConfig(precision=precision)
        step = made(run, lr=1e-4)
        for _ in range(60):
            step([random_batch(TINY, run)])
        norms[precision] = step.gpt.final_norm.weight.detach()
    assert (norms["bfloat16"] == 1).all()
    assert (norms["bfloat16_master"] != 1).float().mean() > 0.5


def test_losses_of_all_precisions_agree_to_the_resolution_of_bf16() -> None:
    losses = {}
    for precision in choices("precision"):
        run = RunConfig(precision=precision, batch_size=8)
        losses[precision] = made(run)([random_batch(TINY, run)]).item()
    assert losses["float32"] == pytest.approx(math.log(61), abs=0.05)
    assert losses == pytest.approx(dict.fromkeys(losses, losses["float32"]), rel=2**-7)


# ---------------------------------------------------------------- optimizers


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16_master"])
def test_all_optimizer_implementations_agree(optimizer: Any, precision: Any) -> None:
    run = RunConfig(optimizer=optimizer, precision=precision)
    fused, foreach, loop = (
        after_steps(replace(run, optimizer_implementation=implementation), 5) for implementation in IMPLEMENTATIONS
    )
    start = after_steps(run, 0)
    assert (fused - start).abs().max() > LEARNING_RATE / 10
    # weights are about 0.02: a few fp32 roundings, or one bf16 rounding that fell the other way
    rtol, atol = (0.0, 1e-6) if precision == "float32" else (2**-7, 1e-6)
    torch.testing.assert_close(foreach, fused, rtol=rtol, atol=atol)
    torch.testing.assert_close(loop, fused, rtol=rtol, atol=atol)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_implementation_asked_for_is_the_one_that_runs(optimizer: Any, implementation: Any) -> None:
    run = RunConfig(optimizer=optimizer, optimizer_implementation=implementation)
    step = made(run)
    step.backward(step.forward(*random_batch(TINY, run)))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        step.update()
    ran = {event.name for event in profile.events()}
    if f"aten::_fused_{optimizer}_" in ran:  # which counts its steps with a foreach operation
        assert implementation == "fused"
    elif any(name.startswith("aten::_foreach_") for name in ran):
        assert implementation == "foreach"
    else:
        assert implementation == "for_loop"


def test_sgd_is_plain_and_its_step_is_the_learning_rate_times_the_gradient() -> None:
    run = RunConfig(optimizer="sgd")
    step = made(run, lr=0.5)
    before = flat_weights(step)
    step.backward(step.forward(*random_batch(TINY, run)))
    gradients = torch.cat([there(parameter.grad).flatten() for parameter in step.gpt.parameters()])
    step.update()
    torch.testing.assert_close(flat_weights(step), before - 0.5 * gradients)
    assert len(there(step.optimizer).state) == 0


@pytest.mark.parametrize("precision", choices("precision"))
def test_without_an_optimizer_the_weights_stay_and_the_gradients_go(precision: Any) -> None:
    run = RunConfig(optimizer="none", precision=precision)
    step = made(run)
    before = flat_weights(step)
    step([random_batch(TINY, run)])
    assert torch.equal(flat_weights(step), before)
    assert step.optimizer is None
    assert step.masters == {}
    assert all(parameter.grad is None for parameter in step.gpt.parameters())


# ---------------------------------------------------------------- accumulation and phases


def split(batch: Batch, parts: int) -> list[Batch]:
    return list(zip(*(tensor.chunk(parts) for tensor in batch), strict=True))


def test_three_micro_batches_of_two_equal_one_batch_of_six() -> None:
    whole = RunConfig(batch_size=6, optimizer="sgd")
    batch = random_batch(TINY, whole)
    one, three = made(whole, lr=1.0), made(replace(whole, batch_size=2, accumulation=3), lr=1.0)
    before = flat_weights(one)
    one_loss, three_loss = one([batch]), three(split(batch, 3))
    torch.testing.assert_close(three_loss, one_loss, rtol=1e-6, atol=0)
    assert (flat_weights(one) - before).abs().max() > 0.01
    torch.testing.assert_close(flat_weights(three), flat_weights(one), rtol=0, atol=1e-7)  # measured: 3e-8


def test_the_number_of_batches_must_be_the_accumulation() -> None:
    run = RunConfig(accumulation=3)
    with pytest.raises(ValueError, match=r"^2 batches for accumulation=3: pass one batch a micro-batch$"):
        made(run)([random_batch(TINY, run)] * 2)


def test_each_phase_is_told_as_it_begins() -> None:
    run = RunConfig(accumulation=2)
    step = made(run)
    phases: list[tuple[str, bool]] = []

    def mark(phase: str) -> None:
        phases.append((phase, step.gpt.head.weight.grad is not None))

    loss = step([random_batch(TINY, run)] * 2, mark)
    # gradients are alive from the first backward on, and gone after the step
    assert phases == [
        ("forward", False),
        ("backward", False),
        ("forward", True),
        ("backward", True),
        ("optimizer", True),
    ]
    assert step.gpt.head.weight.grad is None
    assert not loss.requires_grad  # a caller that keeps losses keeps no graphs


# ---------------------------------------------------------------- learning, and running on nothing


@pytest.mark.parametrize("precision", choices("precision"))
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_tiny_model_learns_one_batch_by_heart(precision: Any, checkpointing: bool) -> None:
    run = RunConfig(precision=precision, checkpointing=checkpointing)
    step, batch = made(run, lr=1e-2), random_batch(TINY, run)
    losses = [step([batch]).item() for _ in range(60)]
    assert losses[0] > 4.0  # ln 61 = 4.11: it knows nothing
    assert losses[-1] < 0.05  # measured: 0.004 in fp32, 0.007 in pure bf16


def test_a_step_repeats_with_the_seed_dropout_included() -> None:
    dropping = replace(TINY, drop_rate=0.1)

    def losses(seed: int) -> list[float]:
        run = RunConfig(seed=seed)
        step = made(run, dropping)
        return [step([random_batch(dropping, run)]).item() for _ in range(3)]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


@pytest.mark.parametrize("precision", choices("precision"))
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("attention", choices("attention"))
def test_the_step_runs_on_fake_tensors(precision: Any, implementation: Any, attention: Any) -> None:
    model = replace(TINY, drop_rate=0.1, tie_embeddings=True)
    run = RunConfig(
        precision=precision,
        optimizer_implementation=implementation,
        attention=attention,
        checkpointing=True,
        accumulation=2,
    )
    with FakeTensorMode():
        step = made(run, model)
        losses = [step([random_batch(model, run)] * 2) for _ in range(2)]
    assert all(isinstance(loss, FakeTensor) and loss.shape == () for loss in losses)
    assert isinstance(step.gpt.head.weight, FakeTensor)
