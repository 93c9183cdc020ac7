"""Choose what is read of the hits: what differs, what lies between, as much as may be read."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import pairwise

from roadworthy.answering.context import (
    BYTES_A_TOKEN,
    Context,
    estimated_tokens,
    joined,
    place,
    written,
)
from roadworthy.answering.copies import Distinct, distinct
from roadworthy.core.sentences import sentences
from roadworthy.plumbing.database import ReadConnection
from roadworthy.releases import Release
from roadworthy.retrieval.passages import PassageRow, fetch_next
from roadworthy.retrieval.search import MOST_HITS, Hit
from roadworthy.traces import Reading


def searched_for(release: Release) -> int:
    """Say how many hits are enough to rerank, and for as many that differ, each with a copy."""
    reranked = release.rerank.candidates if release.rerank else 0
    return min(max(2 * release.passages, reranked), MOST_HITS)


async def read(
    conn: ReadConnection, found: Sequence[Hit], *, tenant_id: int, release: Release
) -> Context:
    """Choose what is read; what it needs beside the hits is fetched as whoever asks.

    Args:
        conn: in the transaction that found the hits, or a later one.
        found: best first.
    """
    told = distinct(found, most=release.passages)
    if release.context_tokens is None:
        return Context(hits=told.hits, pieces=joined(told.hits), copies=told.copies)
    between = await fetch_next(conn, before_gaps(told.hits), tenant_id=tenant_id)
    return fitted(told, between, tokens=release.context_tokens)


def noted(context: Context) -> Reading | None:
    """Say what was read, as a trace keeps it; None when there was nothing."""
    if not context.hits:
        return None
    return Reading(
        pieces=tuple(tuple(hit.passage_id for hit in piece) for piece in context.pieces),
        tokens=estimated_tokens(context.text),
        copies=len(context.named) - len(context.hits),
        cut=context.cut,
    )


def before_gaps(hits: Sequence[Hit]) -> list[int]:
    """Name the passages that one other parts from the next hit of their document."""
    return [
        one.passage_id
        for one, other in pairwise(sorted(hits, key=place))
        if place(other) == (one.document_id.int, one.ordinal + 2)
    ]


def fitted(told: Distinct, between: Sequence[PassageRow], *, tokens: int) -> Context:
    """Take the best that fits, and what lies between two hits right after the worse of them.

    What is too long for the rest of the budget makes room for shorter ones behind it; the best
    hit is cut after a sentence instead. Measured: neighbours of one hit alone, or the rest of its
    section, push out better hits (docs/decisions/0012).

    Args:
        between: the passages between two of the hits, for each of `before_gaps`.
    """
    taken: list[Hit] = []
    for hit in _with_bridges(told, between):
        more = [*taken, hit] if taken else [_shortened(hit, told, tokens=tokens)]
        if estimated_tokens(written(joined(more), told.copies)) <= tokens:
            taken = more
    read = {hit.passage_id for hit in taken}
    return Context(
        hits=taken,
        pieces=joined(taken),
        copies=told.copies,
        cut=sum(hit.passage_id not in read for hit in told.hits),
    )


def _with_bridges(told: Distinct, between: Sequence[PassageRow]) -> list[Hit]:
    rank = {place(hit): at for at, hit in enumerate(told.hits)}
    said_elsewhere = {copy.passage_id for some in told.copies.values() for copy in some}
    order = [(at, -1, hit) for at, hit in enumerate(told.hits)]
    for row in between:
        document, ordinal = row.document_id.int, row.ordinal
        worse = max(rank[document, ordinal - 1], rank[document, ordinal + 1])
        if row.passage_id not in said_elsewhere:
            order.append((worse, ordinal, _bridge(row, rank=told.hits[worse].rank)))
    return [hit for *_, hit in sorted(order, key=lambda entry: entry[:2])]


def _bridge(row: PassageRow, *, rank: int) -> Hit:
    """Describe a passage that was found by its neighbours alone."""
    return Hit(
        **asdict(row),
        rank=rank,
        score=0.0,
        fused_rank=rank,
        keyword_rank=None,
        keyword_score=None,
        vector_rank=None,
        vector_score=None,
        space=None,
    )


def _shortened(hit: Hit, told: Distinct, *, tokens: int) -> Hit:
    """Cut the best hit after the last sentence that fits, or in the first when none does."""
    lead = written([(replace(hit, text=""),)], told.copies)
    room = tokens * BYTES_A_TOKEN - len(lead.encode())
    if len(hit.text.encode()) <= room:
        return hit
    longest = hit.text.encode()[:room].decode(errors="ignore")
    ends = [end for _, end in sentences(hit.text) if end <= len(longest)]
    text = hit.text[: ends[-1]] if ends else longest
    return replace(hit, end=hit.start + len(text), text=text)
