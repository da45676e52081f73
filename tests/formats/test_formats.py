import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer import formats, hardware, presets
from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig, choices, replace
from tests.strangers import WORST_CONFIGS
from tests.variants import VARIANTS

# a teaching text of the book's config, character for character: "json" with a name, // comments and Python's False
BOOK = """\
GPT_CONFIG_124M = {
"vocab_size": 50257,  // Vocabulary size of the BPE tokenizer
"context_length": 1024, // Context length
"emb_dim": 768,       // Embedding dimension
"n_heads": 12,        // Number of attention heads
"n_layers": 12,       // Number of layers
"drop_rate": 0.1,     // Dropout rate: 10%
"qkv_bias": False     // Query-Key-Value bias
}
"""
PLAIN = "{'emb_dim': 1024, 'n_heads': 16, 'qkv_bias': True, 'hidden_dim': None, 'drop_rate': 0.0}"
PLAIN_MODEL = ModelConfig(emb_dim=1024, n_heads=16, qkv_bias=True, drop_rate=0.0)


@st.composite
def models(draw: st.DrawFn) -> ModelConfig:
    heads = draw(st.integers(1, 64))
    return ModelConfig(
        vocab_size=draw(st.integers(1, 10_000_000)),
        context_length=draw(st.integers(256, 100_000_000)),
        emb_dim=heads * draw(st.integers(1, 256)),
        n_heads=heads,
        n_layers=draw(st.integers(1, 10_000)),
        drop_rate=draw(st.floats(0, 0.9)),
        qkv_bias=draw(st.booleans()),
        tie_embeddings=draw(st.booleans()),
        hidden_dim=draw(st.none() | st.integers(1, 8_388_608)),
        bias=draw(st.booleans()),
    )


def runs() -> st.SearchStrategy[RunConfig]:
    return st.builds(
        RunConfig,
        device=st.sampled_from(["cpu", "meta", "mps", "cuda", "cuda:1"]),
        hardware=st.sampled_from([*hardware.names(), "24GiB", "24 GB", "1.5TiB"]),
        precision=st.sampled_from(choices("precision")),
        batch_size=st.integers(1, 1_048_576),
        sequence_length=st.none() | st.integers(1, 256),
        accumulation=st.integers(1, 65_536),
        optimizer=st.sampled_from(choices("optimizer")),
        optimizer_implementation=st.sampled_from(choices("optimizer_implementation")),
        attention=st.sampled_from(choices("attention")),
        checkpointing=st.booleans(),
        threads=st.none() | st.integers(1, 1_024),
        seed=st.integers(0, 2**63 - 1),
    )


def refusal(text: str) -> Problem:
    """The first problem of a text that is refused, in one short printable message."""
    with pytest.raises(ConfigError) as caught:
        formats.parse(text)
    problem = caught.value.problems[0]
    assert len(problem.message) < 500
    assert problem.message.isprintable()
    return problem


def test_the_books_dict_loads_verbatim() -> None:
    assert formats.parse(BOOK) == (ModelConfig(), RunConfig())


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"GPT_CONFIG={PLAIN}",
        f"\ufeff  \n# a comment, {{ with brackets\nconfig = {PLAIN} # the end",
        f"// one\n{PLAIN}\n// two",
        PLAIN.replace("}", ",\n}"),
        PLAIN.replace("'", '"'),
        PLAIN.replace("True", "true").replace("None", "null").replace("'", '"'),
        PLAIN.replace("1024", "1_024").replace("0.0", "0e0"),
        PLAIN.replace(" ", "\N{NO-BREAK SPACE}\r\n"),
    ],
)
def test_every_spelling_of_a_dict_is_read_alike(text: str) -> None:
    assert formats.parse(text) == (PLAIN_MODEL, RunConfig())


