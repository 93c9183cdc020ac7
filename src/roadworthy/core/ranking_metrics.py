"""How good a ranking is against judgements; no evidence gives no number."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from roadworthy.core.errors import Invalid

Item = TypeVar("Item", bound=Hashable)


def ndcg_at_k(ranked: Sequence[Item], grades: Mapping[Item, float], k: int) -> float | None:
    """Compute the normalised discounted gain of the first `k`, 0 to 1.

    An item without a judgement gains nothing; a grade below 0 counts as 0.

    Returns:
        None when no item is judged relevant: there is nothing to find.

    Raises:
        Invalid: `k` is below 1, or the ranking names an item twice.

    Source: trec_eval `ndcg_cut`, as BEIR uses it: the gain is the grade, the discount
        log2(rank + 1), the ideal taken over all judged items.
    """
    _check(ranked, k)
    ideal = _discounted(sorted((max(g, 0.0) for g in grades.values()), reverse=True)[:k])
    if not ideal:
        return None
    return _discounted([max(grades.get(item, 0.0), 0.0) for item in ranked[:k]]) / ideal


def recall_at_k(ranked: Sequence[Item], grades: Mapping[Item, float], k: int) -> float | None:
    """Compute the share of the relevant items (grade above 0) that the first `k` hold.

    Returns:
        None when no item is judged relevant.

    Raises:
        Invalid: `k` is below 1, or the ranking names an item twice.

    Source: trec_eval `recall`.
    """
    _check(ranked, k)
    relevant = {item for item, grade in grades.items() if grade > 0}
    if not relevant:
        return None
    return sum(item in relevant for item in ranked[:k]) / len(relevant)


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Compute how often a positive scores above a negative, 0 to 1; a tie counts half.

    Returns:
        None when there is no positive or no negative.

    Raises:
        Invalid: a score is NaN, which is above and below nothing.

    Source: Mann and Whitney's U over the number of pairs, which is the area under the ROC curve
        (Hanley and McNeil 1982).
    """
    if any(math.isnan(score) for score in (*positives, *negatives)):
        raise Invalid("a score is not a number")
    if not positives or not negatives:
        return None
    ordered = sorted(negatives)
    twice = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in positives)
    return twice / 2 / (len(positives) * len(negatives))


def mean(values: Iterable[float | None]) -> float | None:
    """Average the values that exist; None when none does, never 0."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _discounted(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _check(ranked: Sequence[Hashable], k: int) -> None:
    if k < 1:
        raise Invalid("k must be at least 1", k=k)
    if len(set(ranked[:k])) < len(ranked[:k]):
        raise Invalid("a ranking names an item twice", k=k)
