"""Runs recorded by benchmarks/record_runs.py, for thirty to scrub at once without training; and the trained model.

``pretraining.json`` and ``finetuning.json`` hold all snapshots, ``dropout_0.json`` and ``dropout_20.json`` the losses
only, ``weights.safetensors`` the weights at the end of the first in half precision. Imports no torch.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

from llm_explorer.pretraining.snapshot import RecordedRun

FOLDER: Final = Path(__file__).parent


@lru_cache(maxsize=4)
def load(name: str) -> RecordedRun:
    """A recorded run."""
    return RecordedRun.model_validate_json((FOLDER / f"{name}.json").read_bytes())
