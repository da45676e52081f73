"""Answers of learners: units are read, rounding is forgiven, slips are named."""

import pytest

from llm_explorer.exercises.judge import Exercise, Slip, Unit, example, judge, parse_quantity

WEIGHTS = Exercise(
    "How many bytes are the weights of 163,009,536 parameters in fp32?",
    4 * 163_009_536,
    "bytes",
    (Slip(2 * 163_009_536, "2 bytes a parameter are bf16; fp32 takes 4"),),
    "4 bytes a parameter",
)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("621.8 MiB", "bytes", 621.8 * 2**20),
        ("652MB", "bytes", 652e6),
        ("12", "bytes", 12),
        ("163M", "parameters", 163e6),
        ("163,009,536", "parameters", 163_009_536),
        ("163_009_536", "parameters", 163_009_536),
        ("1.5 B", "parameters", 1.5e9),
        ("2.5 GFLOP", "FLOPs", 2.5e9),
        ("2.5 GFLOPs", "FLOPs", 2.5e9),
        ("1e9", "FLOPs", 1e9),
        ("12.5 ms", "seconds", 0.0125),
        ("3 min", "seconds", 180),
        ("4.3x", "ratio", 4.3),
        ("43%", "ratio", 0.43),
        ("-0.0898", "values", -0.0898),
    ],
)
def test_a_quantity_is_read_with_its_unit(text: str, unit: Unit, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "many", "1 2", "12 apples", "1e9999999", "nan", "9" * 10_000, "1e999 GB"])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert parse_quantity(text, "bytes") is None


def test_the_right_answer_within_two_percent_is_right() -> None:
    assert judge(WEIGHTS, "622 MiB").correct
    assert judge(WEIGHTS, "634 MiB").correct
    assert not judge(WEIGHTS, "640 MiB").correct


def test_a_known_slip_is_named() -> None:
    judged = judge(WEIGHTS, "311 MiB")
    assert not judged.correct
    assert judged.message == "2 bytes a parameter are bf16; fp32 takes 4"


def test_any_other_answer_is_told_the_direction() -> None:
    assert "more than 100.0 MiB" in judge(WEIGHTS, "100 MiB").message
    assert "less than 10.0 GiB" in judge(WEIGHTS, "10 GiB").message


def test_what_cannot_be_read_is_told_how_to_write_it() -> None:
    assert "1.5 GiB" in judge(WEIGHTS, "lots").message


@pytest.mark.parametrize("unit", ["bytes", "parameters", "FLOPs", "values", "seconds", "ratio"])
def test_the_example_of_each_unit_can_be_read(unit: Unit) -> None:
    shown = example(WEIGHTS._replace(unit=unit))
    assert parse_quantity(shown, unit) is not None


def test_an_answer_of_zero_must_be_zero() -> None:
    nothing = Exercise("What do more heads cost?", 0, "parameters", (), "They split the width")
    assert judge(nothing, "0").correct
    assert not judge(nothing, "1").correct
