"""Choose what is read of the hits: each text once, as much as the release allows."""

from collections.abc import Sequence
from dataclasses import replace

from roadworthy.answering.context import (
    BYTES_A_TOKEN,
    Context,
    estimated_tokens,
    joined,
    written,
)
from roadworthy.answering.copies import Distinct, distinct
from roadworthy.core.sentences import sentences
from roadworthy.releases import Release
from roadworthy.retrieval.search import MOST_HITS, Hit
from roadworthy.traces import Reading


def searched_for(release: Release) -> int:
    """Say how many hits are enough to rerank, and for as many that differ, each with a copy."""
    reranked = release.rerank.candidates if release.rerank else 0
    return min(max(2 * release.passages, reranked), MOST_HITS)


def read(found: Sequence[Hit], release: Release) -> Context:
    """Choose what is read of the hits, which are given best first."""
    told = distinct(found, most=release.passages)
    if release.context_tokens is None:
        return Context(hits=told.hits, pieces=joined(told.hits), copies=told.copies)
    return fitted(told, tokens=release.context_tokens)


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


def fitted(told: Distinct, *, tokens: int) -> Context:
    """Take the best that fits.

    What is too long for the rest of the budget makes room for shorter ones behind it; the best
    hit is cut after a sentence instead. Nothing is read that was not found: neighbours and the
    rest of a section push out better hits (docs/decisions/0012).
    """
    taken: list[Hit] = []
    for hit in told.hits:
        more = [*taken, hit] if taken else [_shortened(hit, told, tokens=tokens)]
        if estimated_tokens(written(joined(more), told.copies)) <= tokens:
            taken = more
    return Context(
        hits=taken,
        pieces=joined(taken),
        copies=told.copies,
        cut=len(told.hits) - len(taken),
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
