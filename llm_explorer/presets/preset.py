"""What a preset is."""

from dataclasses import dataclass

from llm_explorer.config import ModelConfig, RunConfig


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A config with its source; ``published`` is the authors' count, None where they gave none for this very model.

    ``released`` is the day or the month of the first publication, None for configs made for this app.
    """

    name: str
    title: str
    family: str
    model: ModelConfig
    run: RunConfig
    published: int | None
    source: str
    released: str | None = None
    rounded: bool = False  # the authors printed a rounded count, such as "1.3B"
    note: str = ""
