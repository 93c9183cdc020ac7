"""Corpora, and documents as people see them: looked up, and listed."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row, kwargs_row
from pydantic import TypeAdapter

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.corpus.routing import Beside, Route, Routing
from roadworthy.plumbing.database import Connection

LONGEST_NAME = 1000  # of a document

ENSURE_CORPUS = """
INSERT INTO corpus (tenant_id, name, space_id, created_at)
VALUES (%(tenant_id)s, %(name)s, %(space_id)s, %(now)s)
ON CONFLICT (tenant_id, name) DO NOTHING
"""
DESCRIBE_CORPUS = """
SELECT id, name, space_id, text_search,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'language', language, 'space_id', route.space_id,
                   'text_search', route.text_search) ORDER BY language), '[]')
          FROM corpus_route AS route
         WHERE route.tenant_id = corpus.tenant_id AND corpus_id = corpus.id) AS routes,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'language', language, 'space_id', beside.space_id,
                   'is_whole', is_whole) ORDER BY language, beside.space_id), '[]')
          FROM corpus_space AS beside
         WHERE beside.tenant_id = corpus.tenant_id AND corpus_id = corpus.id) AS beside
  FROM corpus
 WHERE tenant_id = %(tenant_id)s
"""
FIND_CORPUS = DESCRIBE_CORPUS + " AND name = %(name)s"
READ_CORPUS = DESCRIBE_CORPUS + " AND id = %(id)s"
LIST_CORPORA = DESCRIBE_CORPUS + " ORDER BY id LIMIT %(limit)s"
DESCRIBE = """
SELECT document.id, corpus.name AS corpus, document.name, title, media_type, language, page_count,
       metadata, version, state, problem, owner, document.created_at, updated_at, authors,
       file_created_at, file_modified_at, source_path, language_told, page_confidence, notes,
       parent_id,
       (SELECT count(*) FROM passage
         WHERE passage.tenant_id = document.tenant_id AND document_id = document.id) AS passages,
       ARRAY(SELECT subject FROM acl_grant
              WHERE acl_grant.tenant_id = document.tenant_id
                AND acl_grant.acl_id = document.acl_id ORDER BY subject) AS readers,
       (SELECT max(clearance) FROM acl_grant
         WHERE acl_grant.tenant_id = document.tenant_id
           AND acl_grant.acl_id = document.acl_id) AS clearance
  FROM document JOIN corpus ON corpus.tenant_id = document.tenant_id
                           AND corpus.id = document.corpus_id
 WHERE document.tenant_id = %(tenant_id)s
"""
DESCRIBE_ONE = DESCRIBE + " AND document.id = %(id)s"
DESCRIBE_PAGE = (
    DESCRIBE
    + """
   AND (%(corpus)s::text IS NULL OR corpus.name = %(corpus)s)
   AND (%(state)s::text IS NULL OR document.state = %(state)s
        OR EXISTS (SELECT FROM revision
                    WHERE revision.tenant_id = document.tenant_id
                      AND revision.document_id = document.id AND revision.state = %(state)s))
   AND (%(after)s::uuid IS NULL OR document.id > %(after)s)
 ORDER BY document.id
 LIMIT %(limit)s
