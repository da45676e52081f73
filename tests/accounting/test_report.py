"""The report's contract: what the command line prints."""

import json
from typing import Any

import pytest
from hypothesis import given

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.report import report
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from tests.strategies import pairs

# DESIGN.md, "Command line"
KEYS = {
    "parameters": {"total", "tied", "untied", "embedding", "non_embedding", "active", "rows"},
    "flops": {"forward", "backward", "forward_causal", "per_token", "rows"},
    "memory": {
        "parameters_bytes",
        "gradients_bytes",
        "optimizer_bytes",
        "activations_bytes",
        "peak_bytes",
        "peak_phase",
        "kernels",
        "inference_bytes",
        "kv_cache_bytes",
        "trusted",
        "rows",
    },
    "verdict": {"hardware", "kernels", "peak_bytes", "budget_bytes", "reserve_bytes", "state"},
    "fit": {"budget_bytes", "max_batch_size", "max_sequence_length"},
    "predicted": {"forward_s", "backward_s", "step_s"},
}
ROW_KEYS = {"name", "component", "formula", "shape", "count", "repeats", "unit"}
SIZED = RunConfig(hardware="24GiB")


def sum_of(account: dict[str, Any]) -> int:
    return sum(row["count"] * row["repeats"] for row in account["rows"])


@given(pairs(hardware="24GiB"))
def test_the_keys_are_the_contracts_whatever_the_config(configs: tuple[ModelConfig, RunConfig]) -> None:
    result = report(*configs)
    assert set(result) == {"model", "run", *KEYS}
    assert {section: set(result[section]) for section in KEYS} == KEYS
    rows = [row for section in ("parameters", "flops", "memory") for row in result[section]["rows"]]
    assert all(set(row) == ROW_KEYS for row in rows)


@given(pairs(hardware="24GiB"))
def test_totals_are_the_sums_of_their_rows(configs: tuple[ModelConfig, RunConfig]) -> None:
    result = report(*configs)
    assert sum_of(result["parameters"]) == result["parameters"]["total"]
    assert sum_of(result["flops"]) == result["flops"]["forward"]
    assert sum_of(result["memory"]) == result["memory"]["peak_bytes"]
    units = {section: {row["unit"] for row in result[section]["rows"]} for section in ("parameters", "flops", "memory")}
    assert units == {"parameters": {"parameters"}, "flops": {"FLOPs"}, "memory": {"bytes"}}


@given(pairs(hardware="24GiB"))
def test_it_survives_json_and_its_configs_load_again(configs: tuple[ModelConfig, RunConfig]) -> None:
    model, run = configs
    result = report(model, run)
    again = json.loads(json.dumps(result, allow_nan=False))
    assert again == result
    assert (ModelConfig(**again["model"]), RunConfig(**again["run"])) == configs


def test_the_book_gets_its_published_numbers() -> None:
    result = report(ModelConfig(), SIZED)
    # the book, ch04: 163,009,536 parameters, 621.83 MB (of 1024^2 bytes) and 124,412,160 when tied
    assert result["parameters"]["total"] == 163_009_536
    assert result["parameters"]["tied"] == 124_412_160
    assert round(result["memory"]["parameters_bytes"] / 1024**2, 2) == 621.83


def test_the_verdict_is_for_the_hardware_and_the_reserve() -> None:
    peak = count_memory(ModelConfig(), SIZED, "cpu").peak_bytes
    verdict = report(ModelConfig(), SIZED, reserve=0.25)["verdict"]
    assert verdict == {
        "hardware": "24GiB",
        "kernels": "cpu",
        "peak_bytes": peak,
        "budget_bytes": 24 * 1024**3,
        "reserve_bytes": 6 * 1024**3,
        "state": "fits",
    }
    exactly = RunConfig(hardware=f"{peak}B")
    assert report(ModelConfig(), exactly)["verdict"]["state"] == "tight"
    assert report(ModelConfig(), exactly, reserve=0.0)["verdict"]["state"] == "fits"


def test_times_are_unknown_until_something_predicts_them() -> None:
    assert report(ModelConfig(), SIZED)["predicted"] == {"forward_s": None, "backward_s": None, "step_s": None}


def test_two_configs_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="sequence_length=2048 is longer than context_length=1024"):
        report(ModelConfig(), RunConfig(sequence_length=2048))


def test_a_giant_is_reported_with_whole_numbers() -> None:
    giant = ModelConfig(vocab_size=10_000_000, emb_dim=1_048_576, n_heads=65_536, n_layers=10_000)
    result = report(giant, SIZED)
    assert result["verdict"]["state"] == "does not fit"
    assert json.loads(json.dumps(result)) == result
    assert type(result["memory"]["peak_bytes"]) is int


def test_what_is_run_and_what_it_is_sized_for_each_have_their_kernels() -> None:
    result = report(ModelConfig(), RunConfig(hardware="h100-80gb"))
    assert (result["memory"]["kernels"], result["verdict"]["kernels"]) == ("cpu", "cuda")
    # a CPU has no fused attention with dropout
    assert result["verdict"]["peak_bytes"] < result["memory"]["peak_bytes"]


def test_what_fits_is_what_the_verdict_calls_so() -> None:
    run = RunConfig(hardware="8GiB", batch_size=3)
    fit = report(ModelConfig(), run)["fit"]
    assert fit["budget_bytes"] == 8 * 1024**3 - int(0.1 * 8 * 1024**3)
    for field, most in (("batch_size", fit["max_batch_size"]), ("sequence_length", fit["max_sequence_length"])):
        runs = (replace(run, **{field: value}) for value in (most, most + 1))
        states = [report(ModelConfig(), each)["verdict"]["state"] for each in runs]
        assert states == ["fits", "tight"]
