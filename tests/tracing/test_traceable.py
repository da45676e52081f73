"""A model of another class than GPT's is traced by what it answers, and by nothing else."""

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.tracing.gpt import TraceableGPT
from llm_explorer.tracing.recording import record
from llm_explorer.tracing.trace import record_from_few
from llm_explorer.tracing.traceable import Built, Place, Traceable
from llm_explorer.training import TrainingStep, random_batch
from tests.tracing.recordings import assert_same

BATCH = ModelConfig(vocab_size=50, context_length=16, emb_dim=8, n_heads=2, n_layers=7)


class Other(nn.Module):
    """Layers of a norm and a matrix, by names that no GPT here has."""

    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.wte = nn.Embedding(50, 24)
        self.h = nn.ModuleList(nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 24), nn.GELU()) for _ in range(n_layers))
        self.ln_f, self.lm_head = nn.LayerNorm(24), nn.Linear(24, 50)

    def loss(self, tokens: Tensor, targets: Tensor, chunk: int | None = None) -> Tensor:
        x = self.wte(tokens)
        for layer in self.h:
            x = x + layer(x)
        return F.cross_entropy(self.lm_head(self.ln_f(x)).flatten(0, 1), targets.flatten())


class TraceableOther(NamedTuple):
    run: RunConfig
    n_layers: int = 7
    period: int = 1
    assumption: str | None = None

    @property
    def accumulation(self) -> int:
        return self.run.accumulation

    def without_values(self) -> AbstractContextManager[None]:
        return nullcontext()

    def build(self, n_layers: int, accumulation: int) -> Built:
        module, run = Other(n_layers), replace(self.run, accumulation=accumulation)
        return Built(module, TrainingStep(module, run), random_batch(BATCH, run))  # type: ignore[arg-type]

    def place_of(self, module: str) -> Place | None:
        first, *inner = module.split(".")
        layer = Place("feed-forward") if len(inner) == 1 else None
        ends = {"wte": Place("embeddings", after="residual stream"), "lm_head": Place("head")}
        return (ends | {"h": layer, "ln_f": Place("norms", after="loss")}).get(first)


@pytest.mark.parametrize("run", [RunConfig(), RunConfig(optimizer="sgd", accumulation=2)], ids=["adamw", "sgd"])
def test_a_model_of_another_class_is_followed_to_the_byte_and_to_any_depth(run: RunConfig) -> None:
    other: Traceable = TraceableOther(run)
    fake = record(other, 7, run.accumulation)
    assert_same(fake, record(other, 7, run.accumulation, fake=False))
    from_few, depths = record_from_few(other)
    assert depths == [3, 4]
    assert_same(from_few, fake)
    assert {operation.part for operation in fake.sections[0].operations} == {
        "embeddings", "feed-forward", "residual stream", "norms", "head", "loss",
    }  # fmt: skip


def test_a_block_of_a_gpt_and_what_is_in_it_have_their_parts() -> None:
    of = TraceableGPT(BATCH, RunConfig()).place_of
    assert of("blocks.11") == Place("residual stream", after="residual stream")
    assert of("blocks.3.attention.query_norm") == Place("norms")
    assert of("final_norm") == Place("norms", after="loss")
    assert (of(""), of("blocks"), of("blocks.3.mlp.up")) == (None, None, None)
