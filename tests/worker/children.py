"""Models for the tests of the workers, and whether a child is gone."""

import psutil

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
