"""Memory of generating text: the weights, and the keys and values kept for every token seen."""

from llm_explorer.accounting.rows import Row, leaf, letters_of
from llm_explorer.config import ModelConfig, RunConfig

WEIGHT_BYTES = {"float32": 4, "autocast": 4, "bfloat16": 2, "bfloat16_master": 2}
_KEYS_AND_VALUES = leaf("keys and values", "kv cache", "2 * a * B * C * D", repeats="L")


def kv_cache_row(model: ModelConfig, run: RunConfig) -> Row:
    """The cache for a batch at the model's full context: 2 L B C D values of the run's precision.

    GPT-2 small, B=1, fp32: 2 x 12 x 1 x 1024 x 768 x 4 bytes = 72 MiB.
    """
    value_bytes = 4 if run.precision == "float32" else 2
    return _KEYS_AND_VALUES.row(letters_of(model, run) | {"a": value_bytes}, "bytes")
