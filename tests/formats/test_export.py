"""Exports: the book's dict, config.json, Markdown, CSV, and the PyTorch file that runs alone."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hugging_face_configs import reference_count
from llm_explorer import formats
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.report import report
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from llm_explorer.formats.hugging_face.writing import resolved
from llm_explorer.formats.pytorch_file import to_pytorch
from llm_explorer.model import build
from llm_explorer.presets import PRESETS, find
from llm_explorer.training import random_batch
from tests.there import there
from tests.variants import VARIANTS

NO_FAMILY = {"nanogpt", "no positions", "shared experts", "plain experts", "windows 2 of 3"}


def test_the_books_dict_is_written_where_it_says_all() -> None:
    assert formats.to_book(ModelConfig()) == formats.to_book_dict(ModelConfig())
    with pytest.raises(ConfigError) as caught:
        formats.to_book(ModelConfig(tie_embeddings=True, norm="rmsnorm"))
    assert "the book's dict has no word for tie_embeddings=True, norm=rmsnorm: export JSON" in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        formats.to_book(ModelConfig(tie_embeddings=True))
    assert caught.value.problems[0].fixes == (("tie_embeddings", False),)


@pytest.mark.parametrize("name", sorted(VARIANTS.keys() - NO_FAMILY))
def test_a_config_json_is_read_back_to_the_same_model_and_by_transformers_to_the_same_count(name: str) -> None:
    text = formats.to_hugging_face(VARIANTS[name])
    assert resolved(formats.parse(text)[0]) == resolved(VARIANTS[name])
    # Phi-3's default padding token is no row of a small embedding
    assert reference_count(json.loads(text) | {"pad_token_id": None}) == count_parameters(VARIANTS[name]).total


@pytest.mark.parametrize("name", sorted(NO_FAMILY))
def test_what_no_family_can_say_is_refused_in_words(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        formats.to_hugging_face(VARIANTS[name])
    message = str(caught.value)
    assert message.startswith("no family of Hugging Face's")
    assert message.endswith("export JSON or the PyTorch file")
    assert len(message) < 400


def test_the_refusal_names_the_one_field_that_would_mend_it() -> None:
    with pytest.raises(ConfigError) as caught:
        formats.to_hugging_face(ModelConfig(qkv_bias=True, tie_embeddings=True, positions="none"))
    (problem,) = caught.value.problems
    assert "the nearest, gpt2, has positions=learned, not none" in problem.message
    assert problem.fixes == (("positions", "learned"),)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_but_the_books_is_a_config_json(preset: Any) -> None:
    if preset.family == "Book":  # GPT-2 without biases of queries, keys and values
        with pytest.raises(ConfigError, match="the nearest, gpt2, has qkv_bias=True, not False"):
            formats.to_hugging_face(preset.model)
        return
    model, _ = formats.parse(formats.to_hugging_face(preset.model))
    assert resolved(model) == resolved(preset.model)


def printed(text: str) -> list[str]:
    """What the file prints, run by a Python that sees no file of this project."""
    done = subprocess.run([sys.executable, "-I", "-c", text], capture_output=True, text=True, timeout=100, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def expected(model: ModelConfig, run: RunConfig) -> list[str]:
    gpt = build(model, run)
    loss = gpt.loss(*random_batch(model, run), chunk=run.loss_chunk)
    return ["parameters", str(count_parameters(model).total), "loss", str(loss.item())]


def test_the_pytorch_file_runs_alone_and_prints_the_same() -> None:
    model, run = VARIANTS["gemma2"], RunConfig(precision="bfloat16_master", loss_chunk=7, batch_size=3)
    text = to_pytorch(model, run)
    assert "llm_explorer" not in text
    assert printed(text) == expected(model, run)


SMALL_PRESETS = {name: replace(there(find(name)).model, vocab_size=65) for name in ("class-0.1m", "class-1m")}


@pytest.mark.parametrize("name", [*VARIANTS, *SMALL_PRESETS])
def test_the_pytorch_file_of_every_variant_gives_the_same_loss(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, run = (VARIANTS | SMALL_PRESETS)[name], RunConfig(seed=11, sequence_length=16)
    exec(compile(to_pytorch(model, run), "exported.py", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.split() == expected(model, run)


def test_the_pytorch_file_has_all_modules_of_the_model() -> None:
    text = to_pytorch(ModelConfig(), RunConfig())
    for file in (Path(__file__).parents[2] / "llm_explorer" / "model").glob("*.py"):
        if file.name not in ("__init__.py", "parts.py"):
            last_line = file.read_text(encoding="utf-8").rstrip().splitlines()[-1]
            assert last_line in text, file.name


def test_no_name_is_defined_twice_in_the_pytorch_file() -> None:
    lines = [
        line for line in to_pytorch(ModelConfig(), RunConfig()).splitlines() if line.startswith(("def ", "class "))
    ]
    names = [line.split("(")[0].split(":")[0] for line in lines]
    assert len(names) == len({*names})


def test_the_markdown_report_has_the_numbers_and_every_tensor() -> None:
    preset = find("gpt2")
    assert preset is not None
    text = formats.to_markdown("GPT-2 small", report(preset.model, preset.run), preset.model, preset.run)
    assert "GiB at the start of backward, in the loss" in text
    assert text.startswith("# GPT-2 small\n\n`qkv_bias=true tie_embeddings=true`\n")
    assert "| parameters | 124,439,808 (124.4 M) |" in text
    assert "| blocks.mlp.up.weight | 3072 x 768 | 12 | 28,311,552 |" in text


def test_the_csv_has_every_row_and_its_totals() -> None:
    found = report(ModelConfig(), RunConfig())
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(found))))
    assert len(rows) == sum(len(found[table]["rows"]) for table in ("parameters", "flops", "memory"))
    of_parameters = [row for row in rows if row["table"] == "parameters"]
    assert sum(int(row["total"]) for row in of_parameters) == 163_009_536
    assert of_parameters[0]["formula"] == "V * D"
