import pytest

from llm_explorer.config import ModelConfig
from llm_explorer.pretraining.plan import Plan

SMALL = ModelConfig(context_length=16, emb_dim=16, n_heads=2, n_layers=2, drop_rate=0.2, tie_embeddings=True)
TEXT = "the quick brown fox jumps over the lazy dog. " * 100


@pytest.fixture
def plan() -> Plan:
    """40 steps on 4,500 characters: a second."""
    return Plan(TEXT, SMALL, "the qu", steps=40, warm_up=4, batch_size=8, peak_rate=1e-2)
