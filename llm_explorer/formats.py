"""Reading and writing configs: the book's Python dict, JSON, and ``field=value`` settings.

Text from outside is read token by token and never run: a config is one flat dict of numbers, text, true, false and
none. Whatever is wrong is raised as a ConfigError in words.

    >>> model, run = parse('GPT_CONFIG = {"emb_dim": 1024, "n_heads": 16}  # the rest as in the book')
    >>> to_settings(model, run)
    ('emb_dim=1024', 'n_heads=16')
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, Final, TextIO, get_args

from pydantic import BaseModel

from llm_explorer import presets
from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig, check

Configs = tuple[ModelConfig, RunConfig]

MAX_CHARACTERS: Final = 100_000  # a config with a comment on each line is about 2,000
MAX_FIELDS: Final = 64
_MAX_DIGITS: Final = 30  # Python itself refuses to read an integer of over 4300
_BOOK_FIELDS: Final = (
    "vocab_size",
    "context_length",
    "emb_dim",
    "n_heads",
    "n_layers",
    "drop_rate",
    "qkv_bias",
)
_HOLDS: Final = "a config holds numbers, text, true, false and none only, and nothing in it is run"


def load(source: str, stdin: TextIO) -> Configs:
    """The configs of a preset's name, of a file, or of standard input for ``-``.

    >>> import sys
    >>> load("gpt2", sys.stdin)[0].tie_embeddings
    True
    """
    if source == "-":
        return parse(_read(stdin, "standard input"))
    preset = presets.find(source)
    if preset is not None:
        return preset.model, preset.run
    return parse(_file_text(source))


def parse(text: str) -> Configs:
    """The configs in a dict: the book's as it stands, with its comments and ``NAME =``, or JSON.

    Fields of ModelConfig and of RunConfig may stand together; a field left out has its default.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"the text has over {MAX_CHARACTERS:,} characters; a config has about 2,000: paste only the dict"
        raise ConfigError([Problem("text", None, message)])
    return _built(*_split(_read_dict(text)))


def apply_settings(model: ModelConfig, run: RunConfig, settings: Iterable[str]) -> Configs:
    """The two configs with ``field=value`` changes; of two for one field the later holds.

    Numbers may have underscores (50_257); ``true``, ``false`` and ``none`` are read in any case.

    >>> apply_settings(ModelConfig(), RunConfig(), ["n_layers=24", "precision=bfloat16"])[1].precision
    'bfloat16'
    """
    changes: dict[str, Any] = {}
    problems = []
    settings = tuple(settings)
    if len(settings) > MAX_FIELDS:
        raise _refusal("settings", len(settings), f"settings are more than the {MAX_FIELDS} that are read")
    for setting in settings:
        field, equals, value = setting.partition("=")
        if equals:
            changes[field.strip()] = _typed(field.strip(), value)
        else:
            problems.append(Problem("settings", setting, f"{_short(setting)} is not a setting; write field=value"))
    of_model, of_run = _split(changes)
    return _built(model.model_dump() | of_model, run.model_dump() | of_run, problems)


def to_settings(model: ModelConfig, run: RunConfig) -> tuple[str, ...]:
    """What differs from the defaults, as apply_settings reads it: ('n_layers=24', 'qkv_bias=true')."""
    return tuple(
        f"{field}={_setting_text(value)}"
        for config in (model, run)
        for field, value in config.model_dump().items()
        if value != type(config).model_fields[field].default
    )


def to_book_dict(model: ModelConfig) -> str:
    """The assignment ``GPT_CONFIG = {...}``: the book's seven fields, and others where they differ from defaults."""
    fields = type(model).model_fields
    values = model.model_dump()
    shown = {name: values[name] for name in fields if name in _BOOK_FIELDS or values[name] != fields[name].default}
    lines = "".join(f'    "{name}": {value!r},\n' for name, value in shown.items())
    return f"GPT_CONFIG = {{\n{lines}}}\n"


def to_json(model: ModelConfig, run: RunConfig) -> str:
    """All fields of both configs as one flat JSON object, which parse reads."""
    return json.dumps(model.model_dump() | run.model_dump(), indent=2) + "\n"


def _built(model: Mapping[str, Any], run: Mapping[str, Any], problems: Iterable[Problem] = ()) -> Configs:
    """Both configs, or all problems of both at once."""
    found = list(problems)
    configs: list[Any] = []
    for kind, values in ((ModelConfig, model), (RunConfig, run)):
        try:
            configs.append(kind(**values))
        except ConfigError as error:
            found.extend(error.problems)
    if found:
        raise ConfigError(found)
    check(configs[0], configs[1])
    return configs[0], configs[1]


