"""A trace of no real step, for the tests of what is made of one."""

from typing import Any

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.parts import CATEGORIES, PARTS
from llm_explorer.tracing.result import Points, Trace


def made_trace(**changes: Any) -> Trace:
    """At one moment nothing is alive; all that is not told is empty."""
    at_peak = dict.fromkeys(CATEGORIES, 0) | changes.pop("categories_at_peak", {})
    sizes = dict.fromkeys(CATEGORIES, (0,)) | changes.pop("sizes", {})
    told: dict[str, Any] = {
        "model": ModelConfig(),
        "run": RunConfig(),
        "peak_bytes": 0,
        "peak_phase": "backward",
        "peak_op": "aten.mm.default",
        "peak_part": "head",
        "phases": {"forward": 0, "backward": 0, "optimizer": 0},
        "saved": dict.fromkeys(PARTS, 0),
        "activations_bytes": 0,
        "depths": (3, 4),
        "assumes": None,
        "constants": {},
        "seconds": 0.1,
    }
    moment = {"part": ("head",), "op": ("aten.mm.default",), "phase": ("backward",)}
    line = Points(categories=sizes, **moment, peak_at=0, operations=1)
    return Trace(**told | {"categories_at_peak": at_peak, "timeline": line} | changes)
