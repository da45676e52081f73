"""Calibrations and refinements in the queue, with real children; and the command line's calibrate."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from llm_explorer import budget
from llm_explorer.cli import main
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.result import Measured, Result, make_result
from llm_explorer.speed import store
from llm_explorer.speed.predict import predict, predicted_times, with_prediction
from llm_explorer.worker import attempt, task
from llm_explorer.worker.attempt import run_alone, run_measurement
from llm_explorer.worker.queue import MeasuringQueue
from llm_explorer.worker.task import Calibration, Measurement, Refinement, RefinementResult
from tests.speed.calibrations import calibration
from tests.there import there
from tests.worker.children import TINY
from tests.worker.jobs import result_of

RUN = RunConfig(batch_size=1, threads=1)


def test_a_calibration_is_kept_and_from_then_on_times_are_predicted(
    queue: MeasuringQueue, own_calibrations: Path
) -> None:
    assert predict(TINY, RUN) is None
    result = result_of(queue.submit_task(Calibration(TINY, RUN), "ann"))
    assert result == Result(status="ok", reason=None)
    found = predict(TINY, RUN)
    assert found is not None
    assert 0 < found.forward.seconds < found.step.seconds < 10
    (file,) = own_calibrations.glob("*.json")
    assert store.load(Calibration(TINY, RUN).key).calibration is not None
    assert json.loads(file.read_text())["key"]["threads"] == 1
    printed = CliRunner().invoke(main, ["report", "class-0.1m", "--set", "threads=1", "--json"])
    assert json.loads(printed.stdout)["predicted"]["step_s"] > 0


def test_a_refinement_tells_each_phase_with_its_interval(queue: MeasuringQueue) -> None:
    deep = replace(TINY, n_layers=8)
    result = result_of(queue.submit_task(Refinement(deep, RUN), "ann"))
    assert isinstance(result, RefinementResult)
    assert (result.status, result.reason) == ("ok", None)
    for seconds, low, high in there(result.refined):
        assert 0 < low < seconds < there(high)


def test_many_models_share_a_calibration_but_not_a_refinement() -> None:
    other = replace(TINY, n_layers=1)
    assert Calibration(TINY, RUN).key == Calibration(other, RUN).key
    assert Refinement(TINY, RUN).key != Refinement(other, RUN).key
    assert Refinement(TINY, RUN).key != Measurement(TINY, RUN).key
    sized = replace(RUN, hardware="h100-80gb")
    assert Refinement(TINY, RUN).key == Refinement(TINY, sized).key


@pytest.mark.parametrize("kind", [Calibration, Refinement])
def test_meta_is_refused(kind: Any) -> None:
    result = run_alone(kind(TINY, replace(RUN, device="meta")))
    assert (result.status, result.reason) == ("refused", "meta has no speed: choose a real device")


@pytest.mark.parametrize("kind", [Calibration, Refinement])
def test_a_device_that_is_not_there_is_refused_as_a_measurement_is(
    kind: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path))
    result = run_alone(kind(TINY, replace(RUN, device="cuda:99")))
    assert result.status == "refused"
    assert there(result.reason).startswith("cuda:99 is not on this machine; there are cpu")


def test_a_calibration_needs_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "free_bytes", lambda: 10**8)
    result = run_alone(Calibration(TINY, RUN))
    assert result.status == "refused"
    assert there(result.reason).endswith(", 95.4 MiB are free")


def test_a_refinement_is_refused_by_the_memory_of_three_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = ModelConfig(emb_dim=1024, n_heads=16, n_layers=100, vocab_size=1000)
    asked: list[int] = []
    monkeypatch.setattr(budget, "free_bytes", lambda: 10**8)

    def refuse(model: ModelConfig, *_: object) -> str:
        asked.append(model.n_layers)
        return "too large"

    monkeypatch.setattr(task, "refusal", refuse)
    assert run_alone(Refinement(wide, RUN)).reason == "too large"
    assert asked == [3]


def test_what_is_measured_has_its_prediction_beside_it(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made = calibration(RUN, "default")
    store.save(made)
    elsewhere = make_result(TINY, RUN, "failed", "no reason", environment={"allocator": "fast"})
    assert with_prediction(elsewhere, TINY, RUN).predicted.step_s is None
    monkeypatch.setattr(task, "choose_allocator", lambda *_: "default")
    for result in (run_measurement(TINY, RUN), Measurement(TINY, RUN).ended("failed", "no reason")):
        assert isinstance(result, Measured)
        predicted = result.predicted.model_dump(include={"forward_s", "backward_s", "step_s"})
        assert predicted == predicted_times(TINY, RUN, "default")
        assert there(result.predicted.step_s) > 0
