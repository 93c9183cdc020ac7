"""Make a revision searchable, or say why it is not: all of it, in one transaction.

"Ready" means searchable: passages, vectors and postings of the new version appear, and those of
the old one go, in the transaction that ends the job.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Missing, Refused, Unavailable
from roadworthy.core.spaces import Vectors
from roadworthy.corpus.counts import count_in, count_out
from roadworthy.corpus.postings import pack_by_term
from roadworthy.corpus.terms import METHOD
from roadworthy.plumbing.database import Connection, WorkerConnection, guarded
from roadworthy.plumbing.jobs import Lease

READ_PENDING = """
SELECT revision.id, revision.document_id, document.name, document.media_type, revision.content,
       revision.is_attached, revision.corpus_id, document.language_told, revision.state
  FROM revision
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
 WHERE revision.tenant_id = %(tenant_id)s AND revision.id = %(revision_id)s
"""
# The document's lock orders publishing against a change of readers, the corpus's against a change
# of its spaces.
LOCK = """
SELECT document.corpus_id, document.acl_id, corpus.space_id, embedding_space.dimension
  FROM document JOIN corpus ON corpus.tenant_id = document.tenant_id
                           AND corpus.id = document.corpus_id
                JOIN embedding_space ON embedding_space.id = corpus.space_id
 WHERE document.tenant_id = %(tenant_id)s AND document.id = %(document_id)s
   FOR UPDATE OF document FOR SHARE OF corpus
"""
# Whose claim this is, after the document is locked; no other order meets a deletion.
STILL_OURS = """
SELECT FROM job
 WHERE tenant_id = %(tenant_id)s AND id = %(job_id)s AND lease = %(lease)s AND state = 'running'
   FOR UPDATE
"""
DROP_PUBLISHED = """
DELETE FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s AND state = 'ready'
"""
ADD_PASSAGES = """
INSERT INTO passage (tenant_id, corpus_id, acl_id, document_id, revision_id, ordinal, start_at,
                     end_at, page_first, page_last, heading, language, analysis, term_count, text)
SELECT %(tenant_id)s, %(corpus_id)s, %(acl_id)s, %(document_id)s, %(revision_id)s, piece.*
  FROM unnest(%(ordinals)s::integer[], %(starts)s::integer[], %(ends)s::integer[],
              %(first_pages)s::integer[], %(last_pages)s::integer[], %(headings)s::text[],
              %(languages)s::text[], %(analyses)s::text[], %(term_counts)s::integer[],
              %(texts)s::text[]) AS piece
RETURNING ordinal, id
"""
ADD_EMBEDDINGS = """
INSERT INTO embedding (tenant_id, space_id, corpus_id, acl_id, document_id, passage_id, vector)
SELECT %(tenant_id)s, %(space_id)s, %(corpus_id)s, %(acl_id)s, %(document_id)s, piece.*
  FROM unnest(%(passage_ids)s::integer[], %(vectors)s::halfvec[]) AS piece
"""
ADD_POSTINGS = """
INSERT INTO posting (tenant_id, corpus_id, acl_id, document_id, revision_id, term, packed)
SELECT %(tenant_id)s, %(corpus_id)s, %(acl_id)s, %(document_id)s, %(revision_id)s, entry.*
  FROM unnest(%(terms)s::text[], %(packed)s::bytea[]) AS entry
"""
# A content that a better one has beaten meanwhile waits no more.
MARK_REVISION = """
UPDATE revision SET state = 'ready', text = %(text)s
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s AND state = 'pending'
"""
MARK_DOCUMENT = """
UPDATE document
   SET state = 'ready', version = version + 1, problem = NULL, title = %(title)s,
       media_type = %(media_type)s, language = %(language)s, page_count = %(page_count)s,
       updated_at = %(now)s
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""
MARK_FAILED_REVISION = """
UPDATE revision SET state = 'failed' WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s
"""
# An older version that is searchable stays so; the problem of the newer one is told beside it.
MARK_FAILED_DOCUMENT = """
UPDATE document
   SET problem = %(problem)s, updated_at = %(now)s,
       state = CASE WHEN EXISTS (SELECT FROM revision
                                  WHERE revision.tenant_id = document.tenant_id
                                    AND revision.document_id = document.id
                                    AND revision.state = 'ready')
                    THEN 'ready' ELSE 'failed' END
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRevision:
    """A content that waits to become searchable."""

    id: uuid.UUID
    document_id: uuid.UUID
    name: str
    media_type: str
    content: bytes
    is_attached: bool  # to another document
    corpus_id: int
    language_told: str | None
    state: str  # pending, unless something else has happened to it since


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassage:
    """A passage to publish. Invariant: text is the revision's text from start to end."""

    start: int
    end: int
    text: str
    page_first: int | None
    page_last: int | None
    heading: str
    language: str
    terms: tuple[str, ...]  # analysed, in order, repeated
    analysis: str = METHOD  # by which the terms were made


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceVectors:
    """Vectors of some passages in one space."""

    space_id: int
    ordinals: Sequence[int]  # of the passages
    vectors: Vectors  # shape (ordinals, dimension)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What was read out of a content. Invariant: one vector a passage."""

    text: str
    title: str
    media_type: str
    language: str
    page_count: int | None
    passages: Sequence[NewPassage]
    vectors: Vectors  # in the corpus's own space, shape (passages, dimension)
    space_id: int | None = None  # that space; None: whichever it is when this is published
    further: Sequence[SpaceVectors] = ()  # in other spaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a document stands, held by a lock."""

    corpus_id: int
    acl_id: int
    space_id: int
    dimension: int


