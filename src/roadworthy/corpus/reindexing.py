"""Bring published passages in line with the routing of their corpus, a document at a time.

What lacks is added beside what is there: a search meanwhile finds what it found before.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row, scalar_row

from roadworthy.core.errors import Conflict, Missing
from roadworthy.core.spaces import Vectors
from roadworthy.corpus.counts import count_in, count_out
from roadworthy.corpus.documents import read_routing
from roadworthy.corpus.publishing import (
    ADD_POSTINGS,
    Extract,
    halfvecs,
    locked,
    packed_postings,
)
from roadworthy.corpus.routing import Routing
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Connection, WorkerConnection
from roadworthy.plumbing.jobs import Lease

REINDEX = "reindex"  # the kind of job
MOST_AT_ONCE = 500  # jobs that one transaction adds

READ_PUBLISHED = """
SELECT document.id AS document_id, document.title, document.language, document.language_told,
       document.corpus_id
  FROM revision JOIN document ON document.tenant_id = revision.tenant_id
                             AND document.id = revision.document_id
 WHERE revision.tenant_id = %(tenant_id)s AND revision.id = %(revision_id)s
   AND revision.state = 'ready'
"""
READ_PASSAGES = """
SELECT id, text, heading, language, analysis
  FROM passage
 WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s
 ORDER BY ordinal
"""
READ_TEXT = "SELECT text FROM revision WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s"
FIND_LACKING = """
SELECT id
  FROM passage
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
   AND NOT EXISTS (SELECT FROM embedding
                    WHERE embedding.tenant_id = passage.tenant_id AND passage_id = passage.id
                      AND space_id = %(space_id)s)
 ORDER BY ordinal
"""
# The class is the passage's own at this moment, not the one that it had when it was read.
ADD_VECTORS = """
INSERT INTO embedding (tenant_id, space_id, corpus_id, acl_id, document_id, passage_id, vector)
SELECT passage.tenant_id, %(space_id)s, corpus_id, acl_id, document_id, passage.id, piece.vector
  FROM unnest(%(ids)s::integer[], %(vectors)s::halfvec[]) AS piece (id, vector)
  JOIN passage ON passage.tenant_id = %(tenant_id)s AND passage.id = piece.id
ON CONFLICT DO NOTHING
"""
RELABEL = """
UPDATE passage
   SET language = piece.language, analysis = piece.analysis, term_count = piece.term_count
  FROM unnest(%(ids)s::integer[], %(languages)s::text[], %(analyses)s::text[],
              %(term_counts)s::integer[]) AS piece (id, language, analysis, term_count)
 WHERE tenant_id = %(tenant_id)s AND passage.id = piece.id
"""
DROP_POSTINGS = """
DELETE FROM posting WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s
"""
SET_LANGUAGE = """
UPDATE document SET language = %(language)s
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""
FIND_PUBLISHED = """
SELECT revision.document_id, revision.id AS revision_id
  FROM revision
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND state = 'ready'
   AND (%(document_id)s::uuid IS NULL OR document_id = %(document_id)s)
   AND (%(after)s::uuid IS NULL OR revision.id > %(after)s)
   AND NOT EXISTS (SELECT FROM job
                    WHERE job.tenant_id = revision.tenant_id AND job.revision_id = revision.id
                      AND job.kind = %(kind)s AND job.state = 'queued')
 ORDER BY revision.id
 LIMIT %(limit)s
"""


