"""The stopwatch and the fit with times made up, and one calibration of this very machine."""

import math
import time
from collections.abc import Callable

import pytest
import torch

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.timing import PhaseClock, StepTime, garbage_collection_paused
from llm_explorer.model import build
from llm_explorer.speed import calibrate, fit_factors
from llm_explorer.speed.calibrate import Grid, Stopwatch
from llm_explorer.speed.calibration import Calibration, Group, Table, key_for
from llm_explorer.speed.operation import PRODUCTS
from llm_explorer.speed.predict import predict_with
from llm_explorer.training import TrainingStep, random_batch
from tests.speed.calibrations import KINDS


class Clock:
    """Goes on only when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def grid(clock: Clock, seconds: Callable[[int, int], float], asked: list[tuple[int, int]]) -> Grid:
    """Calls that take as long as ``seconds`` says."""

    def make(rows: int, columns: int) -> Callable[[], None]:
        asked.append((rows, columns))

        def call() -> None:
            clock.now += seconds(rows, columns)

        return call

    return Grid("kind", ((1, 10), (1, 10, 100)), (1, 0), make, lambda rows, columns: rows * columns)


def table_of(seconds: Callable[[int, int], float], end: float = 0.3) -> tuple[Table, list[tuple[int, int]]]:
    clock, asked = Clock(), list[tuple[int, int]]()
    made = grid(clock, seconds, asked)
    watch = Stopwatch(lambda: None, clock)
    calibrate._go_round([made], watch, lambda: clock() < end, lambda *_: None)
    return calibrate._table(made, watch, 0.0), asked


def test_a_table_has_a_call_s_own_time_and_that_of_a_unit_of_work() -> None:
    table, _ = table_of(lambda rows, columns: 1e-6 + 2e-6 * rows * columns)
    assert table.overhead_s == pytest.approx(1e-6)
    assert table.seconds_per_work == pytest.approx([2e-6] * 6)


def test_what_more_columns_cost_with_few_rows_they_cost_with_many() -> None:
    table, asked = table_of(lambda rows, columns: 1e-4 * rows * columns**2)  # a unit of work: the wider, the slower
    assert (10, 10) not in asked  # 0.1 s; as fast as the narrow ones it would take 0.01 s
    assert table.seconds_per_work[4] == pytest.approx(1e-3, rel=1e-3)  # the stopwatch shows at least 10 ns


def test_what_would_take_too_long_is_not_called_and_smaller_ones_stand_for_it() -> None:
    table, asked = table_of(lambda rows, columns: (1e-3 if columns == 100 else 2e-3) * rows * columns)
    assert (10, 10) not in asked  # 0.2 s
    assert table.seconds_per_work[4] == pytest.approx(2e-3, rel=1e-3)
    assert (10, 100) not in asked


def test_when_the_time_is_up_only_the_smallest_have_been_timed() -> None:
    table, asked = table_of(lambda rows, columns: 1e-6 + 2e-6 * rows * columns, end=0.0)
    assert set(asked) == {(1, 0), (1, 1)}
    assert table.seconds_per_work == pytest.approx([2e-6] * 6)


def test_a_large_table_of_which_nearly_nothing_was_timed_is_made_at_once() -> None:
    axes = ((1, 2, 4, 8),) * 3
    one = Grid("kind", axes, (0, 0, 0), lambda *_: lambda: None, lambda *sizes: math.prod(sizes))
    watch = Stopwatch(lambda: None, Clock())
    watch.best = {("kind", (0, 0, 0)): 1e-9, ("kind", (1, 1, 1)): 1e-3}
    table = calibrate._table(one, watch, 0.0)  # asked anew at each step down, it took longer than anybody waits
    assert table.seconds_per_work == pytest.approx([1e-3] * 64, rel=1e-3)


def test_the_shortest_time_counts() -> None:
    clock = Clock()
    lengths = iter([9.0, 3.0, 2.0, 4.0])

    def make(_size: int) -> Callable[[], None]:
        def call() -> None:
            clock.now += next(lengths)

        return call

    watch = Stopwatch(lambda: None, clock)
    one = Grid("kind", ((1,),), (1,), make, int)
    assert [watch.look(one, (1,)) for _ in range(3)] == [3.0, 2.0, 2.0]


def test_the_fit_finds_the_factors_that_whole_models_have() -> None:
    torch.manual_seed(0)
    factors: dict[Group, float] = {"products": 1.2, "attention": 0.8, "values": 1.5, "overhead": 3.0}
    rows = []
    for shares in torch.rand(40, 4).tolist():
        sums = dict(zip(factors, shares, strict=True))
        rows.append((sums, sum(factors[group] * seconds for group, seconds in sums.items())))
    found = fit_factors._fit(rows)
    assert found == pytest.approx(factors, rel=0.05)  # each is drawn a little to 1


def test_without_models_every_factor_is_1() -> None:
    factors = fit_factors._fit([(dict.fromkeys(fit_factors.GROUPS, 0.0), 1.0)])
    assert factors == pytest.approx(dict.fromkeys(fit_factors.GROUPS, 1.0))


@pytest.fixture(scope="module")
def made() -> Calibration:
    """Of this machine, by processor time: what else runs here must not count."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate, "OPERATIONS_S", 3.0)
        found = calibrate.calibrate(
            key_for(RunConfig(precision="autocast", threads=1), "default"),
            report=lambda *_: None,
            now=time.thread_time,
        )
    torch.set_num_threads(before)
    return found


def test_every_kind_is_timed(made: Calibration) -> None:
    assert set(made.tables) == {kind for kind in KINDS if not kind.endswith("bfloat16")}
    assert made.peak_flops > 1e9
    assert made.bandwidth_bytes_per_s > 1e8
    fastest = min(min(made.tables[kind].seconds_per_work) for kind in PRODUCTS)
    assert 1 / fastest >= made.peak_flops * 0.999


def test_a_calibration_survives_json(made: Calibration) -> None:
    assert Calibration.model_validate_json(made.model_dump_json()) == made


def test_a_model_it_has_not_seen_takes_about_as_long_as_predicted(made: Calibration) -> None:
    model = ModelConfig(vocab_size=3000, context_length=96, emb_dim=160, n_heads=5, n_layers=3, drop_rate=0.0)
    run = RunConfig(precision="autocast", threads=1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    took = step_time(model, run)
    torch.set_num_threads(before)
    predicted = predict_with(made, model, run)
    # a wrong unit, phase or number of layers is a factor of 2 and more; noise is not
    assert predicted.forward.seconds == pytest.approx(took.forward, rel=0.6)
    assert predicted.step.seconds == pytest.approx(took.step, rel=0.6)


def step_time(model: ModelConfig, run: RunConfig) -> StepTime:
    step, batches = TrainingStep(build(model, run), run), [random_batch(model, run)]
    clock = PhaseClock(lambda: None, time.thread_time)
    times = []
    with garbage_collection_paused():
        for _ in range(8):
            step(batches, clock.enter)
            times.append(clock.finish())
    return min(times, key=lambda each: each.step)
