"""Reading the book's Python dict: token by token, never run.

A config is one flat dict of numbers, text, true, false and none. Whatever else is written is refused in words.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from llm_explorer.config import ConfigError, Problem
from llm_explorer.formats.words import short

MAX_FIELDS: Final = 64
MAX_DIGITS: Final = 30  # Python itself refuses to read an integer of over 4300
_HOLDS: Final = "a config holds numbers, text, true, false and none only, and nothing in it is run"


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


NUMBER: Final = re.compile(r"(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TOKEN: Final = re.compile(
    rf"""
      (?P<space>   [\s\ufeff]+ )
    | (?P<comment> (?://|\#)[^\n]* )
    | (?P<text>    "(?:[^"\\\n]|\\.)*" | '[^'\\\n]*' )
    | (?P<number>  {NUMBER.pattern} )
    | (?P<name>    [^\W\d]\w* )
    | (?P<sign>    \*\*|. )
    """,
    re.VERBOSE,
)
_CONSTANTS: Final = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens without spaces and comments, then ``end`` for ever."""
    line = 1
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or "sign"
        if kind not in ("space", "comment"):
            yield _Token(kind, found[0], line)
        line += found[0].count("\n")
    while True:
        yield _Token("end", "", line)


def read_dict(text: str) -> dict[str, Any]:
    """The flat dict of ``[NAME =] {key: constant, ...}``; nesting cannot be written, so none is ever deep."""
    tokens = _tokens(text)
    token = next(tokens)
    if token.kind == "name":
        following = next(tokens)
        if following.text != "=":
            raise _refused_value(token, following, "a dict {...}")
        token = next(tokens)
    _expect("{", token)
    values: dict[str, Any] = {}
    token = next(tokens)
    while token.text != "}":
        if token.kind != "text":
            raise _unexpected(token, "a field's name in quotes")
        key = _text(token)
        if key in values:
            raise _wrong(token, f"{short(key)} stands twice; keep one")
        if len(values) == MAX_FIELDS:
            raise _wrong(token, f"there are over {MAX_FIELDS} fields; a config has about 35")
        _expect(":", next(tokens))
        values[key] = _constant(tokens)
        token = next(tokens)
        if token.text != "}":
            _expect(",", token)
            token = next(tokens)
    _expect("", next(tokens))
    return values


def _constant(tokens: Iterator[_Token]) -> Any:
    token = next(tokens)
    if token.kind == "text":
        return _text(token)
    if token.text in _CONSTANTS:
        return _CONSTANTS[token.text]
    sign = token.text if token.text == "-" else ""
    if sign:
        token = next(tokens)
    if token.kind != "number":
        raise _refused_value(token, next(tokens))
    if len(token.text) > MAX_DIGITS:
        raise _wrong(token, f"a number of {len(token.text):,} characters is too long; at most {MAX_DIGITS}")
    return number(sign + token.text)


def number(text: str) -> int | float:
    """The number that the text of a token is: whole, unless it has a point or an exponent."""
    digits = text.replace("_", "")
    return float(digits) if re.search("[.eE]", digits) else int(digits)


def _text(token: _Token) -> str:
    try:
        return str(json.loads(token.text)) if token.text[0] == '"' else token.text[1:-1]
    except json.JSONDecodeError:
        raise _wrong(token, f"{short(token.text)} has an escape that is not known") from None


def _expect(sign: str, token: _Token) -> None:
    if token.text != sign:
        raise _unexpected(token, {"": "the end", "{": "a dict {...}", ",": ", or }"}.get(sign, sign))


def _unexpected(token: _Token, wanted: str) -> ConfigError:
    what = {"**": "a power (**)", "": "the end of the text"}.get(token.text, short(token.text))
    return _wrong(token, f"{what} stands where {wanted} should; {_HOLDS}")


def _refused_value(token: _Token, following: _Token, wanted: str = "a value") -> ConfigError:
    """Why a token is no constant, named: a call, a value in a value, not a number."""
    if token.kind == "name" and following.text == "(":
        what = f"a call of {short(token.text)}"
    elif token.text.lower() in ("nan", "inf", "infinity"):
        what = f"{token.text}, which is no finite number,"
    elif token.text in ("{", "[", "("):
        what = "a value inside a value"
    else:
        return _unexpected(token, wanted)
    return _wrong(token, f"{what} is not read; {_HOLDS}")


def _wrong(token: _Token, message: str) -> ConfigError:
    return ConfigError([Problem("text", token.text[:40], f"line {token.line}: {message}")])
