"""What a trace asks of a model. A GPT's answers are in gpt.py; a model of any other class can be traced by its own."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from llm_explorer.training import Batch, Phase


class Place(NamedTuple):
    """The part of the model that works inside a module, and once it is left, from then on, outside of all modules."""

    part: str
    after: str | None = None  # None: as before


class Step(Protocol):
    """Forward, backward and update; ``training.TrainingStep`` is one, and says what each of these is."""

    masters: dict[Tensor, Tensor]
    optimizer: Optimizer | None

    def __call__(self, batches: Sequence[Batch], mark: Callable[[Phase], None]) -> Tensor:
        """One whole step over all micro-batches, whose phases ``mark`` is told of; returns their mean loss ()."""

    def update(self) -> None:
        """Change the weights by the gradients, then free those."""


class Built(NamedTuple):
    """A model, a step of it, and the batch that is each of its micro-batches."""

    module: nn.Module
    step: Step
    batch: Batch


class Traceable(Protocol):
    """A model and how a step of it runs: built at any depth, watched by the names of its modules."""

    @property
    def n_layers(self) -> int:
        """Of the model itself, which need not be built."""

    @property
    def period(self) -> int:
        """After how many layers those before come again: 1 where all are alike."""

    @property
    def accumulation(self) -> int:
        """Micro-batches of a step."""

    @property
    def assumption(self) -> str | None:
        """What a trace rests on where ``without_values`` took choices that depend on values; None without."""

    def without_values(self) -> AbstractContextManager[None]:
        """Within, the model needs no values: its tensors have none."""

    def build(self, n_layers: int, accumulation: int) -> Built:
        """The model with so many layers, and a step of so many micro-batches, on the device of the run."""

    def place_of(self, module: str) -> Place | None:
        """Of a module by its name in ``named_modules``; None where it is a piece of what it is in."""
