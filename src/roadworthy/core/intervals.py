"""How sure a mean is: bootstrap intervals, which assume nothing of how values are spread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.errors import Invalid

ROUNDS = 2_000
LEVEL = 0.95
_AT_ONCE = 1_000_000  # values that are drawn together


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean, and between which bounds it lies with the probability LEVEL."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Say it in a table."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_interval(values: Sequence[float | None]) -> Interval | None:
    """Estimate the mean of what exists of `values`; the same values give the same interval.

    Returns:
        None when no value exists.

    Source: percentile bootstrap, Efron and Tibshirani 1993, chapter 13.
    """
    known = np.array([value for value in values if value is not None], np.float64)
    if not known.size:
        return None
    random = np.random.default_rng(0)
    means = np.empty(ROUNDS)
    step = max(1, _AT_ONCE // known.size)
    for start in range(0, ROUNDS, step):
        drawn = random.integers(0, known.size, (min(step, ROUNDS - start), known.size))
        means[start : start + step] = known[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value=float(known.mean()), low=float(low), high=float(high))


def gain_interval(before: Sequence[float | None], after: Sequence[float | None]) -> Interval | None:
    """Estimate the mean gain of pairs, such as two systems' figures for the same questions.

    A pair of which one value is missing does not count.

    Raises:
        Invalid: there are not as many of the one as of the other.
    """
    if len(before) != len(after):
        raise Invalid("pairs need as many values before as after")
    return mean_interval(
        [
            None if earlier is None or later is None else later - earlier
            for earlier, later in zip(before, after, strict=True)
        ]
    )
