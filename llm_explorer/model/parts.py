"""Which part of the model a block's modules belong to, by their names in any of the blocks."""

from collections.abc import Mapping
from typing import Final

from llm_explorer.parts import ATTENTION, FEED_FORWARD, NORMS

PARTS_OF_BLOCK: Final[Mapping[str, str]] = {
    "attention_norm": NORMS,
    "attention": ATTENTION,
    "attention.query_norm": NORMS,
    "attention.key_norm": NORMS,
    "attention_post_norm": NORMS,
    "mlp_norm": NORMS,
    "mlp": FEED_FORWARD,
    "mlp_post_norm": NORMS,
}