async def read_pending(conn: WorkerConnection, lease: Lease) -> PendingRevision:
    """Fetch the content that a job is about.

    Raises:
        Missing: it was deleted or superseded meanwhile.
    """
    async with conn.cursor(row_factory=class_row(PendingRevision)) as cursor:
        await cursor.execute(READ_PENDING, _of(lease))
        found = await cursor.fetchone()
    if found is None:
        raise Missing("The document was deleted or replaced meanwhile.")
    return found


async def publish(conn: WorkerConnection, lease: Lease, extract: Extract) -> None:
    """Replace the published version of a document by this one, in the caller's transaction.

    Its readers are those of the document at this moment, not those of the upload.

    Raises:
        Missing: the document was deleted meanwhile.
        Conflict: the job is no longer ours, or a better document took its place.
        Refused: the published version is under legal hold.
    """
    place = await locked(conn, lease)
    if extract.space_id not in {None, place.space_id}:
        raise Unavailable("The corpus was switched to another space meanwhile.")
    if (
        extract.vectors.shape != (len(extract.passages), place.dimension)
        or not (np.linalg.norm(extract.vectors, axis=1) > 1e-6).all()
    ):
        raise Invalid("An embedding does not fit its space.", space=place.space_id)
    tenant_id, document_id = lease.tenant_id, lease.document_id
    try:
        await drop_published(conn, tenant_id=tenant_id, document_id=document_id)
    except psycopg.errors.RestrictViolation as error:
        raise Refused(guarded(error)) from error  # for good, unlike a conflict
    shared = _of(lease) | {
        "corpus_id": place.corpus_id,
        "acl_id": place.acl_id,
        "space_id": place.space_id,
    }
    ids = await _add_passages(conn, shared, extract.passages)
    await conn.execute(
        ADD_EMBEDDINGS, shared | {"passage_ids": ids, "vectors": halfvecs(extract.vectors)}
    )
    for each in extract.further:
        placed = {"space_id": each.space_id, "passage_ids": [ids[i] for i in each.ordinals]}
        await conn.execute(ADD_EMBEDDINGS, shared | placed | {"vectors": halfvecs(each.vectors)})
    terms = {i: passage.terms for i, passage in zip(ids, extract.passages, strict=True)}
    await conn.execute(ADD_POSTINGS, shared | packed_postings(terms))
    marked = await conn.execute(MARK_REVISION, shared | {"text": extract.text})
    if not marked.rowcount:
        raise Conflict("A better document took its place meanwhile.", job=str(lease.id))
    await conn.execute(
        MARK_DOCUMENT,
        shared
        | {
            "title": extract.title,
            "media_type": extract.media_type,
            "language": extract.language,
            "page_count": extract.page_count,
            "now": now(),
        },
    )
    await count_in(conn, tenant_id=tenant_id, document_id=document_id)


async def locked(conn: WorkerConnection, lease: Lease) -> Place:
    """Hold a document, and that its corpus keeps its spaces, for the rest of the transaction.

    Raises:
        Missing: the document was deleted meanwhile.
        Conflict: the job is no longer ours.
    """
    async with conn.cursor(row_factory=class_row(Place)) as cursor:
        await cursor.execute(LOCK, _of(lease))
        place = await cursor.fetchone()
    if place is None:
        raise Missing("The document was deleted meanwhile.")
    ours = await conn.execute(STILL_OURS, _of(lease) | {"job_id": lease.id, "lease": lease.lease})
    if await ours.fetchone() is None:
        raise Conflict("The job was taken over, or its content replaced.", job=str(lease.id))
    return place


async def drop_published(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    """Remove the published version, with its counts."""
    await count_out(conn, tenant_id=tenant_id, document_id=document_id)
    await conn.execute(DROP_PUBLISHED, {"tenant_id": tenant_id, "id": document_id})


async def mark_failed(conn: WorkerConnection, lease: Lease, *, problem: str) -> None:
    """Say on the document why this content is not searchable."""
    asked = _of(lease) | {"problem": problem, "now": now()}
    await conn.execute(LOCK, asked)  # before the revision, as everybody does
    await conn.execute(MARK_FAILED_REVISION, asked)
    await conn.execute(MARK_FAILED_DOCUMENT, asked)


def _of(lease: Lease) -> dict[str, object]:
    return {
        "tenant_id": lease.tenant_id,
        "document_id": lease.document_id,
        "revision_id": lease.revision_id,
    }


async def _add_passages(
    conn: WorkerConnection, shared: dict[str, object], passages: Sequence[NewPassage]
) -> list[int]:
    columns = {
        "ordinals": list(range(len(passages))),
        "starts": [passage.start for passage in passages],
        "ends": [passage.end for passage in passages],
        "first_pages": [passage.page_first for passage in passages],
        "last_pages": [passage.page_last for passage in passages],
        "headings": [passage.heading for passage in passages],
        "languages": [passage.language for passage in passages],
        "analyses": [passage.analysis for passage in passages],
        "term_counts": [len(passage.terms) for passage in passages],
        "texts": [passage.text for passage in passages],
    }
    added = await conn.execute(ADD_PASSAGES, shared | columns)
    return [passage_id for _, passage_id in sorted(await added.fetchall())]


def halfvecs(vectors: Vectors) -> list[str]:
    """Write vectors as PostgreSQL reads them."""
    # Five digits are more than a half-precision number holds.
    return ["[" + ",".join(f"{x:.5g}" for x in row) + "]" for row in vectors.tolist()]


def packed_postings(terms: Mapping[int, Sequence[str]]) -> dict[str, object]:
    """Pack the terms of passages, by their ids, as ADD_POSTINGS takes them."""
    packed = pack_by_term(terms)
    return {"terms": list(packed), "packed": list(packed.values())}
