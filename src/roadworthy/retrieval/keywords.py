"""Rank passages by the words of a question: BM25 over the postings that may be seen."""

import asyncio
from collections.abc import Collection, Sequence
from functools import partial

from roadworthy.corpus.postings import Postings, decode_postings
from roadworthy.corpus.routing import rules_of
from roadworthy.corpus.terms import query_terms
from roadworthy.plumbing.database import ReadConnection
from roadworthy.retrieval.bm25 import score
from roadworthy.retrieval.filters import Scope
from roadworthy.retrieval.fusion import Ranking
from roadworthy.retrieval.visible import VisibleCount

LARGE = 20_000  # postings, about a millisecond to score

FIND_POSTINGS = """
SELECT term, packed
  FROM posting
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND term = ANY (%(terms)s)
"""


async def by_keyword(
    conn: ReadConnection,
    question: str,
    scope: Scope,
    *,
    visible: Sequence[VisibleCount],
    limit: int,
) -> Ranking:
    """Rank passages by BM25, best first; statistics are those of what is visible.

    Args:
        visible: all that the principal of `conn` may see of the corpus.
    """
    rules = {rules_of(count.analysis, language=count.language) for count in visible}
    classes = query_terms(question, rules)
    postings = await _postings(conn, frozenset().union(*classes), scope)
    term_classes = [
        [segment for term in forms for segment in postings.get(term, ())] for forms in classes
    ]
    passages = sum(count.passages for count in visible)
    terms = sum(count.terms for count in visible)
    if not terms:
        return []  # passages without a single word
    scoring = partial(
        score, term_classes, passage_count=passages, mean_length=terms / passages, limit=limit
    )
    # Arithmetic over large arrays goes off the event loop; for small ones the way is longer.
    entries = sum(len(segment) for segments in term_classes for segment in segments)
    ids, scores = await asyncio.to_thread(scoring) if entries > LARGE else scoring()
    return list(zip(ids.tolist(), scores.tolist(), strict=True))


async def _postings(
    conn: ReadConnection, terms: Collection[str], scope: Scope
) -> dict[str, list[Postings]]:
    """Fetch the visible postings of each term; a term without any is left out."""
    found: dict[str, list[Postings]] = {}
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(FIND_POSTINGS + scope.condition, scope.asked | {"terms": list(terms)})
        for term, packed in await cursor.fetchall():
            found.setdefault(term, []).append(decode_postings(packed))
    return found
