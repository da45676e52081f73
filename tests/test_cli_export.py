"""The command line: config.json files by path, families that are only counted, and exports."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llm_explorer.cli import main
from llm_explorer.formats import parse
from llm_explorer.presets import find
from tests.published_configs import CONFIGS
from tests.there import there


def call(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def test_a_config_json_is_reported_by_its_path_and_its_notes_are_told(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(CONFIGS["phi-2"], encoding="utf-8")
    done = call("report", str(file), "--json")
    assert json.loads(done.stdout)["parameters"]["total"] == 2_779_683_840  # the model's page
    assert done.stderr.startswith(
        "note: resid_pdrop=0.1, embd_pdrop=0.0, attention_dropout=0.0: this model has one rate"
    )
    assert call("report", "-", "--set", "n_layers=2", given=CONFIGS["qwen2.5-7b"]).exit_code == 0


def test_a_family_that_is_only_counted_is_reported_with_the_rest_unknown() -> None:
    given = '{"model_type": "gpt_oss", "num_hidden_layers": 24, "num_local_experts": 32}'
    found = json.loads(call("report", "-", "--json", given=given).stdout)
    assert set(found) == {"model", "run", "parameters", "flops", "memory", "verdict", "fit", "predicted"}
    assert found["parameters"]["total"] == 20_914_757_184  # https://huggingface.co/openai/gpt-oss-20b
    assert sum(row["count"] * row["repeats"] for row in found["parameters"]["rows"]) == found["parameters"]["total"]
    assert found["model"] is found["memory"] is found["flops"] is None
    words = call("report", "-", given=given).stdout
    assert "20,914,757,184 (20.9 B)" in words
    assert "unknown: experts with biases" in words
    for command in ("trace", "measure", "export"):
        done = call(command, "-", given=given)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "counted, not buildable: 20,914,757,184 parameters" in done.stderr


def test_a_config_json_that_is_not_understood_is_exit_2() -> None:
    done = call("report", "-", "--json", given='{"model_type": "llama", "num_experts": 4, "hidden_size": 0}')
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.split("=")[0].split(":")[0] for line in done.stderr.splitlines()] == ["hidden_size", "num_experts"]


@pytest.mark.parametrize(
    ("kind", "starts"),
    [
        ("json", '{\n  "vocab_size": 50257'),
        ("huggingface", '{\n  "model_type": "gpt2"'),
        ("pytorch", '"""A GPT of one config'),
        ("markdown", "# GPT-2 small, fp32, B=2, T=256"),
        ("csv", "table,name,component,formula,shape,count,repeats,total,unit\n"),
    ],
)
def test_every_format_is_written_to_standard_output(kind: str, starts: str) -> None:
    done = call("export", "gpt2", "--format", kind)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(starts)


def test_what_is_exported_is_read_again() -> None:
    preset = find("llama-3.2-1b")
    assert preset is not None
    configs: Any = (preset.model, preset.run)
    assert parse(call("export", "llama-3.2-1b").stdout) == configs
    assert parse(call("export", "llama-3.2-1b", "--format", "huggingface").stdout)[0] == preset.model
    book = call("export", "book-124m", "--format", "book").stdout
    assert parse(book)[0] == there(find("book-124m")).model


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("gpt2", "book", "the book's dict has no word for tie_embeddings=True"),
        ("book-124m", "huggingface", "the nearest, gpt2, has qkv_bias=True, not False"),
    ],
)
def test_what_a_format_cannot_say_is_refused_with_exit_3(name: str, kind: str, told: str) -> None:
    done = call("export", name, "--format", kind)
    assert (done.exit_code, done.stdout) == (3, "")
    assert told in done.stderr
