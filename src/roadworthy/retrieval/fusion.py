"""Join the keyword ranking and the vector rankings of one question into one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from roadworthy.core.errors import Invalid
from roadworthy.releases import Release

RANK_OFFSET = 60
# Where best and worst differ by no greater part all are the same: in which order a processor adds
# is not to decide.
SAME = 1e-6
Ranking = Sequence[tuple[int, float]]  # (passage id, score), best first
Method = Literal["weighted", "standardised", "reciprocal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """How rankings become one.

    Raises:
        Invalid: a weight is not in 0..1.
    """

    method: Method = "standardised"
    vector_weight: float  # share of the vector ranking, from 0 to 1
    space_weights: Mapping[str, float] = field(default_factory=dict)  # one not named: 1

    def __post_init__(self) -> None:
        """Refuse weights that are none."""
        for weight in (self.vector_weight, *self.space_weights.values()):
            if not 0 <= weight <= 1:
                raise Invalid("a weight must be from 0 to 1", weight=weight)

    def weight_of(self, space: str) -> float:
        """Tell how much the ranking of a space counts beside those of others."""
        return self.space_weights.get(space, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rankings:
    """What was found for a question, before it is joined."""

    candidates: int  # the most that each may hold
    keyword: Ranking
    vector: Mapping[str, Ranking]  # by name of the space


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """A passage of the joined ranking, and where it stood in each. Ranks begin at 1."""

    passage_id: int
    score: float  # from 0 to 1
    keyword_rank: int | None
    keyword_score: float | None
    vector_rank: int | None
    vector_score: float | None


def fusion_of(release: Release) -> Fusion:
    """Tell how a release wants rankings joined."""
    return Fusion(
        method=release.fusion,
        vector_weight=release.vector_weight,
        space_weights=release.space_weights,
    )


def fuse(rankings: Rankings, fusion: Fusion, *, limit: int) -> list[Fused]:
    """Join rankings by the weighted sum of what each makes of a passage, best first.

    By the method `weighted`, a ranking's scores are stretched to 0..1 between its worst and its
    best; by `standardised` as well, and a ranking counts the more, the more standard deviations lie
    between them, as if its scores were measured in those; where fewer passages hold a word than
    have a vector, the others' score of words is 0, and counts as the worst. By `reciprocal`, only
    ranks count, and the first has 1. A passage that one ranking lacks gets 0 there. Where one
    ranking is empty the other decides alone. Ties go to the smaller id.

    Raises:
        Invalid: `limit` is below 1, or a ranking repeats a passage, goes up, or holds a score
            that is not finite.

    Source: Cormack, Clarke and Büttcher 2009, reciprocal rank fusion with k = 60; what each method
        is worth was measured (docs/decisions/0016).
    """
    if limit < 1:
        raise Invalid("limit must be at least 1", limit=limit)
    keyword = rankings.keyword
    vector = across(rankings.vector, fusion)[: rankings.candidates]
    words, meaning = [score for _, score in keyword], [score for _, score in vector]
    if fusion.method == "standardised":
        words += [0.0] * (len(meaning) - len(words))
    by_keyword = _places(keyword, fusion, name="keyword", worst=min(words, default=0))
    by_vector = _places(vector, fusion, name="vector", worst=min(meaning, default=0))
    share = _vector_share(words, meaning, fusion) if keyword and vector else float(bool(vector))
    joined = [
        _joined(i, by_keyword.get(i), by_vector.get(i), vector_share=share)
        for i in by_keyword.keys() | by_vector.keys()
    ]
    return sorted(joined, key=lambda f: (-f.score, f.passage_id))[:limit]


def counted(rankings: Mapping[str, Ranking], fusion: Fusion) -> Mapping[str, Ranking]:
    """Leave out the spaces whose weight is 0, unless no other found anything.

    Weights say how spaces count beside each other; how much meaning does is `vector_weight`.
    """
    weighing = {space: each for space, each in rankings.items() if fusion.weight_of(space)}
    return weighing if any(weighing.values()) else rankings


def across(rankings: Mapping[str, Ranking], fusion: Fusion) -> Ranking:
    """Join the rankings of several spaces, whose scores mean nothing to each other, by ranks.

    A single ranking is left as it is. Ties go to the smaller id.

    Source: as of `fuse`.
    """
    counting = counted(rankings, fusion)
    if len(counting) <= 1:
        return next(iter(counting.values()), [])
    scores: dict[int, float] = {}
    for space, ranking in counting.items():
        for rank, (passage_id, _) in enumerate(ranking, start=1):
            share = (fusion.weight_of(space) or 1.0) / (RANK_OFFSET + rank)
            scores[passage_id] = scores.get(passage_id, 0.0) + share
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


def _vector_share(words: Sequence[float], meaning: Sequence[float], fusion: Fusion) -> float:
    by_words, by_meaning = _deviations(words), _deviations(meaning)
    if fusion.method != "standardised" or not (by_words and by_meaning):
        return fusion.vector_weight
    share = fusion.vector_weight * by_meaning
    return share / (share + (1 - fusion.vector_weight) * by_words)


def _deviations(scores: Sequence[float]) -> float:
    """Tell how many standard deviations the best is above the worst; 0 where all are equal."""
    best, worst, deviation = max(scores), min(scores), float(np.std(scores))
    return (best - worst) / deviation if deviation and not _are_same(worst, best) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a passage stands in one ranking."""

    rank: int
    score: float
    share: float  # what the ranking makes of it, 0 to 1


def _places(ranking: Ranking, fusion: Fusion, *, name: str, worst: float) -> dict[int, _Place]:
    scores = [score for _, score in ranking]
    if not all(map(math.isfinite, scores)):
        raise Invalid("a ranking holds a score that is not finite", ranking=name)
    if any(later > earlier for earlier, later in pairwise(scores)):
        raise Invalid("a ranking must come best first", ranking=name)
    by_rank = fusion.method == "reciprocal"
    places = {
        passage_id: _Place(
            rank=rank,
            score=score,
            share=_of_rank(rank) if by_rank else _stretched(score, worst, scores[0]),
        )
        for rank, (passage_id, score) in enumerate(ranking, start=1)
    }
    if len(places) < len(scores):
        raise Invalid("a ranking names a passage twice", ranking=name)
    return places


def _of_rank(rank: int) -> float:
    return (RANK_OFFSET + 1) / (RANK_OFFSET + rank)


def _stretched(score: float, worst: float, best: float) -> float:
    # Where all are equal, to be found at all is to be best.
    return 1.0 if _are_same(worst, best) else (score - worst) / (best - worst)


def _are_same(worst: float, best: float) -> bool:
    return best - worst <= SAME * max(abs(worst), abs(best))


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
