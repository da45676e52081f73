from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.config import RunConfig, choices
from llm_explorer.machine import default_threads
from llm_explorer.speed.calibration import Key, Table, key_for

GRID = Table(overhead_s=1e-6, axes=((10, 1000), (1, 4)), seconds_per_work=(1e-9, 4e-9, 9e-9, 36e-9))


@pytest.mark.parametrize(
    ("sizes", "seconds_per_work"),
    [
        ((10, 1), 1e-9),
        ((1000, 4), 36e-9),
        ((100, 1), 3e-9),  # half way between 10 and 1000 by logarithms: the geometric mean
        ((10, 2), 2e-9),
        ((100, 2), 6e-9),
        ((5, 1), 1e-9),  # beyond the grid its edge holds
        ((10**6, 100), 36e-9),
    ],
)
def test_logarithms_are_interpolated(sizes: tuple[int, int], seconds_per_work: float) -> None:
    assert GRID.seconds(sizes, 500) == pytest.approx(500 * seconds_per_work)


@given(st.integers(1, 5000), st.integers(1, 8))
def test_nothing_is_faster_than_the_fastest_point_or_slower_than_the_slowest(first: int, second: int) -> None:
    assert 1e-9 * 0.999 <= GRID.seconds((first, second), 1) <= 36e-9 * 1.001


def test_with_one_axis_the_size_is_the_work() -> None:
    table = Table(overhead_s=1e-6, axes=((10, 1000),), seconds_per_work=(1e-9, 9e-9))
    assert table.seconds((20, 5), 100) == pytest.approx(300e-9)


@pytest.mark.parametrize(
    "run",
    [RunConfig(precision="autocast"), RunConfig(threads=7), RunConfig(device="mps"), RunConfig(precision="bfloat16")],
)
def test_another_run_may_need_another_calibration(run: RunConfig) -> None:
    assert key_for(run, "default") != key_for(RunConfig(), "default")


def test_what_does_not_change_the_kernels_shares_a_calibration() -> None:
    usual = key_for(RunConfig(), "fast")
    assert usual == key_for(RunConfig(batch_size=7, optimizer="sgd", threads=default_threads()), "fast")
    assert usual != key_for(RunConfig(), "default")
    half, with_masters = (key_for(RunConfig(precision=name), "fast") for name in ("bfloat16", "bfloat16_master"))
    assert half == with_masters
    assert key_for(RunConfig(device="cuda"), "fast") == key_for(RunConfig(device="cuda:0"), "fast")


def test_a_calibration_is_of_the_bf16_products_that_were_chosen_where_there_is_a_choice() -> None:
    def keys(**run: Any) -> set[Key]:
        return {key_for(RunConfig(bf16_products=chosen, **run), "default") for chosen in ("own", "torch")}

    assert [len(keys(precision=name)) for name in choices("precision")] == [1, 2, 2, 2]
    assert len(keys(precision="bfloat16", device="cuda")) == 1
