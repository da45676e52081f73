import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given

from llm_explorer.accounting.flops import count_flops
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.hardware import find
from llm_explorer.speed import store
from llm_explorer.speed.operations import operations
from llm_explorer.speed.predict import SPREAD, predict, predict_with, predicted_times, roofline, roofline_of
from tests.speed.calibrations import FACTORS, calibration
from tests.strategies import pairs

MODEL = ModelConfig(vocab_size=100, context_length=32, emb_dim=24, n_heads=3, n_layers=2)


@given(pairs())
def test_a_prediction_is_the_sum_of_what_its_operations_take(pair: tuple[ModelConfig, RunConfig]) -> None:
    model, run = pair
    found, all_operations = predict_with(calibration(run), model, run), operations(model, run, "cpu")
    expected = {
        phase: sum(each.times * each.work * 1e-9 + each.calls * 1e-6 for each in all_operations if each.phase == phase)
        for phase in ("forward", "backward", "optimizer")
    }
    assert found.forward.seconds == pytest.approx(expected["forward"])
    assert found.backward.seconds == pytest.approx(expected["backward"])
    assert found.step.seconds == pytest.approx(sum(expected.values()))


def test_each_group_has_its_factor() -> None:
    run = RunConfig()
    usual = predict_with(calibration(run), MODEL, run).forward.seconds
    grown = []
    for group in FACTORS:
        factors = {phase: FACTORS | {group: 3.0} for phase in ("forward", "backward", "optimizer")}
        grown.append(predict_with(calibration(run, factors=factors), MODEL, run).forward.seconds - usual)
    assert min(grown) > 0
    assert sum(grown) == pytest.approx(2 * usual)


def test_the_interval_is_wider_after_a_disturbed_calibration() -> None:
    run = RunConfig()
    calm = predict_with(calibration(run), MODEL, run).step
    assert (calm.low, calm.high) == pytest.approx((calm.seconds / SPREAD, calm.seconds * SPREAD))
    disturbed = predict_with(calibration(run, disturbance=0.5), MODEL, run).step
    assert disturbed.high == pytest.approx(1.5 * SPREAD * calm.seconds)


def test_nothing_is_predicted_before_a_calibration_and_then_it_is() -> None:
    run = RunConfig()
    assert predict(MODEL, run, "fast") is None
    assert predicted_times(MODEL, run, "fast") == {"forward_s": None, "backward_s": None, "step_s": None}
    made = calibration(run, "fast")
    store.save(made)
    assert predict(MODEL, run, "fast") == predict_with(made, MODEL, run)
    assert predict(MODEL, run, "default") is None
    assert predict(MODEL, replace(run, precision="autocast"), "fast") is None
    assert predicted_times(MODEL, run, "fast")["step_s"] == predict_with(made, MODEL, run).step.seconds


def test_the_roofline_is_the_longer_of_arithmetic_and_memory() -> None:
    found = operations(MODEL, RunConfig(), "cpu")
    arithmetic = roofline(found, 1.0, 1e30).step.seconds
    counted = count_flops(MODEL, RunConfig())
    assert arithmetic == pytest.approx(counted.forward + counted.backward)
    memory = roofline(found, 1e30, 1.0).step.seconds
    assert memory == pytest.approx(sum(each.times * each.bytes for each in found))
    both = roofline(found, 1.0, 1.0).step.seconds
    assert max(arithmetic, memory) <= both <= arithmetic + memory


def test_a_named_accelerator_has_a_lower_bound_and_no_more() -> None:
    h100, run = find("h100-80gb"), RunConfig(precision="bfloat16", batch_size=64, sequence_length=1024)
    assert h100 is not None
    found = roofline_of(h100, ModelConfig(), run)
    assert found is not None
    assert (found.basis, found.step.high) == ("roofline", None)
    counted = count_flops(ModelConfig(), run)
    assert found.step.seconds >= (counted.forward + counted.backward) / 989e12  # NVIDIA's dense bf16 peak


@pytest.mark.parametrize(("name", "precision"), [("macbook-m4-16gb", "bfloat16"), ("t4-16gb", "bfloat16")])
def test_where_a_peak_is_unknown_so_is_the_time(name: str, precision: Any) -> None:
    hardware = find(name)
    assert hardware is not None
    assert roofline_of(hardware, ModelConfig(), RunConfig(precision=precision)) is None


def test_predicting_imports_neither_torch_nor_numpy() -> None:
    code = "import sys, llm_explorer.speed.predict; print({'torch', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