def test_run_fields_may_stand_beside_model_fields() -> None:
    model, run = formats.parse('{"n_layers": 2, "batch_size": 8, "hardware": "24GiB", "threads": null}')
    assert model == ModelConfig(n_layers=2)
    assert run == RunConfig(batch_size=8, hardware="24GiB")


def test_comment_marks_inside_text_are_text() -> None:
    problem = refusal('{"device": "cpu // # not a comment"}')
    assert "cpu // # not a comment" in problem.message


def test_an_empty_dict_is_all_defaults() -> None:
    assert formats.parse("{}") == (ModelConfig(), RunConfig())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the end of the text stands where a dict"),
        ("12", "12 stands where a dict"),
        ("[1, 2]", "[ stands where a dict"),
        ('"text"', "stands where a dict"),
        ("{", "the end of the text stands where a field's name"),
        ('{"n_layers"', "the end of the text stands where : should"),
        ('{"n_layers":', "the end of the text stands where a value"),
        ('{"n_layers": 1', "the end of the text stands where ,"),
        ('{"n_layers": 1} x', "x stands where the end should"),
        ('{"n_layers": 1}\n{"n_layers": 1}', "line 2: { stands where the end should"),
        ('{"n_layers" 1}', "1 stands where : should"),
        ("{n_layers: 1}", "n_layers stands where a field's name in quotes should"),
        ("{1: 1}", "1 stands where a field's name"),
        ('{"n_layers": 1 "n_heads": 2}', "stands where ,"),
        ("{,}", ", stands where a field's name"),
        ('{"n_layers": exec("rm -rf /")}', "a call of exec is not read"),
        ("GPT_CONFIG = dict(n_layers=1)", "dict stands where a dict"),
        ("dict(n_layers=1)", "a call of dict is not read"),
        ('{"n_layers": __import__("os").system("x")}', "a call of __import__ is not read"),
        ('{"n_layers": 10**10**10}', "a power (**) stands where ,"),
        ('{"n_layers": 4*768}', "* stands where ,"),
        ('{"n_layers": (1)}', "a value inside a value is not read"),
        ('{"n_layers": [1]}', "a value inside a value is not read"),
        ('{"n_layers": {"a": 1}}', "a value inside a value is not read"),
        ('{"n_layers": NaN}', "NaN, which is no finite number"),
        ('{"n_layers": -Infinity}', "Infinity, which is no finite number"),
        ('{"n_layers": nan}', "nan, which is no finite number"),
        ('{"n_layers": -"1"}', "stands where a value"),
        ('{"n_layers": EMB}', "EMB stands where a value"),
        ('{"n_layers": 12, "n_layers": 13}', "n_layers stands twice"),
        ('{"n_layers": ' + "9" * 5000 + "}", "a number of 5,000 characters is too long"),
        ('{"device": "\\x"}', "escape"),
        ('{"device": "cpu}', "stands where a value"),
        ("{'device': 'c\\'pu'}", "stands where a value"),
        ("\x00", "'\\x00' stands where a dict"),
        ("import os\nos.system('x')", "import stands where a dict"),
        ("{\n\n'n_layers': ?}", "line 3: ? stands where a value"),
    ],
)
def test_what_is_no_flat_dict_of_constants_is_refused_by_name(text: str, says: str) -> None:
    assert says in refusal(text).message


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000_000,
        BOOK * 1_000,
        '{"n_layers": ' + "9" * 10_000_000,
        " " * 100_001,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_huge_paste_is_refused_before_it_is_read(text: str) -> None:
    assert "over 100,000 characters" in refusal(text).message


@pytest.mark.timeout(20)  # some take minutes where a reader goes back to the beginning for each character
@pytest.mark.parametrize("text", WORST_CONFIGS, ids=lambda text: ascii(text[:20]))
def test_the_worst_text_of_the_largest_size_is_refused(text: str) -> None:
    assert len(text) <= formats.MAX_CHARACTERS
    refusal(text)


