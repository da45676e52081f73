from collections.abc import Iterator

import pytest
import torch

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.timing import StepTime
from llm_explorer.speed import refine as room
from llm_explorer.speed.refine import refine

MODEL = ModelConfig(vocab_size=50, context_length=16, emb_dim=16, n_heads=2, n_layers=12)


@pytest.fixture
def depths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The depths that were run; a layer takes 1 s of forward, 2 s of backward, 0.5 s of update; all else 10 s each."""
    asked = []

    def took(_model: ModelConfig, _run: RunConfig, layers: int, *_: object) -> StepTime:
        asked.append(layers)
        return StepTime(10 + layers, 10 + 2 * layers, 10 + 0.5 * layers)

    monkeypatch.setattr(room, "_step_time", took)
    return asked


def refined(layers: int) -> dict[str, list[float]]:
    model = MODEL.model_copy(update={"n_layers": layers})
    return refine(model, RunConfig(), budget_s=1, report=lambda *_: None)


@pytest.mark.parametrize(("layers", "ran"), [(12, [0, 3]), (3, [0, 3]), (2, [0, 2]), (1, [0, 1])])
def test_layers_that_did_not_run_take_as_long_as_those_that_did(depths: list[int], layers: int, ran: list[int]) -> None:
    found = refined(layers)
    assert depths == ran
    assert found["forward_s"][0] == pytest.approx(10 + layers)
    assert found["backward_s"][0] == pytest.approx(10 + 2 * layers)
    assert found["step_s"][0] == pytest.approx(30 + 3.5 * layers)
    for seconds, low, high in found.values():
        assert low < seconds < high


def test_a_slope_that_noise_turned_round_predicts_no_less_than_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    times: Iterator[StepTime] = iter([StepTime(5, 5, 5), StepTime(4, 4, 4)])
    monkeypatch.setattr(room, "_step_time", lambda *_: next(times))
    assert refined(24)["forward_s"][0] == 4


@pytest.mark.parametrize("settings", [{}, {"precision": "bfloat16_master", "accumulation": 2, "checkpointing": True}])
def test_it_really_runs_without_layers_and_with_three(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    built = []
    real = room.TrainingStep

    def watched(gpt: torch.nn.Module, run: RunConfig) -> object:
        built.append(len(gpt.blocks))
        return real(gpt, run)

    monkeypatch.setattr(room, "TrainingStep", watched)
    found = refine(MODEL, RunConfig(batch_size=1, **settings), budget_s=0.2, report=lambda *_: None)
    assert built == [0, 3]
    assert found["step_s"][0] >= found["forward_s"][0] + found["backward_s"][0]
