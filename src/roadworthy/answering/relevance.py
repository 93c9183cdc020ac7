"""How likely it is that the hits say something about the question; cheap, before any model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.corpus.terms import query_terms, terms
from roadworthy.retrieval.search import Hit

READ_HITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A logistic fit over one space: cosines of two models are not comparable."""

    intercept: float
    cosine: float
    coverage: float


# Questions put to paragraphs that answer them, against the same kind
# of question put to other articles of the same set (docs/decisions/0004).
CALIBRATIONS = {
    "e5-small": Calibration(intercept=-66.5, cosine=74.2, coverage=10.3),  # seven languages
    "minilm": Calibration(intercept=-9.5, cosine=11.9, coverage=7.96),  # English
}


def relevance(question: str, hits: Sequence[Hit]) -> float:
    """Estimate from the best cosine and the share of the question's terms that the hits hold.

    Each space is judged by itself, and the best counts: what one space finds makes nothing less
    likely that another found. In a space without a calibration, and without any vector, it is the
    share of the terms alone.

    Returns: from 0 to 1; 0 when there is no hit.
    """
    if not hits:
        return 0.0
    covered = coverage(question, hits)
    by_space: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit.space is not None:
            by_space.setdefault(hit.space, []).append(hit)
    estimates = [
        _fitted(CALIBRATIONS[space], found, covered)
        if space in CALIBRATIONS
        else coverage(question, found)
        for space, found in by_space.items()
    ]
    return max(estimates, default=covered)


def _fitted(fit: Calibration, found: Sequence[Hit], covered: float) -> float:
    cosine = max(hit.vector_score for hit in found if hit.vector_score is not None)
    return 1 / (1 + math.exp(-(fit.intercept + fit.cosine * cosine + fit.coverage * covered)))


def coverage(question: str, hits: Sequence[Hit]) -> float:
    """Give the share of the question's terms that stand in one of the best hits."""
    best = hits[:READ_HITS]
    classes = query_terms(question, {hit.language for hit in best})
    held = [frozenset(terms(f"{hit.heading} {hit.text}", language=hit.language)) for hit in best]
    if not classes:
        return 0.0
    return max(sum(not forms.isdisjoint(words) for forms in classes) for words in held) / len(
        classes
    )
