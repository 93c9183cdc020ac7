"""Rank passages by the words of a question: BM25 over the postings that may be seen."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import reduce
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray

from roadworthy.corpus.postings import (
    BYTES_EACH,
    NO_IDS,
    Postings,
    decode_ids,
    decode_postings,
    join,
)
from roadworthy.corpus.routing import rules_of
from roadworthy.corpus.terms import query_terms
from roadworthy.plumbing.database import ReadConnection
from roadworthy.retrieval.bm25 import Ids, score, told
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.fusion import Ranking
from roadworthy.retrieval.visible import VisibleCount

LARGE = 20_000  # postings, about a millisecond to score

FIND_POSTINGS = """
SELECT term, packed
  FROM posting
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND term = ANY (%(terms)s)
"""
FIND_SEGMENTS = """
SELECT term, acl_id, packed
  FROM posting_segment
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND term = ANY (%(terms)s)
"""
# In segments of their class, and not to be found.
FIND_GONE = "SELECT acl_id, passages FROM gone_passages(%(corpus_id)s)"
FIND_MERGED = """
SELECT passages
  FROM merged_revision
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByWords:
    """A ranking by the words of a question."""

    ranking: Ranking
    told: Mapping[int, float]  # of what the question tells, the share that each holds, 0 to 1


NOTHING = ByWords(ranking=(), told={})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Rows of postings, as they are stored."""

    fresh: Sequence[tuple[str, bytes]]  # term, postings
    merged: Sequence[tuple[str, int, bytes]]  # term, class, postings
    gone: Sequence[tuple[int, bytes]]  # class, passages; a class once
    passing: "_Passing | None"  # None: every document does

    def __len__(self) -> int:
        rows = (*self.fresh, *self.merged, *self.gone)
        packed = sum(len(row[-1]) for row in rows)
        return packed // BYTES_EACH

    def by_term(self) -> dict[str, Postings]:
        """Join the postings of each term, without what is gone."""
        gone = {acl_id: np.unique(decode_ids(packed)) for acl_id, packed in self.gone}
        parts = dict[str, list[Postings]]()
        for term, packed in self.fresh:
            parts.setdefault(term, []).append(decode_postings(packed))
        for term, acl_id, packed in self.merged:
            left = decode_postings(packed).without(gone.get(acl_id, NO_IDS))
            parts.setdefault(term, []).append(left)
        return {term: join(each) for term, each in parts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passing:
    """Rows of the documents that pass a filter."""

    fresh: Sequence[tuple[str, bytes]]  # term, postings
    merged: Sequence[tuple[bytes]]  # passages, whatever their words

    def ids(self) -> NDArray[np.int32]:
        """Name every passage of theirs that holds a term."""
        fresh = [decode_postings(packed).passage_ids for _, packed in self.fresh]
        return np.concatenate([NO_IDS, *fresh, *(decode_ids(packed) for (packed,) in self.merged)])


async def by_keyword(
    conn: ReadConnection,
    question: str,
    scope: Scope,
    *,
    visible: Sequence[VisibleCount],
    limit: int,
    among: Ids | None = None,
) -> ByWords:
    """Rank passages by BM25, best first; statistics are those of what is visible.

    A filter changes no score.

    Args:
        visible: all that the principal of `conn` may see of the corpus.
        among: rank these passages alone.
    """
    rules = {rules_of(count.analysis, language=count.language) for count in visible}
    classes = query_terms(question, rules)
    passages = sum(count.passages for count in visible)
    terms = sum(count.terms for count in visible)
    if not classes or not terms:
        return NOTHING  # a question, or passages, without a single word
    held = await _held(conn, frozenset().union(*classes), scope)

    def ranked() -> ByWords:
        passing = [ids for ids in (among, held.passing and held.passing.ids()) if ids is not None]
        by_term = held.by_term()
        postings = [[by_term[term] for term in forms if term in by_term] for forms in classes]
        ids, scores = score(
            postings,
            passage_count=passages,
            mean_length=terms / passages,
            limit=limit,
            among=reduce(np.intersect1d, passing) if passing else None,
        )
        shares = told(postings, passage_count=passages, of=ids)
        return ByWords(
            ranking=list(zip(ids.tolist(), scores.tolist(), strict=True)),
            told=dict(zip(ids.tolist(), shares.tolist(), strict=True)),
        )

    # Arithmetic over large arrays goes off the event loop; for small ones the way is longer.
    return await asyncio.to_thread(ranked) if len(held) > LARGE else ranked()


async def holders(conn: ReadConnection, terms: Collection[str], scope: Scope) -> dict[str, Ids]:
    """Name the visible passages of the corpus that hold each of some terms, filtered or not."""
    held = await _held(conn, terms, replace(scope, among=Filter()))

    def by_term() -> dict[str, Ids]:
        found = held.by_term()
        return {term: found[term].passage_ids if term in found else NO_IDS for term in terms}

    return await asyncio.to_thread(by_term) if len(held) > LARGE else by_term()


async def _held(conn: ReadConnection, terms: Collection[str], scope: Scope) -> _Held:
    """Fetch the visible postings of some terms, all in one round trip."""
    questions: tuple[LiteralString, ...] = (FIND_POSTINGS, FIND_SEGMENTS, FIND_GONE)
    if scope.condition:
        questions += (FIND_POSTINGS + scope.condition, FIND_MERGED + scope.condition)
    asked = scope.asked | {"terms": list(terms)}
    async with AsyncExitStack() as stack:
        cursors = [await stack.enter_async_context(conn.cursor(binary=True)) for _ in questions]
        for cursor, question in zip(cursors, questions, strict=True):
            await cursor.execute(question, asked)
        fresh, merged, gone, *passing = [await cursor.fetchall() for cursor in cursors]
    return _Held(
        fresh=fresh,
        merged=merged,
        gone=gone,
        passing=_Passing(fresh=passing[0], merged=passing[1]) if passing else None,
    )
