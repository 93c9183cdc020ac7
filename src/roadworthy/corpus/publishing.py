"""Make a revision searchable, or say why it is not: all of it, in one transaction.

"Ready" means searchable: passages, vectors and postings of the new version appear, and those of
the old one go, in the transaction that ends the job.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

import numpy as np
import psycopg
from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Missing, Refused, Unavailable
from roadworthy.core.spaces import EmbeddingSpace, Vectors
from roadworthy.corpus.counts import count_in, count_out
from roadworthy.corpus.documents import read_routing
from roadworthy.corpus.places import keep_place
from roadworthy.corpus.postings import pack_by_term
from roadworthy.corpus.reindex_jobs import enqueue_one
from roadworthy.corpus.routing import Routing
from roadworthy.corpus.scores import KeptScore, keep_scores
from roadworthy.corpus.space_lock import keep_spaces
from roadworthy.plumbing.database import Connection, WorkerConnection
from roadworthy.plumbing.jobs import Lease
from roadworthy.plumbing.transactions import guarded

LEAST_NORM = 1e-6  # of a vector that says something

READ_PENDING = """
SELECT revision.id, revision.document_id, document.name, document.media_type, revision.content,
       revision.is_attached, revision.corpus_id, document.language_told, revision.state
  FROM revision
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
 WHERE revision.tenant_id = %(tenant_id)s AND revision.id = %(revision_id)s
"""
# Orders publishing against a change of readers, and of the language that a person tells.
LOCK = """
SELECT corpus_id, acl_id, language_told
  FROM document
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
   FOR UPDATE
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
# One that was withdrawn or kept back before must not come again after this one. What a hold keeps
# is left.
DROP_OLDER = """
DELETE FROM revision AS older USING revision AS mine
 WHERE mine.tenant_id = %(tenant_id)s AND mine.id = %(revision_id)s
   AND older.tenant_id = mine.tenant_id AND older.document_id = mine.document_id
   AND (older.created_at, older.id) < (mine.created_at, mine.id)
   AND hold_on(older.tenant_id, ARRAY[older.document_id]) IS NULL
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
INSERT INTO embedding (tenant_id, place, space_id, corpus_id, acl_id, document_id, passage_id,
                       vector)
SELECT %(tenant_id)s, %(place)s, %(space_id)s, %(corpus_id)s, %(acl_id)s, %(document_id)s, piece.*
  FROM unnest(%(passage_ids)s::integer[], %(vectors)s::halfvec[]) AS piece
"""
NO_LONGER_WHOLE = """
UPDATE corpus_space SET is_whole = false
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND space_id = ANY (%(lacking)s)
   AND is_whole
"""
ADD_POSTINGS = """
INSERT INTO posting (tenant_id, corpus_id, acl_id, document_id, revision_id, term, packed)
SELECT %(tenant_id)s, %(corpus_id)s, %(acl_id)s, %(document_id)s, %(revision_id)s, entry.*
  FROM unnest(%(terms)s::text[], %(packed)s::bytea[]) AS entry
"""
DROP_POSTINGS: tuple[LiteralString, ...] = (
    "DELETE FROM posting WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s",
    "DELETE FROM merged_revision WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s",
)
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
UPDATE revision SET state = 'failed'
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s AND state = 'pending'
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
    analysis: str  # by which the terms were made


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceVectors:
    """Vectors of some passages in one space."""

    space: EmbeddingSpace
    ordinals: Sequence[int]  # of the passages
    vectors: Vectors  # shape (ordinals, dimension)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What was read out of a content."""

    text: str
    title: str
    media_type: str
    language: str
    language_told: str | None  # by a person, as it was known when this was prepared
    page_count: int | None
    passages: Sequence[NewPassage]
    vectors: Sequence[SpaceVectors]  # in each space that was wanted, and served
    # One a passage, None where it has none; empty where they could not be had.
    scores: Sequence[KeptScore | None] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a document stands and how its corpus is searched, both held by a lock."""

    corpus_id: int
    acl_id: int
    language_told: str | None
    routing: Routing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Locked:
    corpus_id: int
    acl_id: int
    language_told: str | None


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

    Its readers are those of the document at this moment, not those of the upload. What changed
    since it was prepared, and may wait, is left to a job that is added here.

    Raises:
        Missing: the document was deleted meanwhile.
        Conflict: the job is no longer ours, or a better document took its place.
        Refused: the published version is under legal hold.
        Unavailable: passages would be searched in a space that they were not embedded in.
    """
    place = await locked(conn, lease)
    lacking = _lacking(extract, place.routing)
    tenant_id, document_id = lease.tenant_id, lease.document_id
    try:
        await drop_published(conn, tenant_id=tenant_id, document_id=document_id)
    except psycopg.errors.RestrictViolation as error:
        raise Refused(guarded(error)) from error  # for good, unlike a conflict
    await conn.execute(DROP_OLDER, _of(lease))
    shared = _of(lease) | {
        "corpus_id": place.corpus_id,
        "acl_id": place.acl_id,
    }
    ids = await _add_passages(conn, shared, extract)
    kept = [each for each in extract.vectors if each.space.id in place.routing.spaces]
    put = shared | {"place": await keep_place(conn, tenant_id=tenant_id)}
    await _add_embeddings(conn, put, kept, passage_ids=ids)  # in a space that was dropped: none
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
    if lacking:
        await conn.execute(NO_LONGER_WHOLE, shared | {"lacking": sorted(lacking)})
    if lacking or not _is_current(extract, place):
        await enqueue_one(
            conn, tenant_id=tenant_id, document_id=document_id, revision_id=lease.revision_id
        )


