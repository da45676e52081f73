"""int('٣') is 3 in Python: a number is written in the digits 0 to 9, wherever it is read."""

import json
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from llm_explorer import formats
from llm_explorer.cli import main
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.exercises.judge import Exercise, Unit, example, parse_quantity
from llm_explorer.lessons.tensors.literal import read_shape, read_tensor
from llm_explorer.units import parse_size

# Arabic, full-width, doubled, Tamil, raised; and some among ours
THREES = ("٣", "３", "𝟛", "௩", "³", "1٣", "-٣", "٣.0", "1e٣", "0.٣")
NUMBERS = [
    name
    for name, field in (ModelConfig.model_fields | RunConfig.model_fields).items()
    if {int, float} & {field.annotation, *get_args(field.annotation)}
]


def test_there_are_fields_of_both_configs_to_try() -> None:
    assert {"n_layers", "drop_rate", "rope_theta", "batch_size", "threads"} <= set(NUMBERS)


@pytest.mark.parametrize("three", THREES)
@pytest.mark.parametrize("field", NUMBERS)
def test_no_field_takes_other_digits(field: str, three: str) -> None:
    with pytest.raises(ConfigError) as refused:
        formats.apply_settings(ModelConfig(), RunConfig(), [f"{field}={three}"])
    assert field in [problem.field for problem in refused.value.problems]
    for text in (f'{{"{field}": {three}}}', f'c = {{"{field}": {three}}}', json.dumps({field: three})):
        with pytest.raises(ConfigError):
            formats.parse(text)


def _read_with(three: str, model_type: str) -> Any:
    return formats.read(f'{{"model_type": "{model_type}", "num_hidden_layers": {three}, "n_layer": {three}}}')


@pytest.mark.parametrize("three", THREES)
@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_no_config_of_another_library_does(model_type: str, three: str) -> None:
    with pytest.raises(ConfigError):
        _read_with(three, model_type)
    with pytest.raises(ConfigError):
        _read_with(f'"{three}"', model_type)


@pytest.mark.parametrize("device", ["cuda:٣", "cuda:３", "cuda:²", "cuda:1\n", "cpu\n"])
def test_no_device_does(device: str) -> None:
    with pytest.raises(ConfigError):
        RunConfig(device=device)


@pytest.mark.parametrize(
    "size", ["24\nGiB", "24GiB\n", "\n24GiB", "24\tGiB", "24\x0bGiB", "٢٤GiB", "24\u2028GiB", "2４GB"]
)
def test_no_size_does_or_has_a_line_break(size: str) -> None:
    assert parse_size(size) is None
    with pytest.raises(ConfigError):
        RunConfig(hardware=size)


@pytest.mark.parametrize("three", THREES)
@pytest.mark.parametrize("unit", get_args(Unit))
def test_no_answer_does(unit: Unit, three: str) -> None:
    suffix = example(Exercise("", 1.0, unit, (), "")).partition(" ")[2]
    assert parse_quantity("3 " + suffix, unit) is not None
    assert parse_quantity(f"{three} {suffix}", unit) is None


@pytest.mark.parametrize("three", THREES)
def test_no_tensor_does(three: str) -> None:
    for text in (f"[{three}]", f"torch.tensor([[1, {three}]])"):
        with pytest.raises(ValueError):
            read_tensor(text)
    with pytest.raises(ValueError):
        read_shape(f"2, {three}")


@pytest.mark.parametrize("share", ["0.٣", "٠", "０.1", "nan", "inf", "0.95", "-0.1", "9" * 5000])
def test_the_command_line_does_not(share: str) -> None:
    assert CliRunner().invoke(main, ["report", "gpt2", f"--reserve={share}"]).exit_code == 2
    assert CliRunner().invoke(main, ["report", "gpt2", "--reserve=0.2"]).exit_code == 0
