"""The command line: the contract of its exit codes and JSON keys, and bad input of every kind."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.kv_cache import kv_cache_bytes
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.report import report
from llm_explorer.cli import main
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import make_result
from llm_explorer.presets import PRESETS, find
from llm_explorer.worker import attempt
from llm_explorer.worker.attempt import Attempt
from tests.budgets import allow
from tests.there import there

ROOT = Path(__file__).parents[1]
BOOK = """
GPT_CONFIG_124M = {
    "vocab_size": 50257,    // Vocabulary size
    "context_length": 1024, # Context length
    "emb_dim": 768,
    "n_heads": 12,
    "n_layers": 12,
    "drop_rate": 0.1,
    "qkv_bias": False,
}
"""
GIANT = ["--set", "emb_dim=98304", "--set", "n_heads=96", "--set", "n_layers=10000"]  # 12 D^2 L: over 10^15


def call(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def as_json(*arguments: str, given: str | None = None, exit_code: int = 0) -> Any:
    done = call(*arguments, "--json", given=given)
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No other program that measures makes the test wait."""
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path / name))


def test_presets_lists_every_preset_with_its_source() -> None:
    found = as_json("presets")
    assert [preset["name"] for preset in found] == [preset.name for preset in PRESETS]
    assert all(set(preset) == {"name", "model", "run", "published", "source"} for preset in found)
    gpt2 = next(preset for preset in found if preset["name"] == "gpt2")
    assert gpt2["published"] == 124_439_808  # the released weights
    assert ModelConfig(**gpt2["model"]) == there(find("gpt2")).model


