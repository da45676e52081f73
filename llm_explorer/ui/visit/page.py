"""What a page gets of a visit."""

from typing import NamedTuple

from llm_explorer.config import ModelConfig, RunConfig


class Page(NamedTuple):
    """Two valid configs, and the share of memory to keep free."""

    model: ModelConfig
    run: RunConfig
    reserve: float
