"""What a handful of timings say: median, spread, and how well the median is known."""

import statistics
from collections.abc import Sequence
from typing import Final

from llm_explorer.plain import Plain

TAIL_PARTS: Final = 40  # 1/40 = 2.5% on either side: a 95% interval


class Timing(Plain):
    """Seconds: the median, the interquartile range (linear quantiles), how many, and every sample in order."""

    median: float
    iqr: float
    n: int
    samples: tuple[float, ...]


def summarize(samples: Sequence[float]) -> Timing:
    """Summarise at least two samples.

    >>> summarize([1.0, 2.0, 3.0, 4.0, 5.0])
    Timing(median=3.0, iqr=2.0, n=5, samples=(1.0, 2.0, 3.0, 4.0, 5.0))
    """
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Timing(median=statistics.median(samples), iqr=high - low, n=len(samples), samples=tuple(samples))


def median_interval(samples: Sequence[float]) -> tuple[float, float] | None:
    """The 95% confidence interval of the median, whatever the distribution; None below 6 samples.

    The k-th smallest and the k-th largest sample, for the largest k at which each side fails with at most 2.5%:
    P(fewer than k of n fall below the median) is binomial with probability 1/2. Conover, "Practical Nonparametric
    Statistics", 3rd ed. 1999, section 3.2.
    """
    n, k = len(samples), 0
    outcomes = below = 1  # of the 2^n equally likely outcomes: those with exactly, and with at most, k below the median
    while below * TAIL_PARTS <= 2**n:
        outcomes = outcomes * (n - k) // (k + 1)
        k += 1
        below += outcomes
    ordered = sorted(samples)
    return (ordered[k - 1], ordered[n - k]) if k else None


def is_settled(samples: Sequence[float], within: float = 0.02) -> bool:
    """Whether the 95% interval of the median lies within that share of the median on both sides."""
    interval = median_interval(samples)
    if interval is None:
        return False
    low, high = interval
    middle = statistics.median(samples)
    return max(middle - low, high - middle) <= within * middle
