"""Documents as people see them: accepted, listed, shared with others, deleted."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Missing, Refused
from roadworthy.core.ids import new_id
from roadworthy.core.names import check_name
from roadworthy.corpus.access import Access, ensure_acl
from roadworthy.plumbing.database import Connection

MOST_METADATA = 50
LONGEST_NAME = 1000

ENSURE_CORPUS = """
INSERT INTO corpus (tenant_id, name, space_id, created_at)
VALUES (%(tenant_id)s, %(name)s, %(space_id)s, %(now)s)
ON CONFLICT (tenant_id, name) DO NOTHING
"""
FIND_CORPUS = """
SELECT id, name, space_id FROM corpus WHERE tenant_id = %(tenant_id)s AND name = %(name)s
"""
FIND_BY_NAME = """
SELECT document.id, document.owner, document.acl_id,
       (SELECT content_hash FROM revision
         WHERE revision.tenant_id = document.tenant_id AND document_id = document.id
           AND revision.state <> 'failed'
         ORDER BY created_at DESC LIMIT 1) AS content_hash
  FROM document
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND name = %(name)s
   AND owner = %(owner)s
 ORDER BY acl_id = %(acl_id)s DESC, created_at
"""
FIND_SAME_CONTENT = """
SELECT document.id
  FROM revision JOIN document ON document.tenant_id = revision.tenant_id
                             AND document.id = revision.document_id
 WHERE revision.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
   AND revision.acl_id = %(acl_id)s AND revision.content_hash = %(content_hash)s
   AND revision.state <> 'failed'
"""
ADD_DOCUMENT = """
INSERT INTO document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type, language,
                      metadata, version, state, created_at, updated_at)
VALUES (%(tenant_id)s, %(id)s, %(corpus_id)s, %(acl_id)s, %(owner)s, %(name)s, %(title)s,
        %(media_type)s, 'und', %(metadata)s, 0, 'pending', %(now)s, %(now)s)
"""
RENEW_DOCUMENT = """
UPDATE document
   SET metadata = %(metadata)s, updated_at = %(now)s, problem = NULL,
       state = CASE WHEN version = 0 THEN 'pending' ELSE state END
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
# What was accepted before and is not published yet is superseded by what comes now.
DROP_UNPUBLISHED = """
DELETE FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s AND state <> 'ready'
"""
DROP_PUBLISHED = """
DELETE FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s AND state = 'ready'
"""
FIND_PUBLISHED = """
SELECT FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s AND state = 'ready'
   AND content_hash = %(content_hash)s
"""
ADD_REVISION = """
INSERT INTO revision (tenant_id, id, document_id, corpus_id, acl_id, content_hash, content, state,
                      created_at)
VALUES (%(tenant_id)s, %(revision_id)s, %(id)s, %(corpus_id)s, %(acl_id)s, %(content_hash)s,
        %(content)s, 'pending', %(now)s)
"""
# In one order, or two documents that swap their readers would wait for each other.
LOCK_COUNTS = """
SELECT FROM passage_count
 WHERE tenant_id = %(tenant_id)s
   AND acl_id IN (%(acl_id)s, (SELECT acl_id FROM document
                                WHERE tenant_id = %(tenant_id)s AND id = %(id)s))
 ORDER BY corpus_id, acl_id, language
   FOR UPDATE
"""
COUNT_OUT = """
UPDATE passage_count AS counted
   SET passages = counted.passages - gone.passages, terms = counted.terms - gone.terms
  FROM (SELECT corpus_id, acl_id, language, count(*) AS passages, sum(term_count) AS terms
          FROM passage
         WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s
         GROUP BY corpus_id, acl_id, language) AS gone
 WHERE counted.tenant_id = %(tenant_id)s AND counted.corpus_id = gone.corpus_id
   AND counted.acl_id = gone.acl_id AND counted.language = gone.language
"""
COUNT_IN = """
INSERT INTO passage_count AS counted (tenant_id, corpus_id, acl_id, language, passages, terms)
SELECT tenant_id, corpus_id, acl_id, language, count(*), sum(term_count)
  FROM passage
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s
 GROUP BY tenant_id, corpus_id, acl_id, language
ON CONFLICT (tenant_id, corpus_id, acl_id, language) DO UPDATE
   SET passages = counted.passages + excluded.passages, terms = counted.terms + excluded.terms
"""
LOCK_DOCUMENT = """
SELECT owner FROM document WHERE tenant_id = %(tenant_id)s AND id = %(id)s FOR UPDATE
"""
SEE_DOCUMENT = "SELECT owner FROM document WHERE tenant_id = %(tenant_id)s AND id = %(id)s"
RESHARE: tuple[LiteralString, ...] = (
    "UPDATE posting SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s",
    "UPDATE embedding SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s",
    "UPDATE passage SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s",
    "UPDATE revision SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s",
    "UPDATE document SET acl_id = %(acl_id)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
)
DELETE = "DELETE FROM document WHERE tenant_id = %(tenant_id)s AND id = %(id)s"
DESCRIBE = """
SELECT document.id, corpus.name AS corpus, document.name, title, media_type, language, page_count,
       metadata, version, state, problem, owner, document.created_at, updated_at,
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
   AND (%(after)s::uuid IS NULL OR document.id > %(after)s)
 ORDER BY document.id
 LIMIT %(limit)s
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A named set of documents whose passages live in one embedding space."""

    id: int
    name: str
    space_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that somebody hands in."""

    name: str  # identity within the corpus, as a path or a URL
    content: bytes
    access: Access
    owner: str  # the user who may change or delete it
    media_type: str = "application/octet-stream"
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an upload.

    accepted: a job makes it searchable. unchanged: this very content is there under this name.
    reshared: the same content, now with other readers. duplicate: the same content is there under
    another name, for the same readers; it is stored once.
    """

    outcome: str
    document_id: uuid.UUID
    revision_id: uuid.UUID | None = None  # when accepted


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
    state: str  # pending, ready, failed
    problem: str | None
    owner: str
    created_at: datetime
    updated_at: datetime
    passages: int
    readers: list[str]
    clearance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    id: uuid.UUID
    owner: str
    acl_id: int
    content_hash: bytes | None


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
    async with conn.cursor(row_factory=class_row(Corpus)) as cursor:
        await cursor.execute(FIND_CORPUS, {"tenant_id": tenant_id, "name": name})
        found = await cursor.fetchone()
    if found is None:
        raise Missing(
            f"There is no corpus {name!r}; `roadworthy ingest --corpus {name}` makes one."
        )
    return found


