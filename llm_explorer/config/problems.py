"""What is wrong with a config, in words: what, both numbers, a way out.

ValueError
  ConfigError        every problem at once, each a Problem(field, value, message, fixes)
"""

import re
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from math import isqrt
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails, PydanticUndefined

_FILE: Final = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\][^\s'\":;,()]+")  # the full name of one


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and the changes ``(field, value)`` that would each mend it."""

    field: str
    value: object
    message: str
    fixes: tuple[tuple[str, Any], ...] = ()


class ConfigError(ValueError):
    """All problems of a config at once; ``str()`` has one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in self.problems))


def limits(config: type[BaseModel], field: str) -> dict[str, Any]:
    """The smallest (ge) and largest (le) value of a numeric field, where it has them."""
    found: dict[str, Any] = {}
    for constraint in config.model_fields[field].metadata:
        found |= {name: getattr(constraint, name) for name in ("ge", "le") if hasattr(constraint, name)}
    return found


def field_problem(config: type[BaseModel], details: ErrorDetails) -> Problem:
    """pydantic's finding in our words: what, both numbers, a way out."""
    value = details["input"]
    # without a place it is the name of a field that is wrong: text that cannot be written in UTF-8
    field = str(details["loc"][0] if details["loc"] else value)
    if details["type"] == "extra_forbidden" or not details["loc"]:
        near = get_close_matches(field[:40], config.model_fields, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(config.model_fields)}"
        return Problem(field[:40], value, f"unknown field {shown(field)}{hint}")
    within = limits(config, field)
    if within:
        low, high = within["ge"], within["le"]
        kind = "a whole number" if isinstance(low, int) else "a number"
        near_value = _nearest_in_range(value, low, high)
        hint = "" if near_value is None else f"; nearest: {near_value:,}"
        message = f"{field}={shown(value, quoted=True)} is not {kind} from {low:,} to {high:,}{hint}"
        return Problem(field, value, message, () if near_value is None else ((field, near_value),))
    default = config.model_fields[field].default
    fixes = () if default is PydanticUndefined else ((field, default),)
    return Problem(field, value, f"{field}={shown(value)}: {_expected(details)}", fixes)


def _expected(details: ErrorDetails) -> str:
    if details["type"] == "literal_error":
        return f"use one of {details['ctx']['expected']}"
    if details["type"].startswith("bool"):
        return "use true or false"
    return "use text"


def _nearest_in_range(value: object, low: float, high: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    inside = min(max(low, value), high)
    return round(inside) if isinstance(low, int) else inside


def nearest_divisors(number: int, wanted: int, most: float) -> tuple[int, ...]:
    """The divisors of a number, none over ``most``, on each side of a wanted one: 768, 10 -> (8, 12)."""
    small = [n for n in range(1, isqrt(number) + 1) if number % n == 0]
    allowed = [n for n in (*small, *(number // n for n in small)) if n <= most]
    below = max(n for n in allowed if n < wanted)
    above = min((n for n in allowed if n > wanted), default=below)
    return (below,) if above == below else (below, above)


def shown(value: object, *, quoted: bool = False) -> str:
    """A value from outside, short enough for a message."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**18:
        return "a number of over 18 digits"
    plain = isinstance(value, str) and not quoted and len(value) <= 60 and value.isprintable()
    try:
        return str(value) if plain else reprlib.repr(value)
    except ValueError:  # Python does not print an integer of over 4300 digits, here inside a list or dict
        return "a value too long to show"


def in_words(error: BaseException) -> str:
    """What an error says to a visitor: its first line without names of files, which are in the log.

    >>> in_words(FileNotFoundError(2, "No such file or directory", "/home/ann/file"))
    'No such file or directory'
    >>> in_words(ImportError("cannot import name 'nn' from 'torch' (/home/ann/torch.py)"))
    "cannot import name 'nn' from 'torch' (…)"
    """
    text = (isinstance(error, OSError) and error.strerror) or str(error)
    return _FILE.sub("…", text.partition("\n")[0]) or type(error).__name__
