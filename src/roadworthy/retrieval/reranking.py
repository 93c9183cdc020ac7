"""Let a reranker read the best hits again, if it is there and quick enough."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.reranking import Reranker
from roadworthy.gateway.uses import OnUse
from roadworthy.releases import Rerank
from roadworthy.retrieval.search import Hit

DEGRADED = "reranking"

log = structlog.get_logger(__name__)


async def rerank(
    question: str,
    hits: Sequence[Hit],
    *,
    reranker: Reranker | None,
    asked: Rerank,
    on_use: OnUse = lambda _: None,
) -> tuple[Sequence[Hit], list[str]]:
    """Order the first hits by how well they answer; the others follow as they were.

    Open, and said: where there is no reranker, or it is late, down, or answers nonsense, the hits
    stay as they are, and it is left alone for a while by all who ask the same of it. It is given
    the texts of `hits` and nothing else; ties keep their order.

    Args:
        hits: best first; no more than `asked.candidates` of them are sent.
        on_use: told what it took.

    Returns:
        The hits, and what went on without.
    """
    if not hits:
        return hits, []
    first = hits[: asked.candidates]
    scores = await _scored(question, first, reranker=reranker, asked=asked, on_use=on_use)
    if scores is None:
        return hits, [DEGRADED]
    scored = [replace(hit, rerank_score=score) for hit, score in zip(first, scores, strict=True)]
    best_first = sorted(scored, key=lambda hit: -(hit.rerank_score or 0.0))
    ordered = [*best_first, *hits[asked.candidates :]]
    return [replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1)], []


async def _scored(
    question: str,
    hits: Sequence[Hit],
    *,
    reranker: Reranker | None,
    asked: Rerank,
    on_use: OnUse,
) -> list[float] | None:
    if reranker is None:
        log.warning("a release reranks, and rerank_url is not set")
        return None
    breaker = reranker.breakers[asked.candidates, asked.budget_ms]
    attempt = breaker.attempt()
    if attempt is None:
        return None
    try:
        async with asyncio.timeout(asked.budget_ms / 1000):
            scores = await reranker.score(question, [hit.text for hit in hits], on_use=on_use)
    except TimeoutError:
        breaker.failed(attempt)
        log.warning("the reranker was late", budget_ms=asked.budget_ms)
        return None
    # What it says may quote what it was given, and what is logged outlives a deletion.
    except (Unavailable, Busy) as error:
        breaker.failed(attempt)
        log.warning("the reranker failed", kind=error.kind, status=error.facts.get("status"))
        return None
    except Invalid as error:
        scores = None
        log.warning("the reranker refused", status=error.facts.get("status"))
    breaker.succeeded(attempt)
    return scores