async def accept(
    conn: Connection, upload: Upload, *, tenant_id: int, corpus: Corpus, by: str | None
) -> Receipt:
    """Store an upload in the caller's transaction; what is not new is said to be so.

    A name belongs to its owner: the same name of another owner is another document. When content
    and readers change together, the published version is withdrawn at once: it was written for
    other eyes.

    Args:
        by: the user who uploads; None for the operator, who may change every document.

    Raises:
        Invalid: the name, the metadata or the content cannot be stored.
        Refused: the owner could not read it afterwards.
        Conflict: somebody else has a document of this name for the same readers.
    """
    _check(upload)
    asked = {
        "tenant_id": tenant_id,
        "corpus_id": corpus.id,
        "name": upload.name,
        "owner": upload.owner,
        "content_hash": hashlib.sha256(upload.content).digest(),
        "acl_id": await ensure_acl(conn, upload.access, tenant_id=tenant_id),
    }
    named = await _named(conn, asked)
    if named is not None:
        # Locked, it is read again: its readers may have changed while we waited.
        await conn.execute(LOCK_DOCUMENT, {"tenant_id": tenant_id, "id": named.id})
        named = await _named(conn, asked)
    if named is not None:
        if named.content_hash == asked["content_hash"]:
            return await _same_content(conn, named, asked, by=by)
        return await _next_version(conn, named, upload, asked=asked, by=by)
    same = await _same_elsewhere(conn, asked)
    if same is not None:
        return Receipt(outcome="duplicate", document_id=same)
    return await _first_version(conn, upload, asked)


async def reshare(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, wanted: Access, by: str | None
) -> None:
    """Change who may read a document; it holds from the next transaction on.

    Raises:
        Missing: there is no such document that this person may see.
        Refused: he is not its owner, or would not be able to read it any more.
        Conflict: the same content is stored for these readers under another name.
    """
    await _own(conn, tenant_id=tenant_id, document_id=document_id, by=by)
    acl_id = await ensure_acl(conn, wanted, tenant_id=tenant_id)
    await _move(conn, {"tenant_id": tenant_id, "id": document_id, "acl_id": acl_id})


async def delete(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, by: str | None
) -> None:
    """Delete a document with its content, passages, vectors and postings.

    Raises:
        Missing: there is no such document that this person may see.
        Refused: he is not its owner.
    """
    await _own(conn, tenant_id=tenant_id, document_id=document_id, by=by)
    asked = {"tenant_id": tenant_id, "id": document_id}
    await conn.execute(COUNT_OUT, asked)
    await conn.execute(DELETE, asked)


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
    after: uuid.UUID | None = None,
    limit: int = 100,
) -> list[Document]:
    """List the documents that this person may see, oldest first, one page after `after`."""
    asked = {"tenant_id": tenant_id, "corpus": corpus, "after": after, "limit": limit}
    async with conn.cursor(row_factory=class_row(Document)) as cursor:
        return await (await cursor.execute(DESCRIBE_PAGE, asked)).fetchall()


