"""The Compute page and the time on Explore, without a browser; calibrations are made by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_explorer import units
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.cli import printing
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import Result, make_result
from llm_explorer.speed import store
from llm_explorer.speed.predict import Refined, Span, predict_with, with_prediction
from llm_explorer.speed.training_run import Plan, assumed_pace, decide
from llm_explorer.texts import compute as texts
from llm_explorer.texts import runs
from llm_explorer.worker.attempt import Attempt
from llm_explorer.worker.queue import MeasuringQueue
from llm_explorer.worker.task import RefinementResult
from tests.speed.calibrations import calibration
from tests.ui.app_visit import Visit, lines_of

SMALL = {"vocab_size": "65", "context_length": "64", "emb_dim": "64", "n_heads": "4", "n_layers": "2"}
MODEL = ModelConfig(vocab_size=65, context_length=64, emb_dim=64, n_heads=4, n_layers=2)
RUN = RunConfig()
TIMING: dict[str, Any] = {"median": 0.02, "iqr": 0.001, "n": 3, "samples": [0.0195, 0.02, 0.0205]}
TIMES = ("forward_s", "backward_s", "step_s")
COMPONENTS: dict[str, Any] = {
    "forward": {"attention": 0.003, "feed-forward": 0.004},
    "backward": {"attention": 0.005, "loss": 0.002},
    "optimizer": 0.006,
    "whole": 0.02,
    "overhead": 0.03,
    "n": 5,
}


class ComputeVisit(Visit):
    """A visit of the Compute page, with a small model."""

    script = "compute"
    address = SMALL

    def lines(self) -> dict[str, dict[str, str]]:
        return lines_of(self.page.table[0].value)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Calibrations of the test's own."""
    monkeypatch.setattr(store, "user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.setattr(store, "_kept", {})


@pytest.fixture
def calibrated(cache: None) -> None:
    for allocator in ("fast", "default"):
        assert store.save(calibration(RUN, allocator)) is None


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every measurement end at once with what is told."""

    def end_with(**found: Any) -> None:
        times = {f"{phase}_s": TIMING for phase in ("forward", "backward", "optimizer", "step", "prefill", "decode")}
        all_found: dict[str, Any] = times | {"components": COMPONENTS, "tokens_per_s": 6400.0} | found

        def execute(self: Attempt, take_worker: object) -> Result:
            return with_prediction(
                make_result(self.task.model, self.task.run, "ok", **all_found), self.task.model, self.task.run
            )

        monkeypatch.setattr(Attempt, "execute", execute)

    return end_with


def test_without_a_calibration_no_time_is_guessed() -> None:
    visit = ComputeVisit()
    assert visit.metrics()[texts.STEP] == "unknown"
    assert texts.CALIBRATE in visit.buttons()
    assert not visit.page.table
    assert texts.NO_TIMES in visit.words()
    assert "no calibration or measurement" in visit.words()


@pytest.mark.usefixtures("calibrated")
def test_the_predicted_times_are_those_of_the_calibration() -> None:
    expected = predict_with(calibration(RUN), MODEL, RUN)
    visit = ComputeVisit()
    for name, span in (("forward", expected.forward), ("backward", expected.backward), ("whole step", expected.step)):
        told = visit.lines()[name]["predicted"]
        assert told == f"{units.seconds(span.seconds)} ({units.seconds(span.low)} to {units.seconds(span.high)})"
    assert visit.metrics()[texts.STEP] == units.seconds(expected.step.seconds)
    assert visit.metrics()[texts.TOKENS] == units.exact(2 * 64 / expected.step.seconds)
    bars = visit.chart("predicted")["data"][0]
    assert sum(bars["x"]) == pytest.approx(expected.step.seconds)
    assert visit.chart("Roofline of this device")


@pytest.mark.usefixtures("calibrated")
def test_measured_times_stand_beside_with_the_error_and_by_component(measures: Callable[..., None]) -> None:
    measures()
    visit = ComputeVisit().press(runs.MEASURE)
    visit.until(lambda: "measured" in visit.lines()["whole step"])
    expected = predict_with(calibration(RUN), MODEL, RUN).step.seconds
    assert visit.lines()["whole step"]["measured"] == "20 ms ± 500 µs"
    assert visit.lines()["whole step"]["error"] == units.error(expected, 0.02)
    measured = next(bars for bars in visit.chart("predicted")["data"] if bars["name"] == "measured")
    assert dict(zip(measured["y"], measured["x"], strict=True))["attention"] == pytest.approx(0.008)
    assert sum(measured["x"]) == pytest.approx(0.02)
    assert texts.OVERHEAD.format(overhead="+3.0%", n=5) in visit.words()
    assert visit.metrics()["Prefill of 128 tokens"] == "20 ms"
    assert "measured 6,400 tokens a second" in visit.words()  # 2 x 64 tokens in 20 ms
    assert "Something else" not in visit.words()


@pytest.mark.usefixtures("calibrated")
@pytest.mark.parametrize("off", [1.0, 1.0004, 0.9996, 1.00000001, 1.5, 0.003])
def test_a_pair_of_numbers_has_one_error_on_both_pages_on_the_receipt_and_in_the_command_line(
    measures: Callable[..., None], off: float
) -> None:
    expected = predict_with(calibration(RUN), MODEL, RUN)
    times: dict[str, Any] = {name: TIMING | {"median": getattr(expected, name[:-2]).seconds * off} for name in TIMES}
    peak = count_memory(MODEL, RUN, "cpu").peak_bytes
    measures(**times, peak_bytes=round(peak * off), parameters=count_parameters(MODEL).total)
    explore = Visit(**SMALL).press("Build and time it")
    explore.until(lambda: explore.page.table)
    panel = {name.lower(): line["error"] for name, line in lines_of(explore.page.table[0].value).items()}
    explore.open("receipt_open")
    receipt = {name: line["error"] for name, line in lines_of(explore.page.table[-1].value).items()}
    told = units.error(expected.step.seconds, times["step_s"]["median"])
    assert panel["peak of tensors"] == receipt["peak of tensors"] == units.error(peak, round(peak * off))
    assert panel["whole step"] == receipt["whole step"] == told
    assert {name: panel[name] for name in ("forward", "backward", "parameters")} == {
        name: receipt[name] for name in ("forward", "backward", "parameters")
    }
    assert {name: line["error"] for name, line in ComputeVisit().lines().items()} == {
        name: receipt[name] for name in ("forward", "backward", "whole step")
    }
    assert f"({told})" in explore.sentence()
    result = make_result(MODEL, RUN, "ok", **times, peak_bytes=round(peak * off))
    assert f"({receipt['peak of tensors']})" in printing.measured_lines(result)["peak"]


def test_noisy_times_are_told_on_both_pages(measures: Callable[..., None]) -> None:
    measures(step_s=TIMING | {"iqr": 0.005})
    warning = texts.NOISE.format(spread="12%")
    visit = ComputeVisit().press(runs.MEASURE)
    visit.until(lambda: visit.page.table)
    assert warning in visit.words()
    assert (
        visit.lines()["whole step"][texts.TIERS["measured"]] == "20 ms ± 2.5 ms"
    )  # the same half of the middle half's range
    explore = Visit(**SMALL).press("Build and time it again")
    explore.until(lambda: warning in explore.words())


@pytest.mark.usefixtures("calibrated")
def test_with_a_chunked_loss_the_head_is_a_part_of_it() -> None:
    visit = ComputeVisit(set="loss_chunk=16")
    assert texts.CHUNKED in visit.words()
    assert "head" not in visit.chart("predicted")["data"][0]["y"]


def test_calibrating_gives_times_and_its_failure_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Attempt, take_worker: object) -> Result:
        return Result(status="failed", reason="It ended **early**")

    monkeypatch.setattr(Attempt, "execute", fail)
    visit = ComputeVisit().press(texts.CALIBRATE)
    visit.until(lambda: "It ended **early**" in visit.words())
    assert "**early**" not in visit.raw_words()

    def learn(self: Attempt, take_worker: object) -> Result:
        learnt = calibration(self.task.run).model_copy(update={"key": self.task.key})
        return Result(status="ok", reason=store.save(learnt))

    monkeypatch.setattr(Attempt, "execute", learn)
    visit.press(texts.CALIBRATE)
    visit.until(lambda: visit.page.table)
    assert "It ended" not in visit.words()


@pytest.mark.usefixtures("calibrated")
def test_a_disturbed_calibration_says_so() -> None:
    for allocator in ("fast", "default"):
        store.save(calibration(RUN, allocator, disturbance=0.4))
    assert texts.DISTURBED.format(share="40%") in ComputeVisit().words()


def test_a_refined_prediction_stands_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = Refined(*(Span(seconds, seconds / 2, seconds * 2) for seconds in (0.1, 0.2, 0.4)))

    def execute(self: Attempt, take_worker: object) -> Result:
        return RefinementResult(status="ok", refined=spans)

    monkeypatch.setattr(Attempt, "execute", execute)
    visit = ComputeVisit().press(texts.REFINE)
    visit.until(lambda: visit.page.table)
    assert visit.lines()["whole step"] == {"refined": "400 ms (200 ms to 800 ms)"}
    assert visit.metrics()[texts.STEP] == "400 ms"


def test_refining_one_config_after_another_never_fills_the_queue(
    monkeypatch: pytest.MonkeyPatch, queue: MeasuringQueue
) -> None:
    def execute(self: Attempt, take_worker: object) -> Result:
        assert self._inbox.get(timeout=30) == {"event": "cancel"}
        return self.cancelled()

    monkeypatch.setattr(Attempt, "execute", execute)
    visit = ComputeVisit().press(texts.REFINE)
    asked = [visit.page.session_state["speed_job"]]
    for layers in range(3, 7):
        visit.type("n_layers", layers).press(texts.REFINE)
        asked.append(visit.page.session_state["speed_job"])
        visit.until(lambda: asked[-1].snapshot().state == "running")
    assert [job.result.status for job in asked[:-1]] == ["cancelled"] * 4
    assert "Cancel" in visit.buttons()


def test_the_flops_are_those_of_the_core() -> None:
    flops = count_flops(MODEL, RUN)
    data = ComputeVisit().chart("a step")["data"]
    assert {bars["name"]: sum(bars["x"]) for bars in data} == {"forward": flops.forward, "backward": flops.backward}


@pytest.mark.parametrize("hardware", ["h100-80gb", "macbook-m4-16gb"])
def test_the_mfu_of_an_accelerator_is_a_bound_or_unknown(hardware: str) -> None:
    value = ComputeVisit(hardware=hardware).metrics()[f"MFU on {hardware}"]
    assert value.startswith("at most ") if hardware == "h100-80gb" else value == "unknown"


def test_the_decision_follows_what_is_typed_and_is_kept_for_explore() -> None:
    visit = ComputeVisit(hardware="h100-80gb", sequence_length="64")
    run = RunConfig(hardware="h100-80gb", sequence_length=64)
    visit.page.number_input(key="plan_tokens").set_value(2000)
    visit.page.number_input(key="plan_mfu").set_value(20)
    visit.page.number_input(key="plan_price").set_value(100.0)
    visit.run()
    found = decide(MODEL, run, Plan(2 * 10**9, mfu=0.2, price_per_hour=100.0), assumed_pace(MODEL, run, 0.2))
    told = f"2.0 B tokens at 20% MFU (assumed) take **{units.duration(found.seconds)}** and cost"
    assert told in visit.words()
    assert f"micro-batch up to **{units.exact(found.micro_batch)}** at T=64" in visit.words()
    visit.page.switch_page("streamlit_app.py")
    assert "2.0 B tokens" in visit.run().words()
    visit.page.switch_page("pages/compute.py")
    visit.run()
    assert [visit.number(field) for field in ("plan_tokens", "plan_mfu", "plan_price")] == [2000, 20, 100.0]


def test_what_does_not_fit_says_how_many_would_hold_its_states() -> None:
    giant = {"emb_dim": "12288", "n_layers": "96", "n_heads": "96", "hardware": "h100-80gb", "precision": "autocast"}
    words = ComputeVisit(**giant).words()
    assert "does not fit; training states alone need at least **" in words
    assert "(16 bytes a parameter, fully sharded: a lower bound)" in words


@pytest.mark.parametrize("slower", [3.0, 0.3])
def test_dropout_is_named_where_it_slows_attention_and_can_be_taken_away(slower: float) -> None:
    for allocator in ("default", "fast"):
        made = calibration(RUN, allocator)
        tables = {
            kind: table.model_copy(update={"seconds_per_work": (1e-9 * (slower if kind.startswith("math") else 1),)})
            for kind, table in made.tables.items()
        }
        store.save(calibration(RUN, allocator, tables=tables))
    visit = ComputeVisit(drop_rate="0.1")
    assert ("**Dropout 0.1 makes a step " in visit.words()) is (slower > 1)
    if slower > 1:
        visit.press(texts.NO_DROPOUT)
        assert "Dropout 0.1 makes" not in visit.words()


@pytest.mark.parametrize("in_fp32", [True, False])
def test_a_processor_without_bf16_is_named(*, in_fp32: bool) -> None:
    run = RUN.model_copy(update={"precision": "bfloat16"})
    for allocator in ("default", "fast"):
        store.save(calibration(run, allocator, products_in_fp32=in_fp32))
    assert (texts.IN_FP32 in ComputeVisit(precision="bfloat16").words()) is in_fp32


@pytest.mark.usefixtures("calibrated")
def test_explore_predicts_at_each_move_and_tells_the_error_once_measured(measures: Callable[..., None]) -> None:
    visit = Visit(**SMALL)
    expected = predict_with(calibration(RUN), MODEL, RUN).step.seconds
    assert f"a step here is predicted to take **{units.seconds(expected)}**" in visit.sentence()
    visit.type("n_layers", 4)
    deeper = predict_with(calibration(RUN), ModelConfig(**MODEL.model_dump() | {"n_layers": 4}), RUN).step.seconds
    assert f"**{units.seconds(deeper)}**" in visit.sentence()
    measures()
    visit.type("n_layers", 2).press("Build and time it")
    visit.until(lambda: f"measured 20 ms ({units.error(expected, 0.02)})" in visit.sentence())


def test_explore_offers_to_calibrate_below_the_flops() -> None:
    visit = Visit(**SMALL)
    assert "predicted to take" not in visit.sentence()
    assert texts.CALIBRATE not in visit.buttons()
    assert texts.CALIBRATE in visit.open("formulas_flops").buttons()


@pytest.mark.usefixtures("calibrated")
def test_charts_have_texts_and_tables_only_when_opened() -> None:
    visit = ComputeVisit()
    assert all(chart.proto.alt for chart in visit.page.get("plotly_chart"))
    assert not visit.page.dataframe
    visit.open("compute_numbers").open("operations_numbers")
    of_flops, of_components, of_operations = (table.value for table in visit.page.dataframe)
    assert of_flops["forward (FLOPs)"].sum() == count_flops(MODEL, RUN).forward
    step = predict_with(calibration(RUN), MODEL, RUN).step.seconds
    assert of_components.filter(like="predicted").sum().sum() == pytest.approx(step)
    assert of_operations["seconds of all"].sum() == pytest.approx(step)
    spec = json.loads(visit.page.get("plotly_chart")[-1].proto.spec)
    assert sum(len(trace["x"]) for trace in spec["data"][1:]) == len(of_operations)