"""
)

ROUTES, BESIDE = TypeAdapter(list[Route]), TypeAdapter(list[Beside])


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A named set of documents, and how its passages are searched."""

    id: int
    name: str
    routing: Routing

    @property
    def space_id(self) -> int:
        """Give the space that holds every passage."""
        return self.routing.space_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusEntry:
    """A corpus in a list, with what this person may see in it."""

    name: str
    space: str
    created_at: datetime
    documents: int
    ready: int
    pending: int
    quarantined: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as its readers see it."""

    id: uuid.UUID
    corpus: str
    name: str
    title: str
    media_type: str
    language: str
    page_count: int | None
    metadata: dict[str, str | int | float | bool]
    version: int
    state: str  # pending, ready, failed, quarantined, rejected
    problem: str | None
    owner: str
    created_at: datetime
    updated_at: datetime
    passages: int
    readers: list[str]
    clearance: int
    authors: list[str]  # this and the dates as the file says, which is no proof
    file_created_at: datetime | None
    file_modified_at: datetime | None
    source_path: str | None
    language_told: str | None  # by a person; goes before the one that was detected
    page_confidence: list[float | None] | None  # of recognised text, one a page; None: written
    notes: list[str]  # on how it was read
    parent_id: uuid.UUID | None  # the mail that it was attached to


async def ensure_corpus(conn: Connection, *, tenant_id: int, name: str, space_id: int) -> Corpus:
    """Find a corpus, or make it in the given space."""
    asked = {"tenant_id": tenant_id, "name": name, "space_id": space_id, "now": now()}
    await conn.execute(ENSURE_CORPUS, asked)
    return await find_corpus(conn, tenant_id=tenant_id, name=name)


async def find_corpus(conn: Connection, *, tenant_id: int, name: str) -> Corpus:
    """Look a corpus up by name.

    Raises:
        Missing: the tenant has none of that name.
    """
    async with conn.cursor(row_factory=kwargs_row(_corpus)) as cursor:
        await cursor.execute(FIND_CORPUS, {"tenant_id": tenant_id, "name": name})
        found = await cursor.fetchone()
    if found is None:
        raise Missing(
            f"There is no corpus {name!r}; `roadworthy ingest --corpus {name}` makes one."
        )
    return found


async def read_routing(conn: Connection, *, tenant_id: int, corpus_id: int) -> Routing:
    """Read how a corpus is searched now.

    Raises:
        Missing: there is no such corpus.
    """
    async with conn.cursor(row_factory=kwargs_row(_corpus)) as cursor:
        await cursor.execute(READ_CORPUS, {"tenant_id": tenant_id, "id": corpus_id})
        found = await cursor.fetchone()
    if found is None:
        raise Missing("There is no such corpus.")
    return found.routing


async def list_corpora(conn: Connection, *, tenant_id: int, limit: int = 1000) -> list[Corpus]:
    """List the corpora of a tenant, oldest first."""
    async with conn.cursor(row_factory=kwargs_row(_corpus)) as cursor:
        await cursor.execute(LIST_CORPORA, {"tenant_id": tenant_id, "limit": limit})
        return await cursor.fetchall()


async def find_document(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> Document:
    """Look a document up.

    Raises:
        Missing: there is none that this person may see.
    """
    async with conn.cursor(row_factory=class_row(Document)) as cursor:
        await cursor.execute(DESCRIBE_ONE, {"tenant_id": tenant_id, "id": document_id})
        found = await cursor.fetchone()
    if found is None:
        raise Missing(f"There is no document {document_id} that you may see.")
    return found


async def list_documents(
    conn: Connection,
    *,
    tenant_id: int,
    corpus: str | None = None,
    state: str | None = None,
    after: uuid.UUID | None = None,
    limit: int = 100,
) -> list[Document]:
    """List the documents that this person may see, oldest first, one page after `after`.

    Args:
        state: of the document or of any of its contents: a ready one may have a newer version
            in quarantine.
    """
    asked = {
        "tenant_id": tenant_id,
        "corpus": corpus,
        "state": state,
        "after": after,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(Document)) as cursor:
        return await (await cursor.execute(DESCRIBE_PAGE, asked)).fetchall()


def _corpus(
    *,
    id: int,
    name: str,
    space_id: int,
    text_search: str,
    routes: list[dict[str, object]],
    beside: list[dict[str, object]],
) -> Corpus:
    return Corpus(
        id=id,
        name=name,
        routing=Routing(
            space_id=space_id,
            text_search=text_search,
            routes=tuple(ROUTES.validate_python(routes)),
            beside=tuple(BESIDE.validate_python(beside)),
        ),
    )