def test_presets_in_words_has_a_line_a_preset() -> None:
    lines = call("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [preset.name for preset in PRESETS]


def test_report_has_exactly_the_keys_of_the_contract() -> None:
    found = as_json("report", "gpt2")
    assert set(found) == {"model", "run", "parameters", "flops", "memory", "verdict", "fit", "predicted"}
    assert set(found["parameters"]) == {"total", "tied", "untied", "embedding", "non_embedding", "active", "rows"}
    assert set(found["flops"]) == {"forward", "backward", "forward_causal", "per_token", "rows"}
    sizes = ("parameters", "gradients", "optimizer", "activations", "peak", "inference", "kv_cache")
    assert set(found["memory"]) == {f"{name}_bytes" for name in sizes} | {"peak_phase", "kernels", "trusted", "rows"}
    assert set(found["verdict"]) == {"hardware", "kernels", "peak_bytes", "budget_bytes", "reserve_bytes", "state"}
    assert set(found["fit"]) == {"budget_bytes", "max_batch_size", "max_sequence_length"}
    assert found["predicted"] == {"forward_s": None, "backward_s": None, "step_s": None}
    assert set(found["model"]) == set(ModelConfig.model_fields)
    assert set(found["run"]) == set(RunConfig.model_fields)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_report_has_the_numbers_of_the_library(preset: Any) -> None:
    found = as_json("report", preset.name, "--set", "hardware=80GiB")
    memory, flops = count_memory(preset.model, preset.run, "cpu"), count_flops(preset.model, preset.run)
    assert found["parameters"]["total"] == count_parameters(preset.model).total
    assert sum(row["count"] * row["repeats"] for row in found["parameters"]["rows"]) == found["parameters"]["total"]
    assert found["memory"]["peak_bytes"] == memory.peak_bytes
    assert sum(row["count"] * row["repeats"] for row in found["memory"]["rows"]) == memory.peak_bytes
    assert found["memory"]["kv_cache_bytes"] == kv_cache_bytes(preset.model, preset.run)
    assert (found["flops"]["forward"], found["flops"]["backward"]) == (flops.forward, flops.backward)


def test_report_knows_the_published_answers() -> None:
    assert as_json("report", "book-124m")["parameters"]["total"] == 163_009_536  # the book, chapter 4
    assert as_json("report", "book-124m")["parameters"]["tied"] == 124_412_160
    # torch.utils.flop_counter over GPT-2 small at B=1, T=1024
    settings = ("--set", "batch_size=1", "--set", "sequence_length=1024")
    assert as_json("report", "gpt2", *settings)["flops"]["forward"] == 291_648_307_200


def test_report_in_words_says_the_same() -> None:
    lines = dict(line.split(maxsplit=1) for line in call("report", "book-124m").stdout.splitlines())
    peak = call("report", "book-124m").stdout.split("training peak")[1]
    assert peak.partition("\n")[0].endswith("GiB at the start of backward, in the loss")  # as on the pages
    assert lines["parameters"] == "163,009,536 (163.0 M)"
    assert lines["weights"] == "621.8 MiB"
    sized = call("report", "book-124m", "--set", "hardware=8GiB", "--set", "batch_size=3").stdout
    fit = as_json("report", "book-124m", "--set", "hardware=8GiB", "--set", "batch_size=3")["fit"]
    assert f"a batch of {fit['max_batch_size']}, or a sequence of {fit['max_sequence_length']}" in sized
    assert "not yet predicted" in call("report", "book-124m").stdout


def test_a_config_can_come_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "config.py"
    file.write_text(BOOK)
    expected = as_json("report", "book-124m", "--set", "hardware=24GiB")
    assert as_json("report", str(file), "--set", "hardware=24GiB") == expected
    assert as_json("report", "-", "--set", "hardware=24GiB", given=BOOK) == expected
    given = json.dumps(expected["model"] | expected["run"])
    assert as_json("report", "-", given=given) == expected


def test_set_changes_fields_of_both_configs_and_the_last_one_holds() -> None:
    settings = ("--set", "n_layers=3", "--set", "n_layers=24", "--set", "precision=bfloat16", "--set", "hardware=1TiB")
    found = as_json("report", "gpt2", *settings)
    assert (found["model"]["n_layers"], found["run"]["precision"]) == (24, "bfloat16")
    preset = there(find("gpt2"))
    model = preset.model.model_copy(update={"n_layers": 24})
    run = preset.run.model_copy(update={"precision": "bfloat16", "hardware": "1TiB"})
    assert found == json.loads(json.dumps(report(model, run)))


def test_the_reserve_is_part_of_the_verdict() -> None:
    report = as_json("report", "gpt2", "--set", "hardware=24GiB", "--reserve", "0.5")
    assert report["verdict"] == {
        "hardware": "24GiB",
        "kernels": "cpu",
        "peak_bytes": report["memory"]["peak_bytes"],
        "budget_bytes": 24 * 1024**3,
        "reserve_bytes": 12 * 1024**3,
        "state": "fits",
    }


def test_what_does_not_fit_is_no_error() -> None:
    assert as_json("report", "gpt2", "--set", "hardware=1GiB")["verdict"]["state"] == "does not fit"


def test_a_model_of_10_to_the_15_parameters_is_counted() -> None:
    found = as_json("report", "book-124m", *GIANT)
    assert found["parameters"]["total"] == count_parameters(ModelConfig(**found["model"])).total > 10**15
    assert call("report", "book-124m", *GIANT).exit_code == 0


def test_a_model_of_10_to_the_15_parameters_is_refused_with_json(own_lock: None) -> None:
    found = as_json("measure", "book-124m", *GIANT, exit_code=3)
    assert found["status"] == "refused"
    assert "A step needs about" in found["reason"]
    assert found["step_s"] is None
    in_words = call("measure", "book-124m", *GIANT)
    assert in_words.exit_code == 3
    assert in_words.stderr.startswith("refused: A step needs about")
    assert not in_words.stdout


def test_a_device_that_is_not_there_is_refused(own_lock: None) -> None:
    found = as_json("measure", "class-0.1m", "--set", "device=cuda:99", exit_code=3)
    assert "cuda:99 is not on this machine; there are cpu" in found["reason"]


def test_measure_has_exactly_the_keys_of_the_contract_and_really_measures(
    own_lock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, timing_s=0.2)
    found = as_json("measure", "class-0.1m")
    keys = "status reason parameters init_s forward_s backward_s optimizer_s step_s tokens_per_s peak_bytes"
    keys += " components prefill_s decode_s"
    assert set(found) == {*keys.split(), "process_rss_bytes", "predicted", "environment"}
    assert found["status"] == "ok"
    assert found["parameters"] == count_parameters(there(find("class-0.1m")).model).total
    assert all(
        set(found[f"{phase}_s"]) == {"median", "iqr", "n", "samples"} for phase in ("forward", "backward", "step")
    )
    step = found["step_s"]
    assert step["n"] == len(step["samples"]) >= 3
    assert found["tokens_per_s"] == pytest.approx(16 * 64 / step["median"])  # B=16, T=64
    assert {"torch", "threads", "precision", "device", "device_name"} <= set(found["environment"])


def test_trace_has_the_keys_of_the_contract_and_agrees_with_the_report() -> None:
    found, counted = as_json("trace", "class-0.1m"), as_json("report", "class-0.1m")
    contract = {"peak_bytes", "peak_phase", "peak_op", "phases", "categories_at_peak", "seconds"}
    assert contract <= set(found)
    assert set(found["phases"]) == {"forward", "backward", "optimizer"}
    assert found["model"] == counted["model"]
    assert found["peak_bytes"] == pytest.approx(counted["memory"]["peak_bytes"], rel=0.05)


def test_trace_in_words_names_the_place_of_the_peak() -> None:
    lines = call("trace", "class-0.1m").stdout.splitlines()
    assert lines[0].startswith("training peak")
    assert " in backward of the " in lines[0]
    assert [line.split()[0] for line in lines[4:6]] == ["parameters", "gradients"]


def test_what_cannot_be_traced_is_exit_4_with_the_reason() -> None:
    whole = ("--set", "context_length=100000000", "--set", "sequence_length=100000000", "--set", "batch_size=1048576")
    assert "nothing can be traced" in as_json("trace", "gpt2", *whole, exit_code=4)["error"]
    in_words = call("trace", "gpt2", *whole)
    assert (in_words.exit_code, in_words.stdout) == (4, "")
    assert "nothing can be traced" in in_words.stderr


def test_meta_counts_and_times_nothing(own_lock: None) -> None:
    found = as_json("measure", "class-0.1m", "--set", "device=meta")
    assert found["parameters"] == 108_352  # V D + C D + L (12 D^2 + 13 D) + 2 D
    assert found["forward_s"] is found["backward_s"] is found["step_s"] is found["tokens_per_s"] is None


@pytest.mark.parametrize("status", ["out_of_memory", "timeout", "cancelled", "failed"])
def test_every_other_end_is_exit_4_with_json(monkeypatch: pytest.MonkeyPatch, status: Any) -> None:
    monkeypatch.setattr(
        Attempt, "execute", lambda self, take: make_result(self.task.model, self.task.run, status, "what happened")
    )
    assert as_json("measure", "class-0.1m", exit_code=4)["status"] == status
    assert call("measure", "class-0.1m").stderr == f"{status}: what happened\n"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("n_heads=10", "n_heads=10 does not divide emb_dim=768: 768 / 10 = 76.8; nearest that do: 8, 12"),
        ("n_layers=0", "n_layers=0 is not a whole number from 1 to 10,000"),
        ("n_layers=-3", "n_layers=-3 is not a whole number from 1 to 10,000"),
        ("n_layers=500000", "n_layers=500000 is not a whole number from 1 to 10,000"),
        ("n_layers=12.5", "n_layers=12.5 is not a whole number"),
        ("n_layers=nan", "n_layers='nan' is not a whole number"),
        ("drop_rate=inf", "drop_rate='inf' is not a number from"),
        ("n_layers=true", "n_layers='true' is not a whole number"),
        ("n_layers=" + "9" * 100_000, "is not a whole number"),
        ("qkv_bias=1", "qkv_bias=1: use true or false"),
        ("n_layer=3", "unknown field n_layer; did you mean n_layers?"),
        ("n_layers", "n_layers is not a setting; write field=value"),
        ("sequence_length=2000", "sequence_length=2000 is longer than context_length=1024"),
        ("device=tpu", "device=tpu is not a device; write cpu, meta, mps, cuda or cuda:0"),
        ("hardware=toaster", "hardware=toaster is not known"),
        ("precision=fp8", "precision=fp8: use one of 'float32', 'autocast', 'bfloat16' or 'bfloat16_master'"),
        ("hidden_dim=9**9**9", "hidden_dim='9**9**9' is not a whole number"),
        ("seed=__import__('os').system('true')", "is not a whole number"),
    ],
)
@pytest.mark.parametrize("command", ["report", "trace", "measure"])
def test_a_bad_setting_is_one_short_message_and_exit_2(command: str, setting: str, told: str) -> None:
    refused_with(call(command, "gpt2", "--set", setting, "--json"), told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the end of the text stands where a dict {...} should"),
        ("hello", "a dict {...} should"),
        ("[" * 100_000, "stands where a dict {...} should"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "a value inside a value is not read"),
        ('{"n_layers": ' + "[" * 50_000, "a value inside a value is not read"),
        ("x" * 10_000_000, "the text has over 100,000 characters"),
        ('{"n_layers": __import__("os").system("true")}', "a call of __import__ is not read"),
        ('{"n_layers": 9**9**9}', "a power (**) stands where"),
        ('{"n_layers": NaN}', "NaN, which is no finite number, is not read"),
        ('{"n_layers": true}', "n_layers=True is not a whole number"),
        ('{"n_layers": 12.0}', "n_layers=12.0 is not a whole number"),
        ('{"n_layers": "12"}', "n_layers='12' is not a whole number"),
        ('{"n_layers": ' + "9" * 5000 + "}", "a number of 5,000 characters is too long"),
        ('{"n_layers": 1, "n_layers": 2}', "n_layers"),
        ('{"colour": "red"}', "unknown field colour"),
        ('{"n_heads": 10, "n_layers": 0}', "n_layers=0 is not a whole number"),
    ],
)
def test_a_bad_text_is_one_short_message_and_exit_2(text: str, told: str) -> None:
    refused_with(call("report", "-", "--json", given=text), told)