async def locked(conn: WorkerConnection, lease: Lease) -> Place:
    """Hold a document, and that its corpus keeps its spaces, for the rest of the transaction.

    Raises:
        Missing: the document was deleted meanwhile.
        Conflict: the job is no longer ours.
    """
    await keep_spaces(conn, lease)
    async with conn.cursor(row_factory=class_row(_Locked)) as cursor:
        await cursor.execute(LOCK, _of(lease))
        found = await cursor.fetchone()
    if found is None:
        raise Missing("The document was deleted meanwhile.")
    ours = await conn.execute(STILL_OURS, _of(lease) | {"job_id": lease.id, "lease": lease.lease})
    if await ours.fetchone() is None:
        raise Conflict("The job was taken over, or its content replaced.", job=str(lease.id))
    return Place(
        corpus_id=found.corpus_id,
        acl_id=found.acl_id,
        language_told=found.language_told,
        routing=await read_routing(conn, tenant_id=lease.tenant_id, corpus_id=found.corpus_id),
    )


async def drop_published(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    """Remove the published version, with its counts."""
    await count_out(conn, tenant_id=tenant_id, document_id=document_id)
    await conn.execute(DROP_PUBLISHED, {"tenant_id": tenant_id, "id": document_id})


async def mark_failed(conn: WorkerConnection, lease: Lease, *, problem: str) -> None:
    """Say on the document why this content is not searchable."""
    asked = _of(lease) | {"problem": problem, "now": now()}
    await conn.execute(LOCK, asked)  # before the revision, as everybody does
    if (await conn.execute(MARK_FAILED_REVISION, asked)).rowcount:  # not kept back meanwhile
        await conn.execute(MARK_FAILED_DOCUMENT, asked)


def _of(lease: Lease) -> dict[str, object]:
    return {
        "tenant_id": lease.tenant_id,
        "document_id": lease.document_id,
        "revision_id": lease.revision_id,
    }


async def _add_passages(
    conn: WorkerConnection, shared: dict[str, object], extract: Extract
) -> list[int]:
    passages = extract.passages
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
    ids = [passage_id for _, passage_id in sorted(await added.fetchall())]
    if extract.scores:
        of_passages = zip(ids, extract.scores, strict=True)
        await keep_scores(conn, {of: score for of, score in of_passages if score is not None})
    return ids


async def _add_embeddings(
    conn: WorkerConnection,
    put: dict[str, object],
    vectors: Sequence[SpaceVectors],
    *,
    passage_ids: Sequence[int],
) -> None:
    for each in vectors:
        columns = {
            "space_id": each.space.id,
            "passage_ids": [passage_ids[ordinal] for ordinal in each.ordinals],
            "vectors": halfvecs(each.vectors, each.space, count=len(each.ordinals)),
        }
        await conn.execute(ADD_EMBEDDINGS, put | columns)


def _lacking(extract: Extract, routing: Routing) -> set[int]:
    """Name the spaces that are kept and that passages were not embedded in."""
    held: list[set[int]] = [set() for _ in extract.passages]
    for each in extract.vectors:
        for ordinal in each.ordinals:
            held[ordinal].add(each.space.id)
    lacking: set[int] = set()
    for passage, spaces in zip(extract.passages, held, strict=True):
        if not routing.must_hold(passage.language) <= spaces:
            raise Unavailable("The corpus was switched to another space meanwhile.")
        lacking |= routing.wanted_by(passage.language) - spaces
    return lacking


def _is_current(extract: Extract, place: Place) -> bool:
    return extract.language_told == place.language_told and all(
        passage.analysis == place.routing.analysis_of(passage.language)
        for passage in extract.passages
    )


def halfvecs(vectors: Vectors, space: EmbeddingSpace, *, count: int) -> list[str]:
    """Write so many vectors of a space as PostgreSQL reads them.

    Raises:
        Invalid: they are not of the space, not as many, or one has no direction.
    """
    if (
        vectors.shape != (count, space.dimension)
        or not (np.linalg.norm(vectors, axis=1) > LEAST_NORM).all()
    ):
        raise Invalid(f"An embedding does not fit the space {space.name!r}.", space=space.name)
    # Five digits are more than a half-precision number holds.
    return ["[" + ",".join(f"{x:.5g}" for x in row) + "]" for row in vectors.tolist()]


def packed_postings(terms: Mapping[int, Sequence[str]]) -> dict[str, object]:
    """Pack the terms of passages, by their ids, as ADD_POSTINGS takes them."""
    packed = pack_by_term(terms)
    return {"terms": list(packed), "packed": list(packed.values())}
