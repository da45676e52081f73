"""Configs from a preset's name, a file, standard input or pasted text."""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TextIO

from llm_explorer import presets
from llm_explorer.config import ConfigError, Problem
from llm_explorer.formats.dicts import read_dict
from llm_explorer.formats.hugging_face.reading import import_config
from llm_explorer.formats.imported import Imported
from llm_explorer.formats.json_text import MAX_JSON_CHARACTERS, read_json
from llm_explorer.formats.other_names import is_litgpt, is_nanogpt, litgpt, nanogpt
from llm_explorer.formats.settings import Configs, built, split
from llm_explorer.formats.words import refusal

MAX_CHARACTERS: Final = 100_000  # a config with a comment on each line is about 2,000
_HUGGING_FACE: Final = re.compile(r'[\s\ufeff]*\{.*"(model_type|architectures)"\s*:', re.DOTALL)

_OTHER_NAMES: Final = re.compile(
    r'[\s\ufeff]*\{.*"(n_embd|block_size|padded_vocab_size|norm_class_name|mlp_class_name)"\s*:', re.DOTALL
)


def load(source: str, stdin: TextIO | None) -> Configs:
    """The configs of a preset's name, of a file, or of standard input for ``-``.

    >>> import sys
    >>> load("gpt2", sys.stdin)[0].tie_embeddings
    True
    """
    return load_import(source, stdin).configs()


def load_import(source: str, stdin: TextIO | None) -> Imported:
    """Like load, with what is to be said of it; a family that can only be counted is no error here.

    ``stdin`` is None where it is closed.
    """
    if source == "-":
        if stdin is None:
            raise refusal("config", "-", "standard input is closed; name a preset or a file, or give the config there")
        return read(_read(stdin, "standard input"))
    preset = presets.find(source)
    if preset is not None:
        return Imported("preset", preset.model, preset.run)
    return read(_file_text(source))


def parse(text: str) -> Configs:
    """The configs in a text; ConfigError where it has none, or one that can only be counted."""
    return read(text).configs()


def read(text: str) -> Imported:
    """What a text says, told apart by its keys.

    - the book's dict as it stands, with its comments and ``NAME =``, or the same as JSON: fields of ModelConfig and
      of RunConfig may stand together, a field left out has its default;
    - a Hugging Face config.json: it has "model_type" or "architectures";
    - the arguments of nanoGPT's GPTConfig and of litgpt's Config: they have n_embd, block_size, or one of litgpt's own.
    """
    if _HUGGING_FACE.match(text[:MAX_JSON_CHARACTERS]):
        return import_config(read_json(text))
    if len(text) > MAX_CHARACTERS:
        message = f"the text has over {MAX_CHARACTERS:,} characters; a config has about 2,000: paste only the dict"
        raise ConfigError([Problem("text", None, message)])
    values = _flat_or_nested(text)
    if is_litgpt(values):
        return litgpt(values)
    if is_nanogpt(values):
        return nanogpt(values)
    return Imported("dict", *built(*split(values)))


def _flat_or_nested(text: str) -> dict[str, Any]:
    """A flat dict, or JSON with litgpt's names, which has values inside values."""
    try:
        return read_dict(text)
    except ConfigError:
        if not _OTHER_NAMES.match(text):
            raise
        return read_json(text)


def _file_text(name: str) -> str:
    try:
        if Path(name).exists():
            with Path(name).open(encoding="utf-8") as file:
                return _read(file, name)
    except OSError as error:
        raise refusal("config", name, f"cannot be read: {error.strerror}") from None
    near = get_close_matches(name[:40], presets.names(), n=3, cutoff=0.4) or presets.names()[:3]
    raise refusal("config", name, f"no preset and no file has that name; presets near: {', '.join(near)}")


def _read(file: TextIO, name: str) -> str:
    try:
        return file.read(MAX_JSON_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise refusal("config", name, "is not text in UTF-8") from None
    except OSError as error:
        raise refusal("config", name, f"cannot be read: {error.strerror}") from None
