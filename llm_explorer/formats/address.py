"""Both configs as the query of the app's address: what has a parameter of its own there, and ``set`` for the rest."""

from typing import Final
from urllib.parse import urlencode

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats.settings import to_settings

SLIDERS: Final = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers", "drop_rate")
RUN_FIELDS: Final = ("hardware", "device", "precision", "batch_size", "sequence_length", "optimizer", "accumulation")
BOUND: Final = (*SLIDERS, *RUN_FIELDS)
SETTINGS: Final = "set"
LONGEST_QUERY: Final = 2**14  # `set` and four pins of 2,000 characters each, every third of them written as three


def to_address(model: ModelConfig, run: RunConfig) -> str:
    """The query of the app's link to a config; '' for the defaults.

    >>> to_address(ModelConfig(n_layers=24, bias=False), RunConfig())
    '?n_layers=24&set=bias%3Dfalse'
    """
    settings = [text.partition("=") for text in to_settings(model, run)]
    own = {name: value for name, _, value in settings if name in BOUND}
    rest = " ".join(f"{name}={value}" for name, _, value in settings if name not in BOUND)
    query = urlencode(own | ({SETTINGS: rest} if rest else {}))
    return f"?{query}" if query else ""
