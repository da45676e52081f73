"""Writing configs: the book's dict and JSON, and a report of one as Markdown or CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from llm_explorer import units
from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig
from llm_explorer.config.problems import shown
from llm_explorer.formats.imported import Imported
from llm_explorer.formats.settings import to_settings
from llm_explorer.texts.explore import PHASE_WORDS

_BOOK_FIELDS: Final = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers", "drop_rate", "qkv_bias")


def to_book_dict(model: ModelConfig) -> str:
    """The assignment ``GPT_CONFIG = {...}``: the book's seven fields, and others where they differ from defaults."""
    fields = type(model).model_fields
    values = model.model_dump()
    shown = {name: values[name] for name in fields if name in _BOOK_FIELDS or values[name] != fields[name].default}
    lines = "".join(f'    "{name}": {value!r},\n' for name, value in shown.items())
    return f"GPT_CONFIG = {{\n{lines}}}\n"


def to_book(model: ModelConfig) -> str:
    """The book's own seven fields; ConfigError where the book's model has not what the config asks for."""
    fields = type(model).model_fields
    others = [name for name in fields if name not in _BOOK_FIELDS and getattr(model, name) != fields[name].default]
    if others:
        told = ", ".join(f"{name}={shown(getattr(model, name))}" for name in others)
        message = f"the book's dict has no word for {told}: export JSON, or set them to their defaults"
        fixes = tuple((name, fields[name].default) for name in others) if len(others) == 1 else ()
        raise ConfigError([Problem(others[0], getattr(model, others[0]), message, fixes)])
    return to_book_dict(model)


def to_json(model: ModelConfig, run: RunConfig) -> str:
    """All fields of both configs as one flat JSON object, which parse reads."""
    return json.dumps(model.model_dump() | run.model_dump(), indent=2) + "\n"


def counted_report(found: Imported) -> dict[str, Any]:
    """A report of a model that can only be counted: what is not known of it is None, no key is absent."""
    counted = found.counted
    rows = () if counted is None else counted.rows
    shapes = [{"name": row.name, "shape": list(row.shape), "count": row.size, "repeats": row.repeats} for row in rows]
    unknown = dict.fromkeys(("component", "formula"))
    return {
        "model": None,
        "run": found.run.model_dump(),
        "parameters": {
            "total": None if counted is None else counted.total,
            "tied": None,
            "untied": None,
            "embedding": None,
            "non_embedding": None,
            "active": None if counted is None else counted.active,
            "rows": [row | unknown | {"unit": "parameters"} for row in shapes],
        },
        **dict.fromkeys(("flops", "memory", "verdict", "fit", "predicted")),
    }


def to_markdown(title: str, found: Mapping[str, Any], model: ModelConfig, run: RunConfig) -> str:
    """A report in words and tables; ``found`` is what accounting.report gave of the two configs."""
    parameters, flops, memory = found["parameters"], found["flops"], found["memory"]
    facts = {
        "parameters": f"{units.exact(parameters['total'])} ({units.count(parameters['total'])})",
        "used by one token": units.exact(parameters["active"]),
        "weights": units.byte_size(memory["parameters_bytes"]),
        "peak of a training step": f"{units.byte_size(memory['peak_bytes'])} {PHASE_WORDS[memory['peak_phase']]}",
        "KV cache": units.byte_size(memory["kv_cache_bytes"]),
        "forward": units.flops(flops["forward"]),
        "backward": units.flops(flops["backward"]),
    }
    rows = [
        (
            row["name"],
            " x ".join(map(str, row["shape"])),
            str(row["repeats"]),
            units.exact(row["count"] * row["repeats"]),
        )
        for row in parameters["rows"]
    ]
    return "\n".join(
        [
            f"# {title}",
            "",
            f"`{' '.join(to_settings(model, run)) or 'defaults'}`",
            "",
            *_table(("", ""), facts.items()),
            "",
            "## Parameters",
            "",
            *_table(("name", "shape", "times", "parameters"), rows),
            "",
        ]
    )


def to_csv(found: Mapping[str, Any]) -> str:
    """Every row of a report's tables: parameters, FLOPs and memory; formulas as text, totals in the row's unit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "name", "component", "formula", "shape", "count", "repeats", "total", "unit"))
    for table in ("parameters", "flops", "memory"):
        for row in found[table]["rows"]:
            shape, total = " x ".join(map(str, row["shape"])), row["count"] * row["repeats"]
            cells = (row["name"], row["component"], row["formula"], shape, row["count"], row["repeats"])
            writer.writerow((table, *cells, total, row["unit"]))
    return text.getvalue()


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
