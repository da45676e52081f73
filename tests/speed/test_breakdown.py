"""Where predicted time goes, and why: sums, known answers, and agreement with other counts."""

import pytest
from hypothesis import given, settings

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.kernels import kernels_of_hardware
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.hardware import find
from llm_explorer.measure.result import Components
from llm_explorer.measure.statistics import Timing
from llm_explorer.speed import breakdown
from llm_explorer.speed.explanations import dropout_cost, noise, shares
from llm_explorer.speed.operations import operations
from llm_explorer.speed.predict import predict_with, roofline_of, timed_operations
from tests.speed.calibrations import calibration
from tests.strategies import pairs

SMALL = ModelConfig(vocab_size=100, context_length=64, emb_dim=64, n_heads=4, n_layers=3)


@settings(max_examples=25)
@given(pairs())
def test_every_split_of_the_time_sums_to_the_predicted_step(pair: tuple[ModelConfig, RunConfig]) -> None:
    model, run = pair
    made = calibration(run)
    timed = timed_operations(made, model, run)
    step = predict_with(made, model, run).step.seconds
    assert sum(breakdown.seconds_by_component(timed, run).values()) == pytest.approx(step)
    by_phase = [breakdown.seconds_by_component(timed, run, phase) for phase in ("forward", "backward", "optimizer")]
    assert sum(sum(each.values()) for each in by_phase) == pytest.approx(step)
    flops = count_flops(model, run)
    sums = breakdown.flops_by_operation(operations(model, run, "cpu"))
    assert sum(sum(by.values()) for by in sums.values()) == (flops.forward + flops.backward) * run.accumulation
    if run.loss_chunk is None:  # else the head's gradients are made in the forward pass
        assert sum(by["forward"] for by in sums.values()) == flops.forward * run.accumulation
    assert ("head" in breakdown.seconds_by_component(timed, run)) is (run.loss_chunk is None)


def test_on_the_roofline_each_operation_stands_once_and_none_above_the_roof() -> None:
    run, h100 = RunConfig(hardware="h100-80gb", precision="bfloat16", accumulation=3), find("h100-80gb")
    assert h100 is not None
    peak, bandwidth = h100.peak_flops["bfloat16"], h100.bandwidth_bytes_per_s
    assert peak is not None
    assert bandwidth is not None
    timed = breakdown.at_the_roof(operations(SMALL, run, kernels_of_hardware(run)), peak, bandwidth)
    found = breakdown.placed(timed)
    assert len({each.operation for each in found}) == len(found)
    for each in found:
        assert each.rate == pytest.approx(min(peak, each.intensity * bandwidth))
    least = roofline_of(h100, SMALL, run)
    assert least is not None
    assert sum(each.seconds for each in found) == pytest.approx(least.step.seconds)
    assert [each.seconds for each in found] == sorted((each.seconds for each in found), reverse=True)


def test_the_intensity_of_a_square_product_is_known() -> None:
    # M = K = N = 64 in fp32: 2 x 64^3 FLOPs over 3 x 64^2 x 4 bytes
    run = RunConfig(batch_size=1, sequence_length=64)
    [square] = [
        each
        for each in breakdown.placed(timed_operations(calibration(run), SMALL, run))
        if each.operation.kind == "linear" and each.operation.sizes == (64, 64, 64)
    ]
    assert square.intensity == pytest.approx(2 * 64**3 / (3 * 64**2 * 4))
    assert square.times == 3


def test_measured_components_are_summed_over_the_phases() -> None:
    of_forward, of_backward = {"attention": 1.0, "loss": 2.0}, {"attention": 3.0}
    plain = Components(forward=of_forward, backward=of_backward, optimizer=4.0, whole=10.0, overhead=0.0, n=3)
    assert breakdown.measured_by_component(plain) == {"attention": 4.0, "loss": 2.0, "optimizer": 4.0}
    assert breakdown.measured_by_component(plain, "backward") == {"attention": 3.0}
    assert breakdown.measured_by_component(plain, "optimizer") == {"optimizer": 4.0}


def test_at_the_even_sequence_attention_scores_are_half_of_all() -> None:
    model = ModelConfig(context_length=65536, drop_rate=0.0)
    even = shares(model, RunConfig(batch_size=1, sequence_length=256)).even_sequence
    assert shares(model, RunConfig(batch_size=1, sequence_length=even)).scores == pytest.approx(0.5, abs=1e-3)


def test_the_share_of_the_head_is_that_of_its_product() -> None:
    # a token: head 2 D V; a layer 2 x 12 D^2 + 4 T D
    found = shares(ModelConfig(n_layers=1, emb_dim=96), RunConfig(sequence_length=64))
    head = 2 * 96 * 50257
    assert found.head == pytest.approx(head / (head + 24 * 96**2 + 4 * 64 * 96))


def test_only_dropout_that_forces_the_slower_attention_has_a_cost() -> None:
    run = RunConfig(sequence_length=64)
    made = calibration(run)
    slow = {"math attention": made.tables["math attention"].model_copy(update={"seconds_per_work": (5e-9,)})}
    made = made.model_copy(update={"tables": dict(made.tables) | slow})
    cost = dropout_cost(made, SMALL, run)
    assert cost is not None
    assert 1 < cost.step < cost.attention
    # forward five times as long, backward, twice the work, as long: (5 + 2) / 3, but for the calls' own
    assert cost.attention == pytest.approx(7 / 3, rel=0.02)
    assert dropout_cost(made, replace(SMALL, drop_rate=0.0), run) is None
    assert dropout_cost(made, SMALL, replace(run, attention="materialized")) is None


def test_times_are_noisy_above_a_tenth() -> None:
    assert noise(Timing(median=2.0, iqr=0.2, n=3, samples=())) is None
    assert noise(Timing(median=2.0, iqr=0.5, n=3, samples=())) == 0.25
    assert noise(None) is None
