"""Join the keyword ranking and the vector ranking of one question into one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from roadworthy.core.errors import Invalid

RANK_OFFSET = 60
Ranking = Sequence[tuple[int, float]]  # (passage id, score), best first


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """A passage of the joined ranking, and where it stood in each. Ranks begin at 1."""

    passage_id: int
    score: float  # from 0 to 1
    keyword_rank: int | None
    keyword_score: float | None
    vector_rank: int | None
    vector_score: float | None


def fuse(keyword: Ranking, vector: Ranking, *, vector_weight: float, limit: int) -> list[Fused]:
    """Join two rankings by the weighted sum of their scores, best first.

    Each ranking's scores are stretched to 0..1 between its worst and its best; a passage that
    one ranking lacks gets the worst there. Where one ranking is empty the other decides alone.
    Ties go to the smaller id.

    Args:
        vector_weight: share of the vector ranking, from 0 to 1. (.5 to .7 did best on every set
            measured, ahead of reciprocal ranks.)

    Raises:
        Invalid: the weight is not in 0..1, `limit` is below 1, or a ranking repeats a passage,
            goes up, or holds a score that is not finite.
    """
    if not 0 <= vector_weight <= 1:
        raise Invalid("the vector weight must be from 0 to 1", vector_weight=vector_weight)
    if limit < 1:
        raise Invalid("limit must be at least 1", limit=limit)
    by_keyword, by_vector = _places(keyword, name="keyword"), _places(vector, name="vector")
    share = vector_weight if keyword and vector else float(bool(vector))
    joined = [
        _joined(i, by_keyword.get(i), by_vector.get(i), vector_share=share)
        for i in by_keyword.keys() | by_vector.keys()
    ]
    return sorted(joined, key=lambda f: (-f.score, f.passage_id))[:limit]


def across(rankings: Sequence[Ranking]) -> Ranking:
    """Join rankings whose scores mean nothing to each other by their ranks, best first.

    A single ranking is left as it is. Ties go to the smaller id.

    Source: Cormack, Clarke and Büttcher 2009, reciprocal rank fusion with k = 60.
    """
    if len(rankings) == 1:
        return rankings[0]
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, (passage_id, _) in enumerate(ranking, start=1):
            scores[passage_id] = scores.get(passage_id, 0.0) + 1 / (RANK_OFFSET + rank)
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a passage stands in one ranking."""

    rank: int
    score: float
    share: float  # of the way from the worst score to the best, 0 to 1


def _places(ranking: Ranking, *, name: str) -> dict[int, _Place]:
    scores = [score for _, score in ranking]
    if not all(map(math.isfinite, scores)):
        raise Invalid("a ranking holds a score that is not finite", ranking=name)
    if any(later > earlier for earlier, later in pairwise(scores)):
        raise Invalid("a ranking must come best first", ranking=name)
    places = {
        passage_id: _Place(rank=rank, score=score, share=_share(score, scores[-1], scores[0]))
        for rank, (passage_id, score) in enumerate(ranking, start=1)
    }
    if len(places) < len(scores):
        raise Invalid("a ranking names a passage twice", ranking=name)
    return places


def _share(score: float, worst: float, best: float) -> float:
    # Where all are equal, to be found at all is to be best.
    return (score - worst) / (best - worst) if best > worst else 1.0


def _joined(
    passage_id: int, keyword: _Place | None, vector: _Place | None, *, vector_share: float
) -> Fused:
    by_keyword = keyword.share if keyword else 0.0
    by_vector = vector.share if vector else 0.0
    return Fused(
        passage_id=passage_id,
        score=(1 - vector_share) * by_keyword + vector_share * by_vector,
        keyword_rank=keyword.rank if keyword else None,
        keyword_score=keyword.score if keyword else None,
        vector_rank=vector.rank if vector else None,
        vector_score=vector.score if vector else None,
    )
