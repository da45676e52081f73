from typing import Any

import pytest
import torch
from torch import Tensor

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.timing import StepTime
from llm_explorer.model import GPT, build
from llm_explorer.speed import refine as room
from llm_explorer.speed.predict import Refined
from llm_explorer.speed.refine import refine
from llm_explorer.training import TrainingStep, random_batch
from tests.there import there

MODEL = ModelConfig(vocab_size=50, context_length=16, emb_dim=16, n_heads=2, n_layers=12)
RUN = RunConfig(batch_size=1)


class Told:
    """Stands for a training step and for the clock that times it."""

    def __init__(self, took: dict[int, StepTime]) -> None:
        self.took, self.ran = took, list[int]()

    def step(self, gpt: GPT, _run: RunConfig) -> "Told":
        self.gpt = gpt
        return self

    def __call__(self, *_: object) -> None:
        self.ran.append(len(self.gpt.blocks))

    def clock(self, *_: object) -> "Told":
        return self

    def enter(self, _phase: str) -> None:
        """Nothing is timed."""

    def finish(self) -> StepTime:
        return self.took[self.ran[-1]]


def told(monkeypatch: pytest.MonkeyPatch, took: dict[int, StepTime]) -> Told:
    made = Told(took)
    monkeypatch.setattr(room, "TrainingStep", made.step)
    monkeypatch.setattr(room, "PhaseClock", made.clock)
    return made


def refined(layers: int) -> Refined:
    model = MODEL.model_copy(update={"n_layers": layers})
    return refine(model, RUN, budget_s=0.01, report=lambda *_: None)


@pytest.mark.parametrize(("layers", "deep"), [(12, 3), (3, 3), (2, 2), (1, 1)])
def test_layers_that_did_not_run_take_as_long_as_those_that_did(
    monkeypatch: pytest.MonkeyPatch, layers: int, deep: int
) -> None:
    # a layer takes 1 s of forward, 2 s of backward, 0.5 s of update; all else 10 s each
    made = told(monkeypatch, {depth: StepTime(10 + depth, 10 + 2 * depth, 10 + 0.5 * depth) for depth in (0, deep)})
    found = refined(layers)
    assert made.ran[:4] == [0, deep, 0, deep]
    assert found.forward.seconds == pytest.approx(10 + layers)
    assert found.backward.seconds == pytest.approx(10 + 2 * layers)
    assert found.step.seconds == pytest.approx(30 + 3.5 * layers)
    for seconds, low, high in found:
        assert low == pytest.approx(seconds / room.SPREAD)
        assert high == pytest.approx(seconds * room.SPREAD)


def test_a_slope_that_noise_turned_round_predicts_no_less_than_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, {0: StepTime(5, 5, 5), 3: StepTime(4, 4, 4)})
    assert refined(24).forward.seconds == 4


def test_the_interval_is_wider_where_the_samples_are(monkeypatch: pytest.MonkeyPatch) -> None:
    made = told(monkeypatch, {0: StepTime(0, 0, 0)})
    times = iter([1.0, 2.0, 3.0] * 1000)
    made.took = {0: StepTime(0, 0, 0), 3: StepTime(1, 1, 1)}
    monkeypatch.setattr(made, "finish", lambda: StepTime(next(times), 1, 0) if made.ran[-1] else made.took[0])
    seconds, low, high = refined(3).forward
    assert seconds == 2
    assert there(high) > 2 * room.SPREAD * 1.2
    assert low < 2 / room.SPREAD / 1.2


@pytest.mark.parametrize("settings", [{}, {"precision": "bfloat16_master", "accumulation": 2, "checkpointing": True}])
def test_it_really_runs_without_layers_and_with_three(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    ran, told = list[int](), list[str]()

    class Watched(TrainingStep):
        def __call__(self, *given: Any) -> Tensor:
            ran.append(len(self.gpt.blocks))
            return super().__call__(*given)

    monkeypatch.setattr(room, "TrainingStep", Watched)
    found = refine(
        MODEL, RunConfig(batch_size=1, **settings), budget_s=0.2, report=lambda *each: told.append(str(each[2]))
    )
    assert ran[:4] == [0, 3, 0, 3]
    assert found.step.seconds >= found.forward.seconds > 0
    assert found.backward.seconds > found.forward.seconds / 10
    assert told[-1].startswith("Timed ")


def test_blocks_that_are_left_out_are_not_written() -> None:
    """Nor is time spent on copying what nobody changed, where the weights are copies of fp32 ones."""
    run = RunConfig(batch_size=1, precision="bfloat16_master")
    gpt = build(MODEL.model_copy(update={"n_layers": 1}), run)
    step, [block] = TrainingStep(gpt, run, lr=0.1), gpt.blocks
    gpt.blocks = torch.nn.ModuleList()
    written = {weight: weight._version for weight in (gpt.head.weight, *block.parameters())}
    step([random_batch(MODEL, run)])
    assert [weight for weight, before in written.items() if weight._version != before] == [gpt.head.weight]
