"""Score passages by BM25 from the postings of a question's terms; exact, no index of its own."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.errors import Invalid
from roadworthy.corpus.postings import Postings, join

K1 = 1.2  # how soon further occurrences of a term stop counting
B = 0.75  # how much a long passage is marked down

# Ids between two neighbours, on average: a table over more would be mostly empty, and large where
# those of a tenant lie among those of others.
SPARSE = 4
SAMPLED = 32  # of so many passages one is looked at, to learn how good the best must be

Ids = NDArray[np.int32]
Scores = NDArray[np.float64]


def score(
    term_classes: Sequence[Sequence[Postings]],
    *,
    passage_count: int,
    mean_length: float,
    limit: int,
    among: Ids | None = None,
) -> tuple[Ids, Scores]:
    """Rank the passages that hold any of the terms, best first; ties go to the smaller id.

    The postings of one class (the forms of a term) count as one term: frequencies are summed, and
    a passage is counted once in the document frequency.

    Args:
        passage_count: passages in the corpus that the postings were taken from.
        mean_length: of those passages, in terms.
        among: rank these alone, with the scores that they have among all.

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
    merged = [_merged([each for each in forms if len(each)]) for forms in term_classes]
    gains = [_gain(each, passage_count, mean_length) for each in merged if len(each)]
    if not gains:
        return np.empty(0, np.int32), np.empty(0, np.float64)
    ids, places = _places(np.concatenate([each.passage_ids for each in merged]))
    scores = _totals(places, np.concatenate(gains), of=len(ids))
    if among is not None:
        scores[~np.isin(ids, among)] = 0
    return _best(ids, scores, limit)


def idf(held_by: int, passage_count: int) -> float:
    """Say how much it tells that a passage holds a term: the more, the fewer hold it.

    Source: as of `score`.
    """
    return math.log1p((passage_count - held_by + 0.5) / (held_by + 0.5))


def told(term_classes: Sequence[Sequence[Postings]], *, passage_count: int, of: Ids) -> Scores:
    """Say how much of what a question tells each of some passages holds, from 0 to 1.

    A term counts by its idf: one that many passages hold tells little of what is asked, and one
    that none holds that something else is.

    Args:
        of: passages, shape (n,).

    Returns: shape (n,).
    """
    shares, whole = np.zeros(len(of)), 0.0
    for forms in term_classes:
        holders = join(forms).passage_ids
        rarity = idf(min(len(holders), passage_count), passage_count)
        # First to the few: the holders of a common term are many.
        shares[np.isin(of, holders[np.isin(holders, of)])] += rarity
        whole += rarity
    return shares / whole if whole else shares


def _merged(forms: Sequence[Postings]) -> Postings:
    """Join the forms of a term to one: without repeats, frequencies summed."""
    joined = join(forms)
    if len(forms) < 2:
        return joined
    ids, places = _places(joined.passage_ids)
    frequencies = _totals(places, joined.frequencies, of=len(ids))
    lengths = np.zeros(len(ids), np.uint16)
    lengths[places] = joined.lengths
    held = np.flatnonzero(frequencies)
    return Postings(
        passage_ids=ids[held],
        frequencies=np.minimum(frequencies[held], np.iinfo(np.uint16).max).astype(np.uint16),
        lengths=lengths[held],
    )


def _gain(postings: Postings, passage_count: int, mean_length: float) -> Scores:
    """Compute what one term adds to each passage that holds it."""
    held_by = len(postings)
    if held_by > passage_count:
        raise Invalid(
            "the corpus has fewer passages than one of its terms; count them again",
            passage_count=passage_count,
            held_by=held_by,
        )
    rarity = idf(held_by, passage_count)
    weighed = postings.lengths * (K1 * B / mean_length)
    weighed += K1 * (1 - B)
    weighed += postings.frequencies
    return np.divide(rarity * postings.frequencies, weighed, out=weighed)


def _places(ids: Ids) -> tuple[Ids, NDArray[np.intp]]:
    """Give ids in ascending order, with where each of `ids` stands in them.

    Where they are dense, those between are given, too: counting into a table is five times as
    fast as sorting.
    """
    lowest, highest = int(ids.min()), int(ids.max())
    if highest - lowest < SPARSE * len(ids):
        return np.arange(lowest, highest + 1, dtype=np.int32), ids.astype(np.intp) - lowest
    return np.unique(ids, return_inverse=True)


def _totals(
    places: NDArray[np.intp], amounts: NDArray[np.float64 | np.uint16], *, of: int
) -> Scores:
    return np.bincount(places, weights=amounts, minlength=of).astype(np.float64, copy=False)


def _best(ids: Ids, scores: Scores, limit: int) -> tuple[Ids, Scores]:
    """Take the best of ascending ids, ties in the order of ids, at the cut as well.

    Those that score 0 are none.
    """
    sample = scores[::SAMPLED]
    if len(sample) > limit:  # at least so many are as good as the last of the sample's best
        bar = np.partition(sample, len(sample) - limit)[len(sample) - limit]
        kept = np.flatnonzero(scores >= bar) if bar else np.flatnonzero(scores)
    else:
        kept = np.flatnonzero(scores)
    ids, scores = ids[kept], scores[kept]
    if len(ids) > limit:
        bar = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        above, level = np.flatnonzero(scores > bar), np.flatnonzero(scores == bar)
        kept = np.sort(np.concatenate([above, level[: limit - len(above)]]))
        ids, scores = ids[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")
    return ids[order], scores[order]
