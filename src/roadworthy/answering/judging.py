"""Judge whether what was found is about the question: cheaply, and closely where that is unsure."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from roadworthy.answering.relevance import READ_HITS, relevance, unsure_hits
from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.lanes import MOST_FAILURES
from roadworthy.gateway.reranking import Reranker
from roadworthy.gateway.trying import tried
from roadworthy.plumbing.breaker import Breaker
from roadworthy.retrieval.search import Hit

DEGRADED = "relevance"
CLOSELY = "token by token"
LONGEST_REST_S = 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was said of the hits, and how."""

    relevance: float  # 0 to 1
    is_close: bool = False  # the question was held against the best of them, token by token
    degraded: Sequence[str] = ()


class Judging:
    """Estimates relevance; see answering/relevance.py.

    Args:
        matcher: holds a question against passages token by token; None: there is none.
    """

    def __init__(self, matcher: Reranker | None = None) -> None:
        self._matcher = matcher
        self._breaker = Breaker(failures=MOST_FAILURES, longest_rest_s=LONGEST_REST_S)

    async def of(self, question: str, hits: Sequence[Hit]) -> Judged:
        """Judge hits, best first. Open, and said: without the matcher the first estimate holds."""
        first, unsure = relevance(hits), unsure_hits(hits)
        if self._matcher is None or not unsure:
            return Judged(relevance=first)
        if self._breaker.is_resting:
            return Judged(relevance=first, degraded=[DEGRADED])
        try:
            match = await self.match(question, unsure)
        except (Unavailable, Busy, Invalid) as error:
            log.warning("relevance was not looked at closely", kind=error.kind)
            return Judged(relevance=first, degraded=[DEGRADED])
        return Judged(relevance=relevance(hits, match=match), is_close=True)

    async def match(self, question: str, hits: Sequence[Hit]) -> float:
        """Tell how well the question's tokens are found in one of the best hits, from -1 to 1.

        Raises:
            Unavailable: there is no matcher, it is down, or it is left alone for a while.
            Busy, Invalid: it is at its limit, or cannot read this.
        """
        if self._matcher is None:
            raise Unavailable("Nothing here matches questions and passages.")
        with tried(self._breaker, what="What matches questions"):
            return max(await self._matcher.score(question, [h.text for h in hits[:READ_HITS]]))
