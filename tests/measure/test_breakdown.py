"""Every moment of a step belongs to the component that was at work."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure import breakdown
from llm_explorer.measure.breakdown import ComponentClock, break_down
from llm_explorer.model import build
from llm_explorer.training import TrainingStep, random_batch
from tests.there import there
from tests.variants import VARIANTS

MODEL = ModelConfig(vocab_size=100, context_length=16, emb_dim=16, n_heads=2, n_layers=2)
RUN = RunConfig(batch_size=2)
PLACES = {
    "embeddings": ("token_embedding", "position_embedding"),
    "norms": ("blocks.0.attention_norm", "blocks.1.mlp_norm", "final_norm"),
    "attention": ("blocks.0.attention.qkv", "blocks.1.attention.projection"),
    "feed-forward": ("blocks.0.mlp.up", "blocks.1.mlp.down"),
    "head": ("head",),
}


def prepared(run: RunConfig = RUN, model: ModelConfig = MODEL) -> tuple[TrainingStep, list[Any]]:
    return TrainingStep(build(model, run), run), [random_batch(model, run)] * run.accumulation


class Slow(torch.autograd.Function):
    """Nothing but time: 5 s in forward, 7 s in backward."""

    now = 0.0

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        Slow.now += 5
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        Slow.now += 7
        return gradient


def slowed(module: nn.Module) -> None:
    forward: Callable[..., Tensor] = module.forward
    module.forward = lambda *args: Slow.apply(forward(*args))  # type: ignore[no-untyped-call]


def times_of(step: TrainingStep, batches: list[Any]) -> dict[tuple[str, str], float]:
    clock = ComponentClock(lambda: None, lambda: Slow.now)
    with clock.watching(step.gpt):
        clock.start()
        step(batches, clock.begin)
        return clock.finish()


@pytest.mark.parametrize(("component", "name"), [(part, name) for part, names in PLACES.items() for name in names])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_time_counts_for_the_component_that_takes_it(component: str, name: str, accumulation: int) -> None:
    step, batches = prepared(replace(RUN, accumulation=accumulation))
    slowed(step.gpt.get_submodule(name))
    times = times_of(step, batches)
    slow = {place: seconds for place, seconds in times.items() if seconds}
    assert slow == {("forward", component): 5 * accumulation, ("backward", component): 7 * accumulation}


@pytest.mark.parametrize(
    ("variant", "name", "component"),
    [
        ("gemma2", "blocks.0.attention_post_norm", "norms"),
        ("gemma2", "blocks.1.mlp_post_norm", "norms"),
        ("olmo2", "blocks.0.attention.query_norm", "norms"),
        ("qwen3", "blocks.1.attention.key_norm", "norms"),
        ("olmo2", "blocks.1.attention.projection", "attention"),
        ("olmo2", "blocks.1.attention_post_norm", "norms"),
        ("phi", "blocks.0.attention.qkv", "attention"),
        ("phi", "blocks.1.mlp.up", "feed-forward"),
        ("gpt_neox", "blocks.0.mlp_norm", "norms"),
        ("mixtral", "blocks.0.mlp.router", "feed-forward"),
        ("shared experts", "blocks.1.mlp.experts", "feed-forward"),
        ("shared experts", "blocks.2.mlp.shared.down", "feed-forward"),
    ],
)
def test_time_of_a_variants_module_counts_for_its_component(variant: str, name: str, component: str) -> None:
    step, batches = prepared(model=VARIANTS[variant])
    slowed(step.gpt.get_submodule(name))
    slow = {place: seconds for place, seconds in times_of(step, batches).items() if seconds}
    assert slow == {("forward", component): 5, ("backward", component): 7}


def test_a_checkpointed_block_runs_its_forward_a_second_time_in_backward() -> None:
    step, batches = prepared(replace(RUN, checkpointing=True))
    slowed(step.gpt.get_submodule("blocks.0.attention.qkv"))
    times = times_of(step, batches)
    assert (times["forward", "attention"], times["backward", "attention"]) == (5, 12)


def test_with_a_chunked_loss_the_head_is_part_of_the_loss() -> None:
    times = times_of(*prepared(replace(RUN, loss_chunk=5)))
    assert ("forward", "loss") in times
    assert ("forward", "head") not in times


@pytest.fixture
def slow_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes the time of what is slowed and no other: each sample is the same, whatever else runs here."""
    monkeypatch.setattr(breakdown, "time", SimpleNamespace(perf_counter=lambda: Slow.now))
    monkeypatch.setattr(breakdown, "ComponentClock", lambda synchronize: ComponentClock(synchronize, lambda: Slow.now))


def test_parts_sum_to_the_whole_and_the_model_is_left_as_it_was(slow_time: None) -> None:
    step, batches = prepared()
    for name in ("blocks.0.attention.qkv", "blocks.1.mlp.up", "head"):
        slowed(step.gpt.get_submodule(name))
    found = break_down(step, batches, budget_s=10_000, synchronize=lambda: None)
    assert found is not None
    forward, backward = ({part: s for part, s in spent.items() if s} for spent in (found.forward, found.backward))
    assert forward == {"attention": 5, "feed-forward": 5, "head": 5}
    assert backward == {"attention": 7, "feed-forward": 7, "head": 7}
    assert (found.whole, found.overhead, found.n) == (36, 0, 15)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in step.gpt.modules())


def test_the_optimizer_is_part_of_the_whole(slow_time: None, monkeypatch: pytest.MonkeyPatch) -> None:
    step, batches = prepared()
    slowed(step.gpt.head)
    there(step.optimizer).register_step_post_hook(lambda *_: setattr(Slow, "now", Slow.now + 3))
    found = break_down(step, batches, budget_s=10_000, synchronize=lambda: None)
    assert found is not None
    assert (found.optimizer, found.whole) == (3, 15)


def test_pairs_end_with_the_budget(slow_time: None) -> None:
    step, batches = prepared()
    slowed(step.gpt.head)  # 24 s a pair: three take 72
    for budget_s, pairs in ((72, 4), (95, 4), (96, 5)):
        found = break_down(step, batches, budget_s=budget_s, synchronize=lambda: None)
        assert found is not None
        assert found.n == pairs
    assert break_down(step, batches, budget_s=71, synchronize=lambda: None) is None


def test_a_step_too_slow_for_the_budget_is_not_taken_apart() -> None:
    assert break_down(*prepared(), budget_s=0.0, synchronize=lambda: None) is None
