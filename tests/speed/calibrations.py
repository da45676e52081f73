"""Calibrations made by hand, whose predictions can be done in one's head."""

from typing import Any

from llm_explorer.config import RunConfig
from llm_explorer.speed.calibration import Calibration, Table, key_for
from llm_explorer.speed.operation import ATTENTIONS, CHECKPOINTS, PRODUCTS, VALUES

UPDATES = tuple(
    f"{optimizer} {implementation} {dtype}"
    for optimizer in ("adamw", "sgd")
    for implementation in ("fused", "foreach", "for_loop")
    for dtype in ("float32", "bfloat16")
)
KINDS = (*PRODUCTS, *ATTENTIONS, *CHECKPOINTS, *VALUES, *UPDATES)
FACTORS = {"products": 1.0, "attention": 1.0, "values": 1.0, "overhead": 1.0}


def calibration(run: RunConfig, allocator: Any = "default", **changes: Any) -> Calibration:
    """1 ns a unit of work and 1 µs a call, whatever the kind, on one point of any sizes."""
    tables = {
        kind: Table(
            overhead_s=1e-6, axes=((1,),) * (3 if kind in (*PRODUCTS, *ATTENTIONS) else 1), seconds_per_work=(1e-9,)
        )
        for kind in KINDS
    }
    fields = {
        "key": key_for(run, allocator),
        "made": "2026-11-24T12:00:00+00:00",
        "seconds": 4.0,
        "peak_flops": 1e11,
        "bandwidth_bytes_per_s": 1e10,
        "tables": tables,
        "factors": dict.fromkeys(("forward", "backward", "optimizer"), FACTORS),
        "disturbance": 0.0,
        "products_in_fp32": False,
    }
    return Calibration(**(fields | changes))
