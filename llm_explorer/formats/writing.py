"""Writing configs: the book's dict and JSON."""

import json
from typing import Final

from llm_explorer.config import ModelConfig, RunConfig

_BOOK_FIELDS: Final = (
    "vocab_size",
    "context_length",
    "emb_dim",
    "n_heads",
    "n_layers",
    "drop_rate",
    "qkv_bias",
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