@given(st.text() | st.text(alphabet="{}[](),:=\"'\\#/ \n-+*.0123456789eE_abtrueNone"))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(ConfigError):
        model, run = formats.parse(text)
        assert formats.parse(formats.to_json(model, run)) == (model, run)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda x: st.lists(x)))
def test_any_json_value_of_a_field_is_read_or_refused_in_words(value: Any) -> None:
    with contextlib.suppress(ConfigError):
        model, _ = formats.parse(json.dumps({"n_layers": value}))
        assert model.n_layers == value


def test_all_problems_of_both_configs_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        formats.parse('{"n_heads": 10, "n_layers": true, "batch_size": 0, "precision": "fp8", "n_layer": 3}')
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"n_heads", "n_layers", "batch_size", "precision", "n_layer"}


def test_an_unknown_field_is_asked_of_the_config_that_is_nearest() -> None:
    assert "did you mean batch_size?" in refusal('{"batchsize": 3}').message
    assert "did you mean n_layers?" in refusal('{"nlayers": 3}').message


def test_a_rule_across_the_two_is_checked() -> None:
    assert "longer than context_length=64" in refusal('{"context_length": 64, "sequence_length": 65}').message


def test_field_names_of_the_two_configs_differ() -> None:
    assert not ModelConfig.model_fields.keys() & RunConfig.model_fields.keys()


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)
def test_a_preset_loads_by_name_and_survives_every_format(preset: presets.Preset) -> None:
    configs = (preset.model, preset.run)
    assert formats.load(preset.name, io.StringIO()) == configs
    assert formats.parse(formats.to_json(*configs)) == configs
    assert formats.parse(formats.to_book_dict(preset.model))[0] == preset.model


def test_a_file_and_standard_input_are_read(tmp_path: Path) -> None:
    file = tmp_path / "config.py"
    file.write_text(BOOK.replace("768", "1536"), encoding="utf-8")
    assert formats.load(str(file), io.StringIO())[0] == ModelConfig(emb_dim=1536)
    assert formats.load("-", io.StringIO(PLAIN)) == (PLAIN_MODEL, RunConfig())


def loading(source: str, stdin: Any = None) -> str:
    with pytest.raises(ConfigError) as caught:
        formats.load(source, stdin or io.StringIO())
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


def test_what_cannot_be_loaded_is_said_in_words(tmp_path: Path) -> None:
    assert "no preset and no file has that name; presets near: gpt2-xl" in loading("gtp2-xl")
    assert "cannot be read: Is a directory" in loading(str(tmp_path))
    assert "cannot be read: File name too long" in loading("x" * 5000)
    assert "no preset and no file has that name" in loading("gpt2\0")
    assert "no preset and no file has that name" in loading("\ud800")
    binary = tmp_path / "weights.bin"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "is not text in UTF-8" in loading(str(binary))
    assert "standard input: is not text" in loading("-", io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="utf-8"))
    huge = tmp_path / "huge.json"
    huge.write_text(" " * 10_000_000, encoding="utf-8")
    assert "over 100,000 characters" in loading(str(huge))


def settings(*texts: str) -> tuple[ModelConfig, RunConfig]:
    return formats.apply_settings(ModelConfig(), RunConfig(), texts)


def test_settings_are_read_by_the_type_of_their_field() -> None:
    model, run = settings(
        "n_layers=24", "emb_dim=1_536", "drop_rate=.25", "qkv_bias=True", "hidden_dim= 100 ", "threads=4",
        "precision=bfloat16", "optimizer=none", "hardware=24 GB", "checkpointing=true",
    )  # fmt: skip
    assert model == ModelConfig(n_layers=24, emb_dim=1536, drop_rate=0.25, qkv_bias=True, hidden_dim=100)
    assert run == RunConfig(threads=4, precision="bfloat16", optimizer="none", hardware="24 GB", checkpointing=True)


