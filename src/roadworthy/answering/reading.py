"""Choose what is read of the hits: each text once, as much as the release allows."""

from collections.abc import Sequence
from dataclasses import replace

from roadworthy.answering.context import (
    BYTES_A_TOKEN,
    Context,
    Copies,
    Piece,
    estimated_tokens,
    joined,
    written,
)
from roadworthy.answering.copies import Said, alike
from roadworthy.core.sentences import sentences
from roadworthy.releases import Release
from roadworthy.retrieval.search import MOST_HITS, Hit
from roadworthy.traces import Reading


def searched_for(release: Release) -> int:
    """Say how many hits are enough to rerank, and for as many that differ, each with a copy."""
    reranked = release.rerank.candidates if release.rerank else 0
    return min(max(2 * release.passages, reranked), MOST_HITS)


def read(found: Sequence[Hit], release: Release) -> Context:
    """Choose what a release reads of the hits, which are given best first."""
    return chosen(found, most=release.passages, tokens=release.context_tokens)


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


def chosen(found: Sequence[Hit], *, most: int, tokens: int | None = None) -> Context:
    """Take the best that says something of its own and fits.

    A hit is a copy when a better one holds the same text below the same headings, and when each of
    its sentences, letter for letter, was read below the same title and headings. What is too
    long for the rest of the budget makes room for shorter ones behind it; the best hit is cut
    after a sentence instead. Nothing is read that was not found: neighbours and the rest of a
    section push out better hits (docs/decisions/0012).

    Args:
        found: best first.
        most: hits that are taken, or that there is no room for.
        tokens: at least 300; None: whatever there is.
    """
    said, taken, cut = Said(), list[Hit](), 0
    copies: dict[int, list[Hit]] = {}
    broken: set[int] = set()  # passages whose end is not read
    for each in alike(found):
        held_by = [(hit, said.by(hit)) for hit in (each.best, *each.copies)]
        if all(passages for _, passages in held_by):
            for hit, passages in held_by:
                for passage_id in passages:
                    copies[passage_id].append(hit)
        elif len(taken) + cut < most:
            hit = replace(each.best, rank=len(taken) + cut + 1)
            if tokens is not None and not taken:
                hit = _shortened(hit, each.copies, tokens=tokens)
                broken |= {hit.passage_id} if hit.end < each.best.end else set()
            more, told = [*taken, hit], copies | {hit.passage_id: [*each.copies]}
            if tokens is None or _tokens(joined(more, broken=broken), told) <= tokens:
                taken, copies = more, told
                said.note(hit, each.copies)
            else:
                cut += 1
    return Context(hits=taken, pieces=joined(taken, broken=broken), copies=copies, cut=cut)


def _tokens(pieces: Sequence[Piece], copies: Copies) -> int:
    return estimated_tokens(written(pieces, copies))


def _shortened(hit: Hit, copies: Sequence[Hit], *, tokens: int) -> Hit:
    """Cut the best hit after the last sentence that fits, or in the first when none does."""
    lead = written([(replace(hit, text=""),)], {hit.passage_id: copies})
    room = tokens * BYTES_A_TOKEN - len(lead.encode())
    if len(hit.text.encode()) <= room:
        return hit
    longest = hit.text.encode()[:room].decode(errors="ignore")
    ends = [end for _, end in sentences(hit.text) if end <= len(longest)]
    text = hit.text[: ends[-1]] if ends else longest
    return replace(hit, end=hit.start + len(text), text=text)
