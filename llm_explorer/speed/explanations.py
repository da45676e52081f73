"""Why a step takes what it takes: the numbers behind sentences. Plain data."""

from typing import Final, NamedTuple

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.kernels import kernels_of, kernels_of_device
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.statistics import Timing
from llm_explorer.speed.calibration import Calibration
from llm_explorer.speed.operation import ATTENTIONS
from llm_explorer.speed.predict import timed_operations

NOISY: Final = 0.1  # interquartile range over median: from here on something else used the processor


class Dropout(NamedTuple):
    """How many times as long a step takes with dropout as without, and its attention alone."""

    step: float
    attention: float


class Shares(NamedTuple):
    """Shares of the forward's FLOPs, and the sequence at which attention's T x T part would be half of them."""

    head: float
    scores: float
    even_sequence: int


def noise(timing: Timing | None) -> float | None:
    """Interquartile range over median of a measurement's timing, where it is too large to trust; else None.

    >>> noise(Timing(median=0.05, iqr=0.006, n=9, samples=())), noise(Timing(median=0.05, iqr=0.004, n=9, samples=()))
    (0.12, None)
    """
    spread = timing.iqr / timing.median if timing else 0.0
    return spread if spread > NOISY else None


def dropout_cost(calibration: Calibration, model: ModelConfig, run: RunConfig) -> Dropout | None:
    """What dropout costs by prediction where it forces the slower attention; None where it does not."""
    if kernels_of(model, run, kernels_of_device(run.device)).attention != "math":
        return None
    (step, attention), (plain_step, plain_attention) = (
        _spent(calibration, each, run) for each in (model, replace(model, drop_rate=0.0))
    )
    # nothing is told where the fused attention is the slower one, as torch's own is in bf16 without instructions for it
    return Dropout(step / plain_step, attention / plain_attention) if attention > plain_attention else None


def shares(model: ModelConfig, run: RunConfig) -> Shares:
    """Who has the products.

    >>> shares(ModelConfig(), RunConfig()).even_sequence
    6702
    """
    flops, length = count_flops(model, run), run.sequence(model)
    sums = {"head": 0, "attention scores": 0}
    for row in flops.rows:
        if row.component in sums:
            sums[row.component] += row.total
    scores = sums["attention scores"]
    # the scores of a token grow with T, all else of it does not
    return Shares(
        sums["head"] / flops.forward, scores / flops.forward, round(length * (flops.forward - scores) / scores)
    )


def _spent(calibration: Calibration, model: ModelConfig, run: RunConfig) -> tuple[float, float]:
    timed = timed_operations(calibration, model, run)
    return sum(seconds for _, seconds in timed), sum(seconds for each, seconds in timed if each.kind in ATTENTIONS)
