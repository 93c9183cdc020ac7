"""How likely it is that the hits say something about the question; cheap, before any model."""

import math
from collections.abc import Sequence

from roadworthy.corpus.terms import query_terms, terms
from roadworthy.retrieval.search import Hit

READ_HITS = 3
# Fitted by benchmarks/relevance.py: questions put to their own corpus against questions put to
# another one.
INTERCEPT, COSINE, COVERAGE = -31.0, 36.0, 3.0


def relevance(question: str, hits: Sequence[Hit]) -> float:
    """Estimate from the best cosine and the share of the question's terms that the hits hold.

    Returns: from 0 to 1; 0 when there is no hit.
    """
    if not hits:
        return 0.0
    cosines = [hit.vector_score for hit in hits if hit.vector_score is not None]
    covered = coverage(question, hits)
    if not cosines:
        return covered  # the embedding model is down; the words have to do
    return 1 / (1 + math.exp(-(INTERCEPT + COSINE * max(cosines) + COVERAGE * covered)))


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
