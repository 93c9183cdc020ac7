"""Judge whether what was found is about the question: cheaply, and closely where that is unsure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from roadworthy.answering.relevance import READ_HITS, Look, relevance, unsure_hits
from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.classifying import Classifier
from roadworthy.gateway.engine.catalogue import ANSWERED
from roadworthy.gateway.lanes import MOST_FAILURES
from roadworthy.gateway.reranking import Reranker
from roadworthy.gateway.trying import tried
from roadworthy.plumbing.breaker import Breaker
from roadworthy.retrieval.search import Hit

DEGRADED = "relevance"
CLOSELY = "closely"
LONGEST_REST_S = 10.0
SUREST = 1e-4  # a score nearer to 0 or 1 says no more

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was said of the hits, and how."""

    relevance: float  # 0 to 1
    is_close: bool = False  # somebody looked closely at the best of them
    degraded: Sequence[str] = ()


class Judging:
    """Estimates relevance; see answering/relevance.py.

    Args:
        matcher: holds a question against passages token by token; None: there is none.
        reader: reads a question together with a passage; None: likewise.
    """

    def __init__(self, matcher: Reranker | None = None, reader: Classifier | None = None) -> None:
        self._matcher = matcher
        self._reader = reader
        self._breaker = Breaker(failures=MOST_FAILURES, longest_rest_s=LONGEST_REST_S)

    async def of(self, question: str, hits: Sequence[Hit]) -> Judged:
        """Judge hits, best first. Open, and said: without a close look the first estimate holds."""
        first, unsure = relevance(hits), unsure_hits(hits)
        if self._matcher is None or self._reader is None or not unsure:
            return Judged(relevance=first)
        if self._breaker.is_resting or self._reader.is_resting:
            return Judged(relevance=first, degraded=[DEGRADED])
        try:
            look = await self.look(question, unsure)
        except (Unavailable, Busy, Invalid) as error:
            log.warning("relevance was not looked at closely", kind=error.kind)
            return Judged(relevance=first, degraded=[DEGRADED])
        return Judged(relevance=relevance(hits, look=look), is_close=True)

    async def look(self, question: str, hits: Sequence[Hit]) -> Look:
        """Look closely at the best hits.

        Raises:
            Unavailable: nothing here looks closely, it is down, or it is left alone for a while.
            Busy, Invalid: it is at its limit, or cannot read this.
        """
        if self._matcher is None or self._reader is None:
            raise Unavailable("Nothing here looks closely at questions and passages.")
        texts = [hit.text for hit in hits[:READ_HITS]]
        pairs = [(question, text) for text in texts]
        scores = await self._reader.score(ANSWERED, pairs)  # left alone for a while by itself
        with tried(self._breaker, what="What matches questions"):
            matches = await self._matcher.score(question, texts)
        return Look(match=max(matches), answered=_log_odds(max(scores.values)))


def _log_odds(score: float) -> float:
    bounded = min(max(score, SUREST), 1 - SUREST)
    return math.log(bounded / (1 - bounded))
