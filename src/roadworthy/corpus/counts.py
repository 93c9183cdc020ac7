"""Passages and terms, counted for each class and language: what BM25 asks, true at every moment."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from roadworthy.plumbing.database import Connection, WorkerConnection

# In one order, or two documents that swap their readers would wait for each other.
LOCK_COUNTS = """
SELECT FROM passage_count
 WHERE tenant_id = %(tenant_id)s
   AND acl_id IN (%(acl_id)s, (SELECT acl_id FROM document
                                WHERE tenant_id = %(tenant_id)s AND id = %(id)s))
 ORDER BY corpus_id, acl_id, language, analysis
   FOR UPDATE
"""
LOCK_COUNTS_OF = """
SELECT FROM passage_count
 WHERE tenant_id = %(tenant_id)s
   AND acl_id IN (SELECT acl_id FROM document
                   WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s))
 ORDER BY corpus_id, acl_id, language, analysis
   FOR UPDATE
"""
COUNT_OUT = """
UPDATE passage_count AS counted
   SET passages = counted.passages - gone.passages, terms = counted.terms - gone.terms
  FROM (SELECT corpus_id, acl_id, language, analysis, count(*) AS passages,
               sum(term_count) AS terms
          FROM passage
         WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
         GROUP BY corpus_id, acl_id, language, analysis) AS gone
 WHERE counted.tenant_id = %(tenant_id)s AND counted.corpus_id = gone.corpus_id
   AND counted.acl_id = gone.acl_id AND counted.language = gone.language
   AND counted.analysis = gone.analysis
"""
COUNT_IN = """
INSERT INTO passage_count AS counted (tenant_id, corpus_id, acl_id, language, analysis, passages,
                                      terms)
SELECT tenant_id, corpus_id, acl_id, language, analysis, count(*), sum(term_count)
  FROM passage
 WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
 GROUP BY tenant_id, corpus_id, acl_id, language, analysis
 ORDER BY tenant_id, corpus_id, acl_id, language, analysis
ON CONFLICT (tenant_id, corpus_id, acl_id, language, analysis) DO UPDATE
   SET passages = counted.passages + excluded.passages, terms = counted.terms + excluded.terms
"""


ANALYSED = """
SELECT language, analysis, sum(passages)::bigint AS passages
  FROM passage_count
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
 GROUP BY language, analysis
HAVING sum(passages) > 0
 ORDER BY language, analysis
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """How many passages of a language were analysed in one way."""

    language: str
    analysis: str
    passages: int


async def analysed(conn: WorkerConnection, *, tenant_id: int, corpus_id: int) -> list[Analysed]:
    """Count the passages of a corpus by language and analysis."""
    async with conn.cursor(row_factory=class_row(Analysed)) as cursor:
        asked = {"tenant_id": tenant_id, "corpus_id": corpus_id}
        return await (await cursor.execute(ANALYSED, asked)).fetchall()


async def lock_counts(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, acl_id: int
) -> None:
    """Hold the counts of a document's class and of the one that it goes to."""
    asked = {"tenant_id": tenant_id, "id": document_id, "acl_id": acl_id}
    await conn.execute(LOCK_COUNTS, asked)


async def count_out(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    """Take the passages of a document from the counts of its class."""
    await conn.execute(COUNT_OUT, {"tenant_id": tenant_id, "ids": [document_id]})


async def count_out_all(
    conn: Connection, *, tenant_id: int, document_ids: Sequence[uuid.UUID]
) -> None:
    """Take the passages of many documents, which the caller has locked, from all counts."""
    asked = {"tenant_id": tenant_id, "ids": list(document_ids)}
    await conn.execute(LOCK_COUNTS_OF, asked)
    await conn.execute(COUNT_OUT, asked)


async def count_in(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    """Add the passages of a document to the counts of its class."""
    await count_in_all(conn, tenant_id=tenant_id, document_ids=[document_id])


async def count_in_all(
    conn: Connection, *, tenant_id: int, document_ids: Sequence[uuid.UUID]
) -> None:
    """Add the passages of many documents to the counts of their classes."""
    await conn.execute(COUNT_IN, {"tenant_id": tenant_id, "ids": list(document_ids)})
