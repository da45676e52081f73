"""A GPT as a trace asks for it."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import build
from llm_explorer.model.parts import PARTS_OF_BLOCK
from llm_explorer.parts import ATTENTION, EMBEDDINGS, HEAD, LOSS, NORMS, RESIDUAL
from llm_explorer.tracing.recording import Recording, record
from llm_explorer.tracing.routing import ASSUMPTION, balanced_routing
from llm_explorer.tracing.traceable import Built, Place
from llm_explorer.training import TrainingStep, random_batch

_PLACES: Final[Mapping[str, Place]] = {
    "token_embedding": Place(EMBEDDINGS),
    "position_embedding": Place(EMBEDDINGS),
    "dropout": Place(EMBEDDINGS, after=ATTENTION),  # rotations and masks for all blocks
    "block": Place(RESIDUAL, after=RESIDUAL),
    "final_norm": Place(NORMS, after=LOSS),
    "head": Place(HEAD),
} | {f"block.{name}": Place(part) for name, part in PARTS_OF_BLOCK.items()}


class TraceableGPT(NamedTuple):
    """A config and how a step of it runs."""

    model: ModelConfig
    run: RunConfig

    @property
    def n_layers(self) -> int:
        """Of the config."""
        return self.model.n_layers

    @property
    def period(self) -> int:
        """As many as a pattern of windows has, else 1; a window as wide as the sequence hides nothing."""
        every, window = self.model.full_attention_every, self.model.sliding_window
        if every is None or window is None or window >= self.run.sequence(self.model) or every > self.n_layers:
            return 1
        return every

    @property
    def accumulation(self) -> int:
        """Of the run."""
        return self.run.accumulation

    @property
    def assumption(self) -> str | None:
        """Of a mixture of experts."""
        return ASSUMPTION if self.model.n_experts else None

    def without_values(self) -> AbstractContextManager[None]:
        """To experts fake tokens go evenly."""
        return balanced_routing()

    def build(self, n_layers: int, accumulation: int) -> Built:
        """A GPT of so many layers and its training step."""
        model, run = replace(self.model, n_layers=n_layers), replace(self.run, accumulation=accumulation)
        gpt = build(model, run)
        return Built(gpt, TrainingStep(gpt, run), random_batch(model, run))

    def place_of(self, module: str) -> Place | None:
        """'blocks.3.attention.query_norm' belongs to the norms."""
        return _PLACES.get(re.sub(r"^blocks\.\d+", "block", module))


def record_step(model: ModelConfig, run: RunConfig, *, fake: bool = True) -> Recording:
    """One step of a GPT as it is, all layers and micro-batches of it."""
    return record(TraceableGPT(model, run), model.n_layers, run.accumulation, fake=fake)
