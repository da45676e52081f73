"""Models for the tests of the workers, and whether a child is gone."""

import textwrap
from pathlib import Path

import psutil
import pytest

from llm_explorer.config import ModelConfig, RunConfig

TINY = ModelConfig(vocab_size=1000, context_length=64, emb_dim=64, n_heads=4, n_layers=2)
SLOW = ModelConfig(vocab_size=1000, context_length=256, emb_dim=256, n_heads=4, n_layers=8)
SLOW_RUN = RunConfig(batch_size=64)  # seconds a step: a measurement of over half a minute


def is_gone(pid: int) -> bool:
    """Whether the process has ended; who adopted it may not have collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def speaks(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Let every child run this code in place of child/, whose module it may import."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.argv == ['-m']:\n"  # as Python sets it before it looks for the module that -m names
        f"{textwrap.indent(textwrap.dedent(code), '    ')}\n"
        "    sys.stdout.flush()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
