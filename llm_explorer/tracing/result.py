"""What a trace tells, as plain data: made in a worker, read on a page. Imports no torch."""

from collections.abc import Mapping

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.plain import Plain

Sizes = Mapping[str, int]  # bytes by name


class Points(Plain):
    """Moments of one step, few enough to draw; the bytes alive at each by category, and what was at work.

    ``peak_at`` is the place of the peak among the points, ``operations`` how many the whole step has.
    """

    categories: Mapping[str, tuple[int, ...]]
    part: tuple[str, ...]
    op: tuple[str, ...]
    phase: tuple[str, ...]
    peak_at: int
    operations: int


class Trace(Plain):
    """The memory of one training step, in bytes; ``seconds`` is what the trace took.

    ``saved`` is what forward keeps for backward, by part, ``depths`` the layers with which a step was really run,
    ``assumes`` what the trace rests on, None where on nothing.
    """

    model: ModelConfig
    run: RunConfig
    peak_bytes: int
    peak_phase: str
    peak_op: str
    peak_part: str
    phases: Sizes
    categories_at_peak: Sizes
    saved: Sizes
    activations_bytes: int
    timeline: Points
    depths: tuple[int, ...]
    assumes: str | None
    constants: Sizes
    seconds: float

    @property
    def peak_place(self) -> str:
        """'backward of the loss': where the peak is."""
        phase, part = self.peak_phase, self.peak_part
        return "the optimizer's update" if phase == "optimizer" else f"{phase} of the {part}" if part else phase


def as_traced(run: RunConfig) -> RunConfig:
    """The run without what changes no byte of a trace."""
    return run.regardless_of("device", "hardware", "threads", "seed", "bf16_products")
