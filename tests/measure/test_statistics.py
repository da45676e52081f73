import pytest
from scipy.special import bdtr

from llm_explorer.measure.statistics import is_settled, median_interval, summarize


# Table A.7 "Confidence intervals for the population median", https://www.coursehero.com/file/5646626/A7/ : the shortest
# with 95% or more, such as n=10: 2nd to 9th, 97.9% (by hand: 1 - 2 (1 + 10) / 2^10).
@pytest.mark.parametrize(("n", "lower"), [(6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (15, 4), (17, 5), (20, 6)])
def test_the_limits_of_the_median_are_the_tabulated_order_statistics(n: int, lower: int) -> None:
    ranks = [float(rank) for rank in range(1, n + 1)]
    assert median_interval(ranks[::-1]) == (lower, n + 1 - lower)


@pytest.mark.parametrize("n", [6, 7, 25, 99, 1000])
def test_the_interval_is_the_shortest_that_holds_the_median_with_95_percent(n: int) -> None:
    interval = median_interval([float(rank) for rank in range(1, n + 1)])
    assert interval is not None
    lower = interval[0]
    assert 1 - 2 * bdtr(lower - 1, n, 0.5) >= 0.95
    assert 1 - 2 * bdtr(lower, n, 0.5) < 0.95


def test_five_samples_give_no_95_percent_interval() -> None:
    assert median_interval([1.0] * 5) is None  # 1 - 2 / 2^5 = 93.75%
    assert not is_settled([1.0] * 5)


def test_a_median_is_settled_when_both_ends_are_within_two_percent() -> None:
    assert is_settled([1.0, 1.0, 1.0, 1.0, 1.019, 0.981])
    assert not is_settled([1.0, 1.0, 1.0, 1.0, 1.021, 0.981])
    assert not is_settled([1.0, 1.0, 1.0, 1.0, 1.019, 0.979])


def test_a_summary_keeps_every_sample_in_order() -> None:
    summary = summarize([4.0, 1.0, 3.0, 2.0])
    assert summary.samples == (4.0, 1.0, 3.0, 2.0)
    assert (summary.median, summary.n) == (2.5, 4)
    assert summary.iqr == pytest.approx(1.5)  # quartiles 1.75 and 3.25: linear interpolation, as numpy's default
