"""What a training run tells on the way, and a whole run as it is drawn and written down. Imports no torch."""

from collections.abc import Sequence

from llm_explorer.config import ModelConfig
from llm_explorer.plain import Plain


class Steps(Plain):
    """Some steps of the optimizer: their numbers, and of each the loss before it, the gradient's norm and the rate."""

    step: tuple[int, ...] = ()
    loss: tuple[float, ...] = ()
    gradient_norm: tuple[float, ...] = ()
    learning_rate: tuple[float, ...] = ()


class TrainingSnapshot(Plain):
    """What a model is like after ``step`` steps, which took ``seconds``; losses are in nats a token.

    ``old_loss`` is where a plan has an old text. ``curve``: steps since the snapshot before, about 250 in a whole run.
    ``sample``: what it writes after the probe. ``next``: the likeliest characters after it, with probabilities.
    ``heads``: (L, N, rows of 1 to T attention weights in percent). Where only losses were kept, these are empty.
    """

    step: int
    seconds: float
    training_loss: float
    validation_loss: float
    old_loss: float | None = None
    curve: Steps = Steps()
    sample: str = ""
    next: tuple[tuple[str, float], ...] = ()
    heads: Sequence[Sequence[Sequence[Sequence[int]]]] = ()


class TrainingRun(Plain):
    """A run of ``steps`` steps; ``tuned`` where it went on from a trained model."""

    steps: int
    probe: str
    snapshots: tuple[TrainingSnapshot, ...]
    tuned: bool = False


class RecordedRun(TrainingRun):
    """A run that was written down: of which ``text``, so many ``characters``; made on a day, on a machine."""

    text: str
    characters: int
    parameters: int
    model: ModelConfig
    recorded: str
    machine: str
