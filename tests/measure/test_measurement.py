import json
import subprocess
import sys
from typing import Any

import pytest
import torch

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure import measurement
from llm_explorer.measure.measurement import measure
from llm_explorer.measure.result import Measured, make_result
from tests.there import there

MODEL = ModelConfig(vocab_size=1000, context_length=64, emb_dim=64, n_heads=4, n_layers=2)
RUN = RunConfig(batch_size=2, accumulation=2)
FOUND = {
    *("parameters", "init_s", "forward_s", "backward_s", "optimizer_s", "step_s", "components", "prefill_s"),
    *("decode_s", "tokens_per_s", "peak_bytes", "process_rss_bytes"),
}
ALWAYS = {"status", "reason", "predicted", "environment"}


def measured(model: ModelConfig = MODEL, run: RunConfig = RUN, **more: Any) -> Measured:
    return measure(model, run, budget_s=0.2, report=lambda phase, fraction, text: None, **more)


@pytest.fixture(scope="module")
def result() -> Measured:
    return measured()


def test_a_measurement_has_every_key_and_survives_json(result: Measured) -> None:
    assert result.model_dump().keys() == FOUND | ALWAYS
    assert result.status == "ok"
    assert json.loads(result.model_dump_json())["step_s"]["samples"] == list(there(result.step_s).samples)


def test_every_time_has_all_its_samples(result: Measured) -> None:
    for name in ("forward_s", "backward_s", "optimizer_s", "step_s"):
        timing = getattr(result, name)
        assert timing.n == len(timing.samples) >= 3
        assert min(timing.samples) > 0


def test_the_phases_sum_to_the_step(result: Measured) -> None:
    parts = zip(*(getattr(result, name).samples for name in ("forward_s", "backward_s", "optimizer_s")), strict=True)
    assert [sum(part) for part in parts] == pytest.approx(list(there(result.step_s).samples))


def test_tokens_per_second_count_all_micro_batches(result: Measured) -> None:
    assert result.tokens_per_s == pytest.approx(2 * 64 * 2 / there(result.step_s).median)


def test_the_built_module_has_the_computed_parameters_and_peak(result: Measured) -> None:
    assert result.parameters == count_parameters(MODEL).total
    assert result.peak_bytes == pytest.approx(result.predicted.peak_bytes, rel=0.05)


def test_tied_parameters_are_counted_once() -> None:
    tied = replace(MODEL, tie_embeddings=True)
    counted = [there(measured(model, replace(RUN, device="meta")).parameters) for model in (MODEL, tied)]
    assert counted[0] - counted[1] == 1000 * 64


def test_the_environment_says_where_it_ran(result: Measured) -> None:
    environment = result.environment
    release, _, _ = torch.__version__.partition("+")  # the package may leave out what it was built for, such as +cu130
    assert environment.torch in (release, torch.__version__)
    assert environment.threads == torch.get_num_threads()
    assert (environment.device, environment.precision) == ("cpu", "float32")
    assert environment.allocator == "default"
    assert environment.own_products is False
    assert environment.time[-6] in "+-"  # with its zone


def test_a_result_made_without_measuring_has_found_nothing() -> None:
    refused = make_result(MODEL, RUN, "refused", "because").model_dump()
    assert refused.keys() == FOUND | ALWAYS
    assert {name for name, value in refused.items() if value is not None} == ALWAYS


def test_without_an_optimizer_there_is_no_optimizer_time() -> None:
    result = measured(run=replace(RUN, optimizer="none"))
    assert result.optimizer_s is None
    assert there(result.step_s).median > 0


def test_on_meta_a_giant_is_counted_and_nothing_runs() -> None:
    result = measured(replace(MODEL, emb_dim=1_048_576), RunConfig(device="meta"))
    assert (result.status, result.step_s, result.peak_bytes) == ("ok", None, None)
    assert there(result.parameters) > 10**13
    assert result.predicted.peak_bytes > 10**14


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    result = measured(run=replace(RUN, device="cuda:99"))
    assert result.status == "refused"
    assert there(result.reason).startswith("cuda:99 is not on this machine; there are cpu, ")


def test_a_device_without_enough_free_memory_is_refused_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "free_device_bytes", lambda device: 1024**2)
    result = measured()
    assert result.status == "refused"
    assert there(result.reason).endswith("of memory on cpu, 1.0 MiB are free")
    assert result.parameters is None


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("std::bad_alloc"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    ],
)
def test_running_out_of_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(measurement, "build", raiser(error))
    result = measured(limit_bytes=2 * 1024**3)
    assert result.status == "out_of_memory"
    assert "were predicted to need " in there(result.reason)
    assert there(result.reason).endswith("the limit of its process was 2.0 GiB")


def test_another_error_is_not_taken_for_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "build", raiser(RuntimeError("mat1 and mat2 shapes cannot be multiplied")))
    with pytest.raises(RuntimeError, match="mat1"):
        measured()


def raiser(error: Exception) -> Any:
    def build(model: ModelConfig, run: RunConfig) -> None:
        raise error

    return build


IMPORTED = """
import sys
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure import measurement
from llm_explorer.presets import find

built = measurement._built

def watched(model, run):
    before = set(sys.modules)
    try:
        return built(model, run)
    finally:
        print(sorted(set(sys.modules) - before))

measurement._built = watched
preset = find("class-0.1m")
run = RunConfig(device=sys.argv[1], precision=sys.argv[2], batch_size=1)
measurement.measure(preset.model, run, budget_s=0.01, report=lambda *_: None)
"""


@pytest.mark.parametrize(("device", "precision"), [("cpu", "float32"), ("cpu", "bfloat16_master"), ("meta", "float32")])
def test_nothing_is_imported_while_the_building_is_timed(device: str, precision: str) -> None:
    command = [sys.executable, "-c", IMPORTED, device, precision]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
