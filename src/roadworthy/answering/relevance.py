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
# of question put to other articles of the same set; seven languages together (docs/decisions/0004).
CALIBRATIONS = {"e5-small": Calibration(intercept=-66.5, cosine=74.2, coverage=10.3)}


def relevance(question: str, hits: Sequence[Hit]) -> float:
    """Estimate from the best cosine and the share of the question's terms that the hits hold.

    Without a hit by a vector of a calibrated space, the share of the terms alone.

    Returns: from 0 to 1; 0 when there is no hit.
    """
    if not hits:
        return 0.0
    covered = coverage(question, hits)
    best: dict[str, float] = {}  # the best cosine in each space
    for hit in hits:
        if hit.space in CALIBRATIONS and hit.vector_score is not None:
            best[hit.space] = max(hit.vector_score, best.get(hit.space, -1.0))
    fitted = [_fitted(CALIBRATIONS[space], cosine, covered) for space, cosine in best.items()]
    return max(fitted, default=covered)


def _fitted(fit: Calibration, cosine: float, covered: float) -> float:
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
