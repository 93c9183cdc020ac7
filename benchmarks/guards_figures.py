"""Figures of a score that should be high for what is looked for: areas, rates, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.intervals import Interval, mean_interval
from roadworthy.core.ranking_metrics import auroc

ROUNDS = 500
BINS = 10

Numbers = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a threshold makes of the cases of one source."""

    recall: Interval | None  # None where nothing is to be found
    false_alarms: Interval | None

    def __str__(self) -> str:
        """Say it in a table."""
        return f"{self.recall or '-'} / {self.false_alarms or '-'}"


def judged(values: Sequence[float], truth: Sequence[bool], threshold: float) -> Figures:
    """Count what is found at a threshold, and what is found in vain."""
    pairs = list(zip(values, truth, strict=True))
    return Figures(
        recall=mean_interval([float(value >= threshold) for value, yes in pairs if yes]),
        false_alarms=mean_interval([float(value >= threshold) for value, yes in pairs if not yes]),
    )


def at_rate(values: Sequence[float], truth: Sequence[bool], rate: float) -> Interval | None:
    """Give the recall at the threshold that raises `rate` of false alarms on these very cases."""
    negatives = sorted((v for v, yes in zip(values, truth, strict=True) if not yes), reverse=True)
    allowed = int(len(negatives) * rate)
    threshold = negatives[allowed]
    return mean_interval(
        [float(v > threshold) for v, yes in zip(values, truth, strict=True) if yes]
    )


def ranked(values: Sequence[float], truth: Sequence[bool]) -> Interval | None:
    """Give the area under the ROC curve, with a bootstrap interval over cases."""
    scores, labels = np.array(values, np.float64), np.array(truth, bool)
    value = _area(scores, labels)
    if value is None:
        return None
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(scores), len(scores)) for _ in range(ROUNDS)]
    areas = [area for rows in drawn if (area := _area(scores[rows], labels[rows])) is not None]
    low, high = np.quantile(areas, [0.025, 0.975])
    return Interval(value=value, low=float(low), high=float(high))


def _area(scores: Numbers, labels: Truth) -> float | None:
    return auroc(scores[labels].tolist(), scores[~labels].tolist())


def plain(interval: Interval | None) -> list[float] | None:
    """Give value, low, high."""
    if interval is None:
        return None
    return [round(each, 4) for each in (interval.value, interval.low, interval.high)]


def calibration_error(values: Sequence[float], truth: Sequence[bool]) -> float:
    """Give the mean distance of scores from the share of what is true, over ten bins of scores.

    Source: expected calibration error, Naeini, Cooper and Hauskrecht 2015.
    """
    scores, labels = np.array(values, np.float64), np.array(truth, np.float64)
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == each).mean() * abs(scores[bins == each].mean() - labels[bins == each].mean())
        for each in np.unique(bins)
    ]
    return float(np.sum(gaps))
