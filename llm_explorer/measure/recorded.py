"""Measurements of whole configs that were made once and written down, with their day and machine. Imports no torch.

For servers that are too small to make them: made by ``python -m benchmarks.record_measurements``.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import Measured

FILE: Final = Path(__file__).with_name("recorded.json")

_Key = tuple[ModelConfig, RunConfig]


class Kept(BaseModel):
    """The part of a measurement that is written down: the rest of it is left out."""

    model_config = ConfigDict(frozen=True)


class Spread(Kept):
    """A timing without its single samples."""

    median: float
    iqr: float
    n: int


class Computed(Kept):
    """What was computed on that day."""

    parameters: int
    peak_bytes: int


class Machine(Kept):
    """With what it was measured, and when."""

    torch: str | None
    python: str
    processor: str
    device: str
    device_name: str | None
    threads: int | None
    allocator: str
    time: str


class Record(Kept):
    """A successful measurement as it is written down, and what was computed."""

    name: str
    model: ModelConfig
    run: RunConfig
    computed: Computed
    parameters: int
    peak_bytes: int
    process_rss_bytes: int
    init_s: float
    tokens_per_s: float
    forward_s: Spread
    backward_s: Spread
    optimizer_s: Spread | None
    step_s: Spread
    environment: Machine


def find(model: ModelConfig, run: RunConfig) -> Record | None:
    """The recorded measurement of exactly this model and run, whatever it is sized for; None where there is none.

    >>> find(ModelConfig(), RunConfig()).parameters
    163009536
    """
    return _recorded().get(_key(model, run))


def record_of(name: str, model: ModelConfig, run: RunConfig, result: Measured) -> Record:
    """A successful measurement as it is written down."""
    computed = {"parameters": count_parameters(model).total, "peak_bytes": result.predicted.peak_bytes}
    return Record.model_validate(result.model_dump() | {"name": name, "model": model, "run": run, "computed": computed})


def read_all() -> list[Record]:
    """All that were written down, in the order of the file."""
    return _RECORDS.validate_json(FILE.read_bytes()) if FILE.exists() else []


def write_all(records: list[Record]) -> None:
    """Write all down."""
    FILE.write_bytes(_RECORDS.dump_json(records, indent=1) + b"\n")


_RECORDS: Final = TypeAdapter(list[Record])


@lru_cache(maxsize=1)
def _recorded() -> dict[_Key, Record]:
    return {_key(each.model, each.run): each for each in read_all()}


def _key(model: ModelConfig, run: RunConfig) -> _Key:
    """Without what changes nothing of what is measured, and with the threads of the machine that it was measured on."""
    return model, run.regardless_of("hardware", "threads", "seed")
