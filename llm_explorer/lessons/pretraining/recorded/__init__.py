"""Runs recorded by benchmarks/record_runs.py, for thirty to scrub at once without training; and the trained model.

``pretraining.json`` and ``finetuning.json`` hold all snapshots, ``dropout_0.json`` and ``dropout_20.json`` the losses
only, ``weights.safetensors`` the weights at the end of the first in half precision. Imports no torch.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent


@lru_cache(maxsize=4)
def load(name: str) -> dict[str, Any]:
    """A recorded run: what was trained, on which machine, on which day, and its snapshots; not to be changed."""
    run: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return run
