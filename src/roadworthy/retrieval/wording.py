"""Rank the passages that hold some words in a row, and none that hold others.

Postings tell which may; their texts tell which do, the best ones first, until there are enough.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.routing import rules_of
from roadworthy.corpus.terms import terms_of_words, words, words_in_a_row
from roadworthy.plumbing.database import ReadConnection
from roadworthy.retrieval.bm25 import Ids
from roadworthy.retrieval.filters import Scope
from roadworthy.retrieval.fusion import Ranking
from roadworthy.retrieval.keywords import by_keyword, holders
from roadworthy.retrieval.nearest import Nearest, nearest
from roadworthy.retrieval.visible import VisibleCount

MOST_READ = 2_000  # passages of one ranking: a tenth of a second, beside fetching them
MOST_TERMS = 16  # whose postings are fetched to find a phrase; its texts are read anyway

FIND_TEXTS = """
SELECT id, text
  FROM passage
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
"""


class Worded:
    """Those passages of a scope that are worded as its filter says; all, if it says nothing."""

    def __init__(
        self,
        conn: ReadConnection,
        scope: Scope,
        *,
        visible: Sequence[VisibleCount],
        candidates: Ids | None,
    ) -> None:
        """Take a scope.

        Args:
            candidates: all that pass are among them; None: any may pass.
        """
        self.are_cut_short = False  # more might pass than were looked at
        self.told = dict[int, float]()  # as of ByWords, of those that were ranked by words
        self._conn = conn
        self._scope = scope
        self._visible = visible
        self._candidates = candidates
        self._wanted = [words_in_a_row(each) for each in scope.among.phrases]
        self._unwanted = [words_in_a_row(each) for each in scope.among.without]
        self._passes = dict[int, bool]()  # of those whose texts were read

    async def by_keyword(self, question: str, *, limit: int) -> Ranking:
        """Rank them by the words of a question, with the scores that they have among all."""

        async def rank(most: int) -> Ranking:
            found = await by_keyword(
                self._conn,
                question,
                self._scope,
                visible=self._visible,
                limit=most,
                among=self._candidates,
            )
            self.told |= found.told
            return found.ranking

        return await self._best(rank, limit=limit)

    async def nearest(self, query: QueryVector, *, limit: int) -> Nearest:
        """Rank them by cosine."""
        among = None if self._candidates is None else self._candidates.tolist()
        found: list[Nearest] = []

        async def rank(most: int) -> Ranking:
            found[:] = await nearest(
                self._conn, [query], self._scope, visible=self._visible, limit=most, among=among
            )
            return found[0].ranking

        ranking = await self._best(rank, limit=limit)
        return replace(found[0], ranking=ranking)

    async def _best(self, rank: Callable[[int], Awaitable[Ranking]], *, limit: int) -> Ranking:
        """Keep of the best those that pass, at most `limit`."""
        most = limit
        while True:
            ranking = await rank(most)
            if not (self._wanted or self._unwanted):
                return ranking
            await self._read([passage_id for passage_id, _ in ranking])
            kept = [each for each in ranking if self._passes[each[0]]]
            if len(kept) >= limit or len(ranking) < most:
                return kept[:limit]
            if most >= MOST_READ:
                self.are_cut_short = True
                return kept
            most = MOST_READ  # at once: each turn ranks anew

    async def _read(self, ids: Sequence[int]) -> None:
        unread = [each for each in ids if each not in self._passes]
        if not unread:
            return
        asked = {"tenant_id": self._scope.tenant_id, "ids": unread}
        rows = await (await self._conn.execute(FIND_TEXTS, asked)).fetchall()
        self._passes |= dict.fromkeys(unread, False)  # one may be gone since it was ranked
        self._passes |= await asyncio.to_thread(self._judged, rows)

    def _judged(self, rows: Collection[tuple[int, str]]) -> dict[int, bool]:
        return {passage_id: self._fits(words(text)) for passage_id, text in rows}

    def _fits(self, held: str) -> bool:
        return all(row in held for row in self._wanted) and not any(
            row in held for row in self._unwanted
        )


async def worded(conn: ReadConnection, scope: Scope, *, visible: Sequence[VisibleCount]) -> Worded:
    """Take the passages of a scope that are worded as its filter says.

    Args:
        visible: all that the principal of `conn` may see of the corpus.
    """
    candidates = await _candidates(conn, scope, visible) if scope.among.phrases else None
    return Worded(conn, scope, visible=visible, candidates=candidates)


async def _candidates(
    conn: ReadConnection, scope: Scope, visible: Sequence[VisibleCount]
) -> Ids | None:
    """Find the passages that hold every term of the phrases, by the rules of some language."""
    rules = {rules_of(count.analysis, language=count.language) for count in visible}
    together = {
        frozenset[str]().union(
            *(terms_of_words(each, language=language) for each in scope.among.phrases)
        )
        for language in rules
    }
    if frozenset() in together:
        return None  # stop words alone
    # Long words are rare ones, mostly.
    together = {
        frozenset(sorted(terms, key=lambda term: (-len(term), term))[:MOST_TERMS])
        for terms in together
    }
    held_by = await holders(conn, frozenset().union(*together), scope)
    return np.unique(
        np.concatenate([_in_all([held_by[term] for term in terms]) for terms in together])
    )


def _in_all(some: Sequence[Ids]) -> Ids:
    first, *rest = sorted(some, key=len)
    for each in rest:
        first = first[np.isin(first, each)]
    return first
