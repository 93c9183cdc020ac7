"""Find the passages whose vectors are closest to a question's, of those that may be seen."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import LiteralString

from roadworthy.core.spaces import QueryVector
from roadworthy.plumbing.database import ReadConnection
from roadworthy.retrieval.filters import Scope
from roadworthy.retrieval.fusion import Ranking

# An exact scan: without an index that would stop early, everybody gets his full number of rows.
# Of all partitions two may hold rows of a tenant.
FIND_NEAREST = """
SELECT passage_id, 1 - (vector <=> %(vector)s::halfvec) AS score
  FROM embedding
 WHERE tenant_id = %(tenant_id)s AND place IN (0, %(tenant_id)s)
   AND corpus_id = %(corpus_id)s AND space_id = %(space_id)s
"""
OF_LANGUAGES = """
   AND passage_id IN (
       SELECT id FROM passage
        WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
          AND language = ANY (%(languages)s))
"""
NEAREST_FIRST = " ORDER BY vector <=> %(vector)s::halfvec, passage_id LIMIT %(limit)s"


async def nearest(
    conn: ReadConnection,
    queries: Sequence[QueryVector],
    scope: Scope,
    *,
    limit: int,
) -> list[Ranking]:
    """Rank passages by cosine for each query vector, best first, all in one round trip."""
    asked = scope.asked | {"limit": limit}
    async with AsyncExitStack() as stack:
        cursors = []
        for query in queries:
            cursor = await stack.enter_async_context(conn.cursor())
            await cursor.execute(_statement(query, scope), asked | _wanted(query))
            cursors.append(cursor)
        return [await cursor.fetchall() for cursor in cursors]


def _statement(query: QueryVector, scope: Scope) -> LiteralString:
    of_languages: LiteralString = "" if query.languages is None else OF_LANGUAGES
    return FIND_NEAREST + of_languages + scope.condition + NEAREST_FIRST


def _wanted(query: QueryVector) -> dict[str, object]:
    return {
        "space_id": query.space_id,
        "vector": _halfvec(query),
        "languages": sorted(query.languages or ()),
    }


def _halfvec(query: QueryVector) -> str:
    return "[" + ",".join(f"{x:.5g}" for x in query.vector.tolist()) + "]"