def _split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each field to the config it belongs to, an unknown one to where a field is named most like it."""
    of_run = {field: value for field, value in values.items() if _owner(field) is RunConfig}
    return {field: value for field, value in values.items() if field not in of_run}, of_run


def _owner(field: str) -> type[BaseModel]:
    for config in (ModelConfig, RunConfig):
        if field in config.model_fields:
            return config
    near = get_close_matches(field[:40], (*ModelConfig.model_fields, *RunConfig.model_fields), n=1)
    return RunConfig if near and near[0] in RunConfig.model_fields else ModelConfig


def _typed(field: str, text: str) -> Any:
    """The text as the field's type; as it stands where it is none, for the config to refuse in words."""
    known = _owner(field).model_fields.get(field)
    kinds = (known.annotation, *get_args(known.annotation)) if known else ()
    word = text.strip().lower()
    if NoneType in kinds and word in ("none", "null"):
        return None
    if bool in kinds:
        return {"true": True, "false": False}.get(word, text)
    if (int in kinds or float in kinds) and _NUMBER.fullmatch(word.removeprefix("-")) and len(word) <= _MAX_DIGITS:
        return _number(word)
    return text


def _setting_text(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _file_text(name: str) -> str:
    try:
        if Path(name).exists():
            with Path(name).open(encoding="utf-8") as file:
                return _read(file, name)
    except OSError as error:
        raise _refusal("config", name, f"cannot be read: {error.strerror}") from None
    near = get_close_matches(name[:40], presets.names(), n=3, cutoff=0.4) or presets.names()[:3]
    raise _refusal("config", name, f"no preset and no file has that name; presets near: {', '.join(near)}")


def _read(file: TextIO, name: str) -> str:
    try:
        return file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise _refusal("config", name, "is not text in UTF-8") from None


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


_NUMBER: Final = re.compile(r"(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TOKEN: Final = re.compile(
    rf"""
      (?P<space>   [\s\ufeff]+ )
    | (?P<comment> (?://|\#)[^\n]* )
    | (?P<text>    "(?:[^"\\\n]|\\.)*" | '[^'\\\n]*' )
    | (?P<number>  {_NUMBER.pattern} )
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


def _read_dict(text: str) -> dict[str, Any]:
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
            raise _wrong(token, f"{_short(key)} stands twice; keep one")
        if len(values) == MAX_FIELDS:
            raise _wrong(token, f"there are over {MAX_FIELDS} fields; a config has about 20")
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
    if len(token.text) > _MAX_DIGITS:
        raise _wrong(token, f"a number of {len(token.text):,} characters is too long; at most {_MAX_DIGITS}")
    return _number(sign + token.text)


def _number(text: str) -> int | float:
    digits = text.replace("_", "")
    return float(digits) if re.search("[.eE]", digits) else int(digits)


def _text(token: _Token) -> str:
    try:
        return str(json.loads(token.text)) if token.text[0] == '"' else token.text[1:-1]
    except json.JSONDecodeError:
        raise _wrong(token, f"{_short(token.text)} has an escape that is not known") from None


def _expect(sign: str, token: _Token) -> None:
    if token.text != sign:
        raise _unexpected(token, {"": "the end", "{": "a dict {...}", ",": ", or }"}.get(sign, sign))


def _unexpected(token: _Token, wanted: str) -> ConfigError:
    what = {"**": "a power (**)", "": "the end of the text"}.get(token.text, _short(token.text))
    return _wrong(token, f"{what} stands where {wanted} should; {_HOLDS}")


def _refused_value(token: _Token, following: _Token, wanted: str = "a value") -> ConfigError:
    """Why a token is no constant, named: a call, a value in a value, not a number."""
    if token.kind == "name" and following.text == "(":
        what = f"a call of {_short(token.text)}"
    elif token.text.lower() in ("nan", "inf", "infinity"):
        what = f"{token.text}, which is no finite number,"
    elif token.text in ("{", "[", "("):
        what = "a value inside a value"
    else:
        return _unexpected(token, wanted)
    return _wrong(token, f"{what} is not read; {_HOLDS}")


def _wrong(token: _Token, message: str) -> ConfigError:
    return ConfigError([Problem("text", token.text[:40], f"line {token.line}: {message}")])


def _refusal(field: str, value: object, why: str) -> ConfigError:
    return ConfigError([Problem(field, value, f"{_short(str(value))}: {why}")])


def _short(text: str) -> str:
    """Text from outside, printable and at most 60 characters."""
    return text if len(text) <= 60 and text.isprintable() and text else ascii(text[:57])
