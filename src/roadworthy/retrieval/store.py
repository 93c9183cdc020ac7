"""What retrieval asks of PostgreSQL, which shows it only what the person asking may see."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import LiteralString

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.postings import Postings, decode_postings
from roadworthy.plumbing.database import ReadConnection

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
FIND_POSTINGS = """
SELECT term, packed
  FROM posting
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND term = ANY (%(terms)s)
"""
# An exact scan: without an index that would stop early, everybody gets his full number of rows.
FIND_NEAREST = """
SELECT passage_id, 1 - (vector <=> %(vector)s::halfvec) AS score
  FROM embedding
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND space_id = %(space_id)s
"""
OF_LANGUAGES = """
   AND passage_id IN (
       SELECT id FROM passage
        WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
          AND language = ANY (%(languages)s))
"""
AMONG = """
   AND document_id IN (
       SELECT id FROM document
        WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
          AND metadata @> %(metadata)s
          AND (%(language)s::text IS NULL OR language = %(language)s)
          AND (%(media_type)s::text IS NULL OR media_type = %(media_type)s)
          AND (%(name)s::text IS NULL OR starts_with(name, %(name)s)))
"""
NEAREST_FIRST = " ORDER BY vector <=> %(vector)s::halfvec, passage_id LIMIT %(limit)s"
FETCH = """
SELECT passage.id AS passage_id, passage.document_id, document.name AS document_name,
       document.title, document.version, document.metadata, passage.start_at AS start,
       passage.end_at AS end, page_first, page_last, heading, passage.language, passage.text
  FROM passage JOIN document ON document.tenant_id = passage.tenant_id
                            AND document.id = passage.document_id
 WHERE passage.tenant_id = %(tenant_id)s AND passage.id = ANY (%(ids)s)
"""

Nearest = list[tuple[int, float]]  # (passage id, cosine), best first


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which documents to look in. Every condition that is given must hold."""

    metadata: Mapping[str, str | int | float | bool] | None = None
    language: str | None = None
    media_type: str | None = None
    name: str | None = None  # the beginning of the document's name, such as a folder

    @property
    def is_empty(self) -> bool:
        """Say whether every document passes."""
        return not self.metadata and not (self.language or self.media_type or self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleCount:
    """How much of a corpus this person may see in one language, analysed in one way."""

    language: str
    analysis: str
    passages: int
    terms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageRow:
    """A passage with what a citation needs."""

    passage_id: int
    document_id: uuid.UUID
    document_name: str
    title: str
    version: int
    metadata: dict[str, str | int | float | bool]
    start: int
    end: int
    page_first: int | None
    page_last: int | None
    heading: str
    language: str
    text: str


class Searcher:
    """Asks for one person, in one transaction, about one corpus."""

    def __init__(
        self, conn: ReadConnection, *, tenant_id: int, corpus_id: int, among: Filter
    ) -> None:
        self._conn = conn
        self._among: LiteralString = "" if among.is_empty else AMONG
        self._asked: dict[str, object] = {
            "tenant_id": tenant_id,
            "corpus_id": corpus_id,
            "metadata": Jsonb(dict(among.metadata or {})),
            "language": among.language,
            "media_type": among.media_type,
            "name": among.name,
        }

    async def visible_and_nearest(
        self, queries: Sequence[QueryVector], *, limit: int
    ) -> tuple[list[VisibleCount], list[Nearest]]:
        """Count what may be seen, by language, and find the passages closest in meaning.

        All in one round trip. For each query vector the passages come with their cosine, best
        first.
        """
        async with AsyncExitStack() as stack:
            row = class_row(VisibleCount)
            counts = await stack.enter_async_context(self._conn.cursor(row_factory=row))
            await counts.execute(COUNT_VISIBLE, self._asked)
            asked = []
            for query in queries:
                cursor = await stack.enter_async_context(self._conn.cursor())
                await cursor.execute(self._nearest(query), self._asked | _wanted(query, limit))
                asked.append(cursor)
            return await counts.fetchall(), [await cursor.fetchall() for cursor in asked]

    def _nearest(self, query: QueryVector) -> LiteralString:
        of_languages: LiteralString = "" if query.languages is None else OF_LANGUAGES
        return FIND_NEAREST + of_languages + self._among + NEAREST_FIRST

    async def postings(self, terms: Collection[str]) -> dict[str, list[Postings]]:
        """Fetch the visible postings of each term; a term without any is left out."""
        found: dict[str, list[Postings]] = {}
        async with self._conn.cursor(binary=True) as cursor:
            await cursor.execute(FIND_POSTINGS + self._among, self._asked | {"terms": list(terms)})
            for term, packed in await cursor.fetchall():
                found.setdefault(term, []).append(decode_postings(packed))
        return found

    async def fetch(self, ids: Collection[int]) -> dict[int, PassageRow]:
        """Fetch passages with their documents."""
        async with self._conn.cursor(row_factory=class_row(PassageRow)) as cursor:
            await cursor.execute(FETCH, self._asked | {"ids": list(ids)})
            return {row.passage_id: row for row in await cursor.fetchall()}


async def visible_languages(conn: ReadConnection, *, tenant_id: int, corpus_id: int) -> list[str]:
    """Name the languages of the passages that the principal of `conn` may see."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(VISIBLE_LANGUAGES, {"tenant_id": tenant_id, "corpus_id": corpus_id})
        return await cursor.fetchall()


def _wanted(query: QueryVector, limit: int) -> dict[str, object]:
    return {
        "space_id": query.space_id,
        "vector": _halfvec(query),
        "limit": limit,
        "languages": sorted(query.languages or ()),
    }


def _halfvec(query: QueryVector) -> str:
    return "[" + ",".join(f"{x:.5g}" for x in query.vector.tolist()) + "]"
