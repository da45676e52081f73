"""What whole small models say of the sums of their operations. Needs torch."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import Final

import torch

from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.timing import Clock, PhaseClock, StepTime
from llm_explorer.model import build
from llm_explorer.speed.calibration import Group, Key, Table, group_of
from llm_explorer.speed.operation import Phase
from llm_explorer.speed.operations import operations
from llm_explorer.training import TrainingStep, random_batch

FEWEST: Final = 4
STEPS: Final = (3, 8)  # at least and at most; the first of them is a warm-up
ENOUGH_S: Final = 0.1
PHASES: Final[tuple[Phase, ...]] = ("forward", "backward", "optimizer")
GROUPS: Final[tuple[Group, ...]] = ("products", "attention", "values", "overhead")
PULL: Final = 0.1  # towards a factor of 1, against one relative error of 1
BOUNDS: Final = (0.3, 8.0)

# (layers, width, heads, vocabulary, sequence, batch, dropout): each says something that the others do not
_SHAPES: Final = (
    (1, 32, 2, 256, 16, 1, 0.0),  # nearly all of it is overhead
    (1, 64, 4, 16384, 128, 1, 0.0),  # head and loss
    (2, 384, 6, 1000, 128, 1, 0.0),  # products
    (2, 128, 8, 1000, 512, 1, 0.0),  # attention
    (4, 64, 2, 256, 32, 1, 0.0),
    (2, 512, 8, 1000, 256, 1, 0.0),
    (1, 192, 6, 8192, 256, 1, 0.1),
    (1, 768, 12, 1000, 64, 1, 0.0),
)
IsTime = Callable[[], bool]
Rows = list[tuple[dict[Group, float], float]]  # the tables' seconds by group, and the seconds it took


def fit_factors(
    key: Key, tables: Mapping[str, Table], synchronize: Callable[[], None], clock: Clock, is_time: IsTime
) -> tuple[dict[Phase, dict[Group, float]], float]:
    """The factors that make the tables' sums those of the whole models, as nearly as can be, and the disturbance.

    See ``Calibration``. When it ``is_time`` no longer no further model is begun; four there are always.
    """
    rows: dict[Phase, Rows] = {phase: [] for phase in PHASES}
    disturbances: list[float] = []
    for number, shape in enumerate(_SHAPES):
        if number >= FEWEST and not is_time():
            break
        model, run = _configs(key, *shape)
        times = _step_times(model, run, synchronize, clock)
        took = StepTime(*(min(each) for each in zip(*times, strict=True)))  # the shortest of each phase
        disturbances.append(median(each.step for each in times) / min(each.step for each in times) - 1)
        for phase in PHASES:
            rows[phase].append((_sums(model, run, tables, phase), getattr(took, phase)))
    return {phase: _fit(found) for phase, found in rows.items()}, median(disturbances)


def _configs(
    key: Key, layers: int, width: int, heads: int, vocabulary: int, sequence: int, batch: int, dropout: float
) -> tuple[ModelConfig, RunConfig]:
    model = ModelConfig(
        vocab_size=vocabulary,
        context_length=sequence,
        emb_dim=width,
        n_heads=heads,
        n_layers=layers,
        drop_rate=dropout,
    )
    return model, RunConfig(device=key.device, precision=key.recipe, batch_size=batch, sequence_length=sequence)


def _step_times(model: ModelConfig, run: RunConfig, synchronize: Callable[[], None], clock: Clock) -> list[StepTime]:
    step, batches = TrainingStep(build(model, run), run), [random_batch(model, run)]
    phases = PhaseClock(synchronize, clock)
    times: list[StepTime] = []
    start, (least, most) = clock(), STEPS
    while len(times) < least or (len(times) < most and clock() - start < ENOUGH_S):
        step(batches, phases.enter)
        times.append(phases.finish())
    return times[1:]


def _sums(model: ModelConfig, run: RunConfig, tables: Mapping[str, Table], phase: Phase) -> dict[Group, float]:
    sums: dict[Group, float] = dict.fromkeys(GROUPS, 0.0)
    for each in operations(model, run, kernels_of_device(run.device)):
        if each.phase == phase:
            sums[group_of(each)] += each.times * tables[each.kind].seconds(each.sizes, each.work)
            sums["overhead"] += each.calls * tables[each.kind].overhead_s
    return sums


def _fit(rows: Rows) -> dict[Group, float]:
    """Least squares of the relative errors, every factor drawn a little to 1."""
    shares = torch.tensor([[sums[group] / took for group in GROUPS] for sums, took in rows], dtype=torch.float64)
    pull = PULL * torch.eye(len(GROUPS), dtype=torch.float64)
    left = torch.cat([shares, pull])
    right = torch.cat([torch.ones(len(rows), dtype=torch.float64), pull.sum(1)])
    found = torch.linalg.lstsq(left, right[:, None]).solution.flatten().clamp(*BOUNDS)
    return dict(zip(GROUPS, found.tolist(), strict=True))