async def drop_published(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    """Remove the published version, with its counts."""
    asked = {"tenant_id": tenant_id, "id": document_id}
    await conn.execute(COUNT_OUT, asked)
    await conn.execute(DROP_PUBLISHED, asked)


async def count_in(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    """Add the passages of a document to the counts of its class."""
    await conn.execute(COUNT_IN, {"tenant_id": tenant_id, "id": document_id})


def _check(upload: Upload) -> None:
    check_name(upload.name, what="document", longest=LONGEST_NAME)
    if not upload.content:
        raise Invalid(f"{upload.name} is empty (0 bytes).", reason="empty")
    if len(upload.metadata) > MOST_METADATA:
        raise Invalid(f"At most {MOST_METADATA} metadata fields may be given.")


async def _named(conn: Connection, asked: Mapping[str, object]) -> _Named | None:
    async with conn.cursor(row_factory=class_row(_Named)) as cursor:
        return await (await cursor.execute(FIND_BY_NAME, asked)).fetchone()


async def _same_elsewhere(conn: Connection, asked: Mapping[str, object]) -> uuid.UUID | None:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(FIND_SAME_CONTENT, asked)).fetchone()


async def _same_content(
    conn: Connection, named: _Named, asked: Mapping[str, object], *, by: str | None
) -> Receipt:
    if named.acl_id == asked["acl_id"]:
        return Receipt(outcome="unchanged", document_id=named.id)
    await _own(conn, tenant_id=_int(asked["tenant_id"]), document_id=named.id, by=by)
    await _move(conn, {**asked, "id": named.id})
    return Receipt(outcome="reshared", document_id=named.id)


async def _next_version(
    conn: Connection, named: _Named, upload: Upload, *, asked: Mapping[str, object], by: str | None
) -> Receipt:
    tenant_id = _int(asked["tenant_id"])
    await _own(conn, tenant_id=tenant_id, document_id=named.id, by=by)
    asked = {**asked, "id": named.id}
    await conn.execute(DROP_UNPUBLISHED, asked)
    if named.acl_id != asked["acl_id"]:
        await drop_published(conn, tenant_id=tenant_id, document_id=named.id)
        await _move(conn, asked)
    published = await conn.execute(FIND_PUBLISHED, asked)
    if await published.fetchone() is not None:
        return Receipt(outcome="unchanged", document_id=named.id)
    await conn.execute(
        RENEW_DOCUMENT, {**asked, "metadata": Jsonb(dict(upload.metadata)), "now": now()}
    )
    return await _add_revision(conn, upload, asked)


async def _first_version(conn: Connection, upload: Upload, asked: Mapping[str, object]) -> Receipt:
    asked = {**asked, "id": new_id()}
    described = {
        "owner": upload.owner,
        "title": upload.name.rpartition("/")[2],
        "media_type": upload.media_type,
        "metadata": Jsonb(dict(upload.metadata)),
        "now": now(),
    }
    try:
        await conn.execute(ADD_DOCUMENT, {**asked, **described})
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            "You may only upload what you can read afterwards: name yourself or one of your "
            "groups, and a clearance that you have."
        ) from error
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            f"Somebody else has a document {upload.name!r} for the same readers; choose another "
            "name."
        ) from error
    return await _add_revision(conn, upload, asked)


async def _add_revision(conn: Connection, upload: Upload, asked: Mapping[str, object]) -> Receipt:
    revision_id = new_id()
    added = {**asked, "revision_id": revision_id, "content": upload.content, "now": now()}
    try:
        await conn.execute(ADD_REVISION, added)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            f"The content of {upload.name!r} is stored for the same readers under another name."
        ) from error
    document_id = asked["id"]
    assert isinstance(document_id, uuid.UUID)
    return Receipt(outcome="accepted", document_id=document_id, revision_id=revision_id)


async def _own(conn: Connection, *, tenant_id: int, document_id: uuid.UUID, by: str | None) -> None:
    asked = {"tenant_id": tenant_id, "id": document_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        owner = await (await cursor.execute(SEE_DOCUMENT, asked)).fetchone()
        if owner is None:
            raise Missing(f"There is no document {document_id} that you may see.")
        if by is not None and owner != by:
            raise Refused("Only its owner may change or delete a document.")
        # The lock orders this change against the worker that publishes.
        await cursor.execute(LOCK_DOCUMENT, asked)


async def _move(conn: Connection, asked: Mapping[str, object]) -> None:
    await conn.execute(LOCK_COUNTS, asked)
    await conn.execute(COUNT_OUT, asked)
    try:
        for statement in RESHARE:
            await conn.execute(statement, asked)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            "You would not be able to read it any more; keep yourself among its readers."
        ) from error
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "The same content is stored for these readers under another name."
        ) from error
    await conn.execute(COUNT_IN, asked)


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