def test_all_problems_are_told_at_once() -> None:
    done = call("report", "gpt2", "--set", "n_heads=10", "--set", "n_layers=0", "--set", "batch_size=0", "--set", "x=1")
    for told in ("n_heads=10", "n_layers=0", "batch_size=0", "unknown field x"):
        assert told in done.stderr
    assert len(done.stderr.splitlines()) == 4


@pytest.mark.parametrize(
    ("name", "told"),
    [("gpt-2", "no preset and no file has that name; presets near: gpt2"), (".", "cannot be read"), ("a" * 5000, "")],
)
def test_a_name_that_is_no_config_is_exit_2(name: str, told: str) -> None:
    refused_with(call("report", name, "--json"), told)


def test_a_file_that_is_not_text_is_exit_2(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"\x80\x81\xfe\xff" * 100)
    refused_with(call("report", str(file)), "is not text in UTF-8")


@pytest.mark.parametrize("reserve", ["2", "-1", "nan", "abc"])
def test_a_reserve_that_is_no_share_is_exit_2(reserve: str) -> None:
    assert call("report", "gpt2", "--reserve", reserve).exit_code == 2


def refused_with(done: Result, told: str) -> None:
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 500


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["report", "gpt2", "--set", "n_heads=10", "--json"], None),
        (["report", "-", "--json"], lambda: "x" * 10_000_000),
        (["report", "-", "--json"], lambda: '{"n_layers": ' + "[" * 1_000_000),
        (["measure", "gpt2", "--set", "n_layers=9**9**9", "--json"], None),
    ],
    ids=["heads", "10 MB", "nested", "power"],
)
def test_the_real_program_refuses_bad_input_within_5_s(arguments: list[str], given: Callable[[], str] | None) -> None:
    start = time.monotonic()
    program = [sys.executable, "-m", "llm_explorer", *arguments]
    text = given() if given else None
    done = subprocess.run(program, cwd=ROOT, input=text, capture_output=True, text=True, timeout=60)
    assert time.monotonic() - start < 5
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_the_real_program_reports_without_torch() -> None:
    code = "import sys; from llm_explorer.cli import main; main(['report', 'gpt2'], standalone_mode=False);"
    code += "print([name for name in ('torch', 'streamlit') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("[]\n"), done
