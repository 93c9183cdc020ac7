"""Score passages by BM25 from the postings of a question's terms; exact, no index of its own."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.errors import Invalid
from roadworthy.corpus.postings import Postings

K1 = 1.2  # how soon further occurrences of a term stop counting
B = 0.75  # how much a long passage is marked down

Ids = NDArray[np.int32]
Scores = NDArray[np.float64]


def score(
    term_classes: Sequence[Sequence[Postings]],
    *,
    passage_count: int,
    mean_length: float,
    limit: int,
) -> tuple[Ids, Scores]:
    """Rank the passages that hold any of the terms, best first; ties go to the smaller id.

    The postings of one class (the forms of a term, the segments of the index) count as one
    term: frequencies are summed, and a passage is counted once in the document frequency.

    Args:
        passage_count: passages in the corpus that the postings were taken from.
        mean_length: of those passages, in terms.

    Returns:
        Ids and scores, shape (n,), n <= limit; empty when no passage holds a term.

    Raises:
        Invalid: `limit` or `passage_count` is below 1, `mean_length` is not above 0, or a class
            has more passages than the corpus.

    Source: Robertson and Zaragoza 2009; the idf of Lucene, which is never negative.
    """
    if limit < 1 or passage_count < 1 or not mean_length > 0:
        raise Invalid(
            "limit, passage count and mean length must be above 0",
            limit=limit,
            passage_count=passage_count,
            mean_length=mean_length,
        )
    merged = [_merged(postings) for postings in term_classes]
    parts = [
        (ids, _gain(frequencies, lengths / mean_length, passage_count))
        for ids, frequencies, lengths in merged
        if ids.size
    ]
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.float64)
    ids, scores = _summed([p[0] for p in parts], [p[1] for p in parts])
    return _best(ids, scores, limit)


def _merged(postings: Sequence[Postings]) -> tuple[Ids, Scores, Scores]:
    """Join the postings of a class to one: ids without repeats, frequencies, lengths."""
    if not any(len(p) for p in postings):
        return np.empty(0, np.int32), np.empty(0), np.empty(0)
    ids = np.concatenate([p.passage_ids for p in postings])
    frequencies = np.concatenate([p.frequencies for p in postings]).astype(np.float64)
    lengths = np.concatenate([p.lengths for p in postings]).astype(np.float64)
    if np.all(ids[1:] > ids[:-1]):  # segments written one after the other mostly follow on
        return ids, frequencies, lengths
    distinct, first, places = np.unique(ids, return_index=True, return_inverse=True)
    return distinct, _totals(places, [frequencies]), lengths[first]


def _gain(frequencies: Scores, relative_lengths: Scores, passage_count: int) -> Scores:
    """Compute what one term adds to each passage that holds it."""
    held_by = len(frequencies)
    if held_by > passage_count:
        raise Invalid(
            "the corpus has fewer passages than one of its terms; count them again",
            passage_count=passage_count,
            held_by=held_by,
        )
    idf = math.log1p((passage_count - held_by + 0.5) / (held_by + 0.5))
    return idf * frequencies / (frequencies + K1 * (1 - B + B * relative_lengths))


def _summed(ids: list[Ids], gains: list[Scores]) -> tuple[Ids, Scores]:
    """Add up the gains of each passage; ids come out ascending."""
    every = np.concatenate(ids)
    lowest = int(every.min())
    span = int(every.max()) - lowest + 1
    if span <= 16 * len(every):  # dense enough: counting into a table is five times a sort's speed
        table = _totals(every - lowest, gains)
        held = np.flatnonzero(table > 0)  # a gain is never 0
        return (held + lowest).astype(np.int32), table[held]
    distinct, places = np.unique(every, return_inverse=True)
    return distinct, _totals(places, gains)


def _totals(places: NDArray[np.signedinteger], amounts: Sequence[NDArray[np.generic]]) -> Scores:
    return np.bincount(places, weights=np.concatenate(amounts)).astype(np.float64)


def _best(ids: Ids, scores: Scores, limit: int) -> tuple[Ids, Scores]:
    """Take the best of ascending ids, ties in the order of ids, at the cut as well."""
    if len(ids) > limit:
        bar = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        above, level = np.flatnonzero(scores > bar), np.flatnonzero(scores == bar)
        kept = np.sort(np.concatenate([above, level[: limit - len(above)]]))
        ids, scores = ids[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")
    return ids[order], scores[order]
