"""Judge whether what was found is about the question: cheaply, and closely where that is unsure."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import structlog

from roadworthy.answering.admission import Admission
from roadworthy.answering.question_words import is_question
from roadworthy.answering.relevance import READ_HITS, Look, relevance, unsure_hits
from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.classifying import Classifier
from roadworthy.gateway.engine.catalogue import ANSWERED
from roadworthy.gateway.lanes import MOST_FAILURES
from roadworthy.gateway.reranking import Reranker
from roadworthy.gateway.trying import tried
from roadworthy.plumbing.breaker import Breaker
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.retrieval.search import Hit

DEGRADED = "relevance"
CLOSELY = "closely"
LONGEST_REST_S = 10.0
MOST_WAIT_S = 0.5  # for a place, before a question goes without a look
OF_WHAT_IS_LEFT = 0.25  # until the deadline
SUREST = 1e-4  # a score nearer to 0 or 1 says no more

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was said of the hits, and how."""

    relevance: float  # 0 to 1
    is_close: bool = False  # somebody looked closely at the best of them
    degraded: Sequence[str] = ()


class CloseLook:
    """Looks closely: which of the best passages has the question's words, and does it answer it.

    Args:
        matcher: holds a question against passages token by token.
        reader: reads it, if it looks like a question, together with the one that matches it best.
        places: looks that are under way, and the line before them. Of more, where the processor is
            busy, none would be done in time: work for nothing, in the way of others'.
    """

    def __init__(self, matcher: Reranker, reader: Classifier, *, places: Admission) -> None:
        self._matcher = matcher
        self._reader = reader
        self._places = places
        self._breaker = Breaker(failures=MOST_FAILURES, longest_rest_s=LONGEST_REST_S)

    def is_resting(self, question: str) -> bool:
        """Tell whether to ask it this would be in vain now."""
        return self._breaker.is_resting or (is_question(question) and self._reader.is_resting)

    async def at(self, question: str, hits: Sequence[Hit], *, tenant_id: int) -> Look:
        """Look closely at the best hits.

        Raises:
            Unavailable: the engine is down, or left alone for a while.
            Busy: others are looked at, or the engine is at its limit.
            Invalid: it cannot read this.
        """
        texts = [hit.text for hit in hits[:READ_HITS]]
        answered = None
        async with self._places.place(tenant_id=tenant_id):
            with tried(self._breaker, what="What matches questions"):
                matches = await self._matcher.score(question, texts)
            match, best = max(zip(matches, texts, strict=True), key=itemgetter(0))
            # To claims and keywords, which it was not trained on, it finds no answer anywhere.
            if is_question(question):
                scores = await self._reader.score(ANSWERED, [(question, best)])
                answered = _log_odds(scores.values[0])
        return Look(match=match, answered=answered)


class Judging:
    """Estimates relevance; see answering/relevance.py.

    Args:
        close_look: None: nothing here looks closely.
    """

    def __init__(self, close_look: CloseLook | None = None) -> None:
        self.close_look = close_look

    async def of(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        least: float,
        tenant_id: int,
        deadline: Deadline | None = None,
    ) -> Judged:
        """Judge hits, best first. Open, and said: without a close look the first estimate holds.

        Args:
            least: the relevance that is asked for; every estimate has 0, and no look is worth it.
        """
        first, unsure = relevance(hits), unsure_hits(hits)
        if self.close_look is None or not unsure or not least:
            return Judged(relevance=first)
        if self.close_look.is_resting(question):
            return Judged(relevance=first, degraded=[DEGRADED])
        try:
            async with asyncio.timeout(deadline and OF_WHAT_IS_LEFT * deadline.left_s):
                look = await self.close_look.at(question, unsure, tenant_id=tenant_id)
        except (Busy, TimeoutError):  # as it may be under load, question after question
            return Judged(relevance=first, degraded=[DEGRADED])
        except (Unavailable, Invalid) as error:
            log.warning("relevance was not looked at closely", kind=error.kind)
            return Judged(relevance=first, degraded=[DEGRADED])
        return Judged(relevance=relevance(hits, look=look), is_close=True)


def _log_odds(score: float) -> float:
    bounded = min(max(score, SUREST), 1 - SUREST)
    return math.log(bounded / (1 - bounded))