COUNT_UNFINISHED = """
SELECT count(*) FILTER (WHERE job.state IN ('queued', 'running')) AS jobs,
       max(job.stage) FILTER (WHERE job.state = 'running') AS stage,
       max(job.problem) FILTER (WHERE job.state = 'failed' AND finished_at >= %(since)s) AS problem
  FROM job JOIN document ON document.tenant_id = job.tenant_id AND document.id = job.document_id
 WHERE job.tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND kind = %(kind)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPassage:
    """A passage as it is stored."""

    id: int
    text: str
    heading: str
    language: str
    analysis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published document with its passages, in order, and the routing that they are to obey."""

    title: str
    language: str
    language_told: str | None
    text: str
    passages: Sequence[PublishedPassage]
    routing: Routing


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a passage is to be called from now on, and its terms by those rules."""

    language: str
    analysis: str
    terms: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """How far the jobs of a corpus are."""

    jobs: int  # that wait or run
    stage: str | None  # of one that runs
    problem: str | None  # of one that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    document_id: uuid.UUID
    title: str
    language: str
    language_told: str | None
    corpus_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    document_id: uuid.UUID
    revision_id: uuid.UUID


async def read_published(conn: WorkerConnection, lease: Lease) -> Published:
    """Fetch the published revision that a job is about.

    Raises:
        Missing: it was deleted or replaced meanwhile.
    """
    asked = {"tenant_id": lease.tenant_id, "revision_id": lease.revision_id}
    async with conn.cursor(row_factory=class_row(_Stored)) as cursor:
        stored = await (await cursor.execute(READ_PUBLISHED, asked)).fetchone()
    if stored is None:
        raise Missing("The document was deleted or replaced meanwhile.")
    async with conn.cursor(row_factory=class_row(PublishedPassage)) as cursor:
        passages = await (await cursor.execute(READ_PASSAGES, asked)).fetchall()
    async with conn.cursor(row_factory=scalar_row) as cursor:
        text = await (await cursor.execute(READ_TEXT, asked)).fetchone()
    return Published(
        title=stored.title,
        language=stored.language,
        language_told=stored.language_told,
        text=text or "",
        passages=passages,
        routing=await read_routing(conn, tenant_id=lease.tenant_id, corpus_id=stored.corpus_id),
    )


async def lacking(
    conn: WorkerConnection, *, tenant_id: int, space_id: int, ids: Sequence[int]
) -> list[int]:
    """Name those of some passages that have no vector in a space, in the order of the document."""
    asked = {"tenant_id": tenant_id, "space_id": space_id, "ids": list(ids)}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(FIND_LACKING, asked)).fetchall()


async def add_vectors(
    conn: WorkerConnection, lease: Lease, *, space_id: int, ids: Sequence[int], vectors: Vectors
) -> None:
    """Add vectors of passages in one space; those that are there already stay as they are.

    Args:
        vectors: shape (ids, dimension of the space).

    Raises:
        Missing, Conflict: the document was deleted or replaced, or the job taken over.
    """
    await locked(conn, lease)
    asked = {"space_id": space_id, "ids": list(ids), "vectors": halfvecs(vectors)}
    await conn.execute(ADD_VECTORS, {"tenant_id": lease.tenant_id} | asked)


async def relabel(
    conn: WorkerConnection, lease: Lease, *, language: str, labels: Mapping[int, Labels]
) -> None:
    """Give all passages of a document their language and terms anew.

    Args:
        language: the document's.
        labels: of every passage, by its id.

    Raises:
        Missing, Conflict: as above.
    """
    place = await locked(conn, lease)
    tenant_id, document_id = lease.tenant_id, lease.document_id
    shared = {
        "tenant_id": tenant_id,
        "document_id": document_id,
        "revision_id": lease.revision_id,
        "corpus_id": place.corpus_id,
        "acl_id": place.acl_id,
    }
    await count_out(conn, tenant_id=tenant_id, document_id=document_id)
    columns = {
        "ids": list(labels),
        "languages": [each.language for each in labels.values()],
        "analyses": [each.analysis for each in labels.values()],
        "term_counts": [len(each.terms) for each in labels.values()],
    }
    changed = await conn.execute(RELABEL, shared | columns)
    if changed.rowcount != len(labels):
        raise Conflict("The document was replaced meanwhile.")
    await conn.execute(DROP_POSTINGS, shared)
    terms = {passage_id: each.terms for passage_id, each in labels.items()}
    await conn.execute(ADD_POSTINGS, shared | packed_postings(terms))
    await conn.execute(SET_LANGUAGE, shared | {"language": language})
    await count_in(conn, tenant_id=tenant_id, document_id=document_id)


async def reindex_if_changed(conn: WorkerConnection, lease: Lease, extract: Extract) -> None:
    """Add a job for what was just published, if the routing changed while it was prepared.

    In the transaction that publishes: its lock keeps the routing as it is read here.
    """
    place = await locked(conn, lease)
    routing = await read_routing(conn, tenant_id=lease.tenant_id, corpus_id=place.corpus_id)
    held: list[set[int]] = [{routing.space_id} for _ in extract.passages]
    for each in extract.further:
        for ordinal in each.ordinals:
            held[ordinal].add(each.space_id)
    if any(
        passage.analysis != routing.analysis_of(passage.language)
        or not routing.wanted_by(passage.language) <= spaces
        for passage, spaces in zip(extract.passages, held, strict=True)
    ):
        await jobs.enqueue(
            conn,
            tenant_id=lease.tenant_id,
            kind=REINDEX,
            document_id=lease.document_id,
            revision_id=lease.revision_id,
            priority=jobs.BULK,
        )


async def enqueue_reindex(
    conn: Connection,
    *,
    tenant_id: int,
    corpus_id: int,
    document_id: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Add a job for each published document, or for one, unless one waits already.

    Returns:
        The revisions, at most MOST_AT_ONCE; when as many come, ask again after the last.
    """
    asked = {
        "tenant_id": tenant_id,
        "corpus_id": corpus_id,
        "document_id": document_id,
        "after": after,
        "kind": REINDEX,
        "limit": MOST_AT_ONCE,
    }
    async with conn.cursor(row_factory=class_row(_Due)) as cursor:
        due = await (await cursor.execute(FIND_PUBLISHED, asked)).fetchall()
    for each in due:
        await jobs.enqueue(
            conn,
            tenant_id=tenant_id,
            kind=REINDEX,
            document_id=each.document_id,
            revision_id=each.revision_id,
            priority=jobs.BULK if document_id is None else jobs.INTERACTIVE,
        )
    return [each.revision_id for each in due]


async def unfinished(
    conn: Connection, *, tenant_id: int, corpus_id: int, since: datetime
) -> Unfinished:
    """Tell how many documents of a corpus still wait to be brought in line.

    Args:
        since: failures before are left out.
    """
    asked = {"tenant_id": tenant_id, "corpus_id": corpus_id, "kind": REINDEX, "since": since}
    async with conn.cursor(row_factory=class_row(Unfinished)) as cursor:
        [found] = await (await cursor.execute(COUNT_UNFINISHED, asked)).fetchall()
    return found
