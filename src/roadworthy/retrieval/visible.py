"""How much of a corpus a person may see: sums of counters, not a scan."""

from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from roadworthy.plumbing.database import ReadConnection
from roadworthy.retrieval.filters import Scope

# Sums over the classes that are visible: nobody's scores depend on what he may not see.
COUNT_VISIBLE = """
SELECT language, analysis, sum(passages)::bigint AS passages, sum(terms)::bigint AS terms
  FROM passage_count
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
 GROUP BY language, analysis
HAVING sum(passages) > 0
 ORDER BY language, analysis
"""
VISIBLE_LANGUAGES = """
SELECT DISTINCT language
  FROM passage_count
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND passages > 0
 ORDER BY language
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleCount:
    """How much of a corpus this person may see in one language, analysed in one way."""

    language: str
    analysis: str
    passages: int
    terms: int


async def count_visible(conn: ReadConnection, scope: Scope) -> list[VisibleCount]:
    """Count what the principal of `conn` may see of the corpus, by language and analysis."""
    async with conn.cursor(row_factory=class_row(VisibleCount)) as cursor:
        await cursor.execute(COUNT_VISIBLE, scope.asked)
        return await cursor.fetchall()


async def visible_languages(conn: ReadConnection, *, tenant_id: int, corpus_id: int) -> list[str]:
    """Name the languages of the passages that the principal of `conn` may see."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(VISIBLE_LANGUAGES, {"tenant_id": tenant_id, "corpus_id": corpus_id})
        return await cursor.fetchall()
