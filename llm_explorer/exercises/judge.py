"""One exercise, and the judging of an answer."""

import re
from math import isfinite
from typing import Final, Literal, NamedTuple

from llm_explorer import units

TOLERANCE: Final = 0.02  # rounding by hand is no mistake
MOST_CHARACTERS: Final = 60
Unit = Literal["bytes", "parameters", "FLOPs", "values", "seconds", "ratio"]

_NUMBER = re.compile(r"\s*([+-]?(?:[0-9][0-9,_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*([A-Za-z%µ]*)\s*")
_DECIMAL: Final = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12, "p": 1e15}
_SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0, "h": 3600.0}


class Slip(NamedTuple):
    """A wrong answer that people really give, and what went wrong."""

    value: float
    meaning: str


class Exercise(NamedTuple):
    """A question on a config with the answer in its unit, the usual slips, and the way to the answer."""

    question: str
    answer: float
    unit: Unit
    slips: tuple[Slip, ...]
    solution: str


class Judgement(NamedTuple):
    """Whether an answer is right, and what to say to it."""

    correct: bool
    message: str


def judge(exercise: Exercise, text: str) -> Judgement:
    """Judge what a learner typed: units are accepted, 2% is close enough, a known slip is named.

    >>> judge(Exercise("2 GiB?", 2**31, "bytes", (), ""), "2 GiB").correct
    True
    """
    value = parse_quantity(text, exercise.unit)
    if value is None:
        return Judgement(False, f"That is not a number that can be read; write for example {example(exercise)}")
    if _close(value, exercise.answer):
        return Judgement(True, f"Right: {write(exercise.answer, exercise.unit)}. {exercise.solution}")
    for slip in exercise.slips:
        if _close(value, slip.value):
            return Judgement(False, slip.meaning)
    direction = "more" if value < exercise.answer else "less"
    return Judgement(False, f"Not yet: it is {direction} than {write(value, exercise.unit)}")


def unlike(answer: float, *slips: Slip) -> tuple[Slip, ...]:
    """The slips that are wrong for this config: without accumulation, forgetting it is none."""
    return tuple(slip for slip in slips if not _close(slip.value, answer))


def parse_quantity(text: str, unit: Unit) -> float | None:
    """'2.6 GiB' -> 2791728742.4, '163M' -> 163000000.0, '12.5 ms' -> 0.0125; None where it is no quantity."""
    found = _NUMBER.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    factor = _factor(found[2], unit) if found else None
    if found is None or factor is None:
        return None
    value = float(found[1].replace(",", "").replace("_", "")) * factor
    return value if isfinite(value) else None


def write(value: float, unit: Unit) -> str:
    """A value in its unit, as the rest of the app writes it."""
    if unit == "bytes":
        return units.byte_size(value)
    if unit == "FLOPs":
        return units.flops(value)
    if unit == "seconds":
        return units.seconds(value)
    return f"{value:.4g}" if unit == "ratio" else units.count(value)


def example(exercise: Exercise) -> str:
    """How an answer may be written."""
    return {"bytes": "1.5 GiB", "FLOPs": "2.5 GFLOP", "seconds": "12 ms", "ratio": "3.5"}.get(exercise.unit, "1.5 M")


def _factor(suffix: str, unit: Unit) -> float | None:
    low = suffix.lower()
    if unit == "bytes":
        size = units.parse_size(f"1{low or 'B'}")
        return None if size is None else float(size)
    if unit == "seconds":
        return _SECONDS.get(low or "s")
    if unit == "ratio":
        return {"": 1.0, "x": 1.0, "%": 0.01}.get(low)
    return _DECIMAL.get(low.removesuffix("flops").removesuffix("flop") if unit == "FLOPs" else low)


def _close(value: float, answer: float) -> bool:
    return abs(value - answer) <= TOLERANCE * abs(answer)
