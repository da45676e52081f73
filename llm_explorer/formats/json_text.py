"""Reading JSON with values inside values, as a Hugging Face config.json has them, in bounds."""

import json
import re
from typing import Any, Final

from llm_explorer.config import ConfigError, Problem
from llm_explorer.formats.dicts import MAX_DIGITS
from llm_explorer.formats.words import refusal, short

MAX_JSON_CHARACTERS: Final = 1_000_000  # a config.json has 1,000 to 5,000
MAX_DEPTH: Final = 8  # rope_parameters by kind of layer is the deepest known: 3
# a text without its end goes to the end: so each character is looked at once
_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)


def read_json(text: str) -> dict[str, Any]:
    """The object that a JSON text is; ConfigError in words for anything else, before anything deep is read."""
    if len(text) > MAX_JSON_CHARACTERS:
        message = f"the text has over {MAX_JSON_CHARACTERS:,} characters; a config.json has about 2,000"
        raise ConfigError([Problem("text", None, message)])
    text = text.lstrip("\ufeff")
    _check_depth(text)
    try:
        found = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise refusal("text", text[:40], f"line {error.lineno} is no JSON: {error.msg}") from None
    if not isinstance(found, dict):
        raise refusal("text", text[:40], "is no JSON object {...}")
    return found


def _check_depth(text: str) -> None:
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += bool(found[1]) - bool(found[2])
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, found.start()) + 1
            raise refusal("text", text[:40], f"line {line}: values inside values go deeper than {MAX_DEPTH}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise refusal("text", key, "stands twice; keep one")
        values[key] = value
    return values


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise refusal("text", digits, f"a number of {len(digits):,} characters is too long; at most {MAX_DIGITS}")
    return int(digits)


def _decimal(digits: str) -> float:
    if len(digits) > 2 * MAX_DIGITS:
        raise refusal("text", digits, f"a number of {len(digits):,} characters is too long")
    return float(digits)


def _constant(name: str) -> float:
    raise refusal("text", short(name), "is no finite number, and is not read")
