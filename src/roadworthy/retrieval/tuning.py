"""Choose how rankings are joined by questions whose answers are known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from roadworthy.core.choosing import choose
from roadworthy.core.intervals import Interval
from roadworthy.core.ranking_metrics import mean
from roadworthy.retrieval.fusion import Fusion, Method
from roadworthy.retrieval.judged import Judged

WEIGHTS = tuple(step / 10 for step in range(11))
# By ranks, a weight moves a space far: .9 by seven places, .5 behind all of the other's.
SPACE_WEIGHTS = (0.9, 0.75, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One way to join, and its mean nDCG@10 over all questions."""

    fusion: Fusion
    ndcg10: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What was measured, and what follows from it."""

    questions: int
    live: Tried
    best: Tried  # of all questions; the live one where none is better
    tried: Sequence[Tried]
    gain: Interval  # of the best over the live one, as wide as it takes for all that were tried

    @property
    def is_better(self) -> bool:
        """Tell whether the best can be told from the live one."""
        return self.best != self.live and self.gain.low > 0


def ways(live: Fusion, *, spaces: Sequence[str]) -> Iterator[Fusion]:
    """List what is tried, the live way first.

    Args:
        spaces: in which questions were compared; where there are several, each is lowered in turn.
    """
    yield live
    lowered = [{space: weight} for space in spaces for weight in SPACE_WEIGHTS]
    seen = [_key(live)]
    for space_weights in ({}, *(lowered if len(spaces) > 1 else ())):
        for method in get_args(Method):
            for weight in WEIGHTS:
                way = Fusion(method=method, vector_weight=weight, space_weights=space_weights)
                if _key(way) not in seen:
                    seen.append(_key(way))
                    yield way


def tune(found: Sequence[Judged], live: Fusion, *, advance: Callable[[], None]) -> Tuned:
    """Score every way on every question, and say what the best brings.

    Args:
        advance: called after each question.

    Raises:
        Invalid: the questions are about too few documents to tell anything.
    """
    tried = list(ways(live, spaces=sorted({s for each in found for s in each.rankings.vector})))
    scores: list[list[float]] = []  # of each question, by way
    for each in found:
        scores.append([each.ndcg(way) for way in tried])
        advance()
    means = [Tried(fusion=way, ndcg10=_mean(scores, n)) for n, way in enumerate(tried)]
    choice = choose(scores, [each.document for each in found])
    return Tuned(
        questions=len(found),
        live=means[0],
        best=means[choice.best],
        tried=means,
        gain=choice.gain,
    )


def _mean(scores: Sequence[Sequence[float]], way: int) -> float:
    return mean(row[way] for row in scores) or 0.0


def _key(way: Fusion) -> Fusion:
    """Write what joins alike in one way: where one ranking decides alone, methods do."""
    counted = {space: weight for space, weight in way.space_weights.items() if weight != 1}
    if way.vector_weight == 0:
        return Fusion(vector_weight=0)
    method = "weighted" if way.vector_weight == 1 else way.method
    return replace(way, method=method, space_weights=counted)