def test_settings_change_the_configs_they_are_given() -> None:
    model, run = ModelConfig(hidden_dim=100, n_layers=3), RunConfig(threads=2, seed=9)
    assert formats.apply_settings(model, run, ["hidden_dim=none", "threads=None"]) == (
        replace(model, hidden_dim=None),
        replace(run, threads=None),
    )
    assert formats.apply_settings(model, run, []) == (model, run)


def test_the_later_of_two_settings_holds() -> None:
    assert settings("n_layers=2", "n_layers=3")[0].n_layers == 3


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ("n_layers=abc", "n_layers"),
        ("n_layers=", "n_layers"),
        ("n_layers=none", "n_layers"),
        ("n_layers=true", "n_layers"),
        ("n_layers=12.0", "n_layers"),
        ("n_layers=1e3", "n_layers"),
        ("n_layers=nan", "n_layers"),
        ("n_layers=-1", "n_layers"),
        ("n_layers=50,257", "n_layers"),
        ("n_layers=" + "9" * 5000, "n_layers"),
        ("n_layers=" + "x" * 10_000_000, "n_layers"),
        ("drop_rate=nan", "drop_rate"),
        ("drop_rate=inf", "drop_rate"),
        ("drop_rate=1e999", "drop_rate"),
        ("drop_rate=1_.5", "drop_rate"),
        ("qkv_bias=1", "qkv_bias"),
        ("qkv_bias=yes", "qkv_bias"),
        ("device=tpu", "device"),
        ("hardware=<script>alert(1)</script>", "hardware"),
        ("batchsize=3", "batchsize"),
        ("=3", ""),
        ("n_layers", "settings"),
        ("", "settings"),
        ("sequence_length=2048", "sequence_length"),
    ],
    ids=lambda text: text[:20],
)
def test_a_wrong_setting_is_refused_at_its_field(setting: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(setting)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert len(problem.message) < 400
    assert problem.message.isprintable()


def test_all_wrong_settings_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        settings("nonsense", "n_heads=10", "batch_size=0", "colour=blue")
    assert [problem.field for problem in caught.value.problems] == ["settings", "colour", "n_heads", "batch_size"]


def test_a_flood_of_settings_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than the 64"):
        settings(*["n_layers=1"] * 100_000)


def test_defaults_are_not_written() -> None:
    assert formats.to_settings(ModelConfig(), RunConfig()) == ()
    assert formats.to_settings(ModelConfig(qkv_bias=True, hidden_dim=7), RunConfig(seed=1)) == (
        "qkv_bias=true",
        "hidden_dim=7",
        "seed=1",
    )


@given(models(), runs())
def test_settings_round_trip(model: ModelConfig, run: RunConfig) -> None:
    assert settings(*formats.to_settings(model, run)) == (model, run)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_field_of_the_modern_blocks_survives_every_format(name: str) -> None:
    configs = VARIANTS[name], RunConfig()
    assert settings(*formats.to_settings(*configs)) == configs
    assert formats.parse(formats.to_json(*configs)) == configs
    assert formats.parse(formats.to_book_dict(configs[0])) == configs


@given(models(), runs())
def test_json_round_trips(model: ModelConfig, run: RunConfig) -> None:
    assert formats.parse(formats.to_json(model, run)) == (model, run)
    assert json.loads(formats.to_json(model, run)) == model.model_dump() | run.model_dump()


@given(models())
def test_the_book_dict_is_python_and_round_trips(model: ModelConfig) -> None:
    text = formats.to_book_dict(model)
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    assert ModelConfig(**namespace["GPT_CONFIG"]) == model
    assert formats.parse(text) == (model, RunConfig())


def test_the_book_dict_has_the_books_fields_in_its_order() -> None:
    assert re.findall(r'"(\w+)":', formats.to_book_dict(ModelConfig())) == re.findall(r'"(\w+)":', BOOK)
    assert '"tie_embeddings": True' in formats.to_book_dict(ModelConfig(tie_embeddings=True))
