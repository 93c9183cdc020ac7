"""Bring published passages in line with the routing of their corpus, a document at a time.

What lacks is added beside what is there: a search meanwhile finds what it found before.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from roadworthy.core.errors import Conflict, Missing
from roadworthy.core.spaces import EmbeddingSpace, Vectors
from roadworthy.corpus.counts import count_in, count_out, lock_counts
from roadworthy.corpus.documents import read_routing
from roadworthy.corpus.places import keep_place
from roadworthy.corpus.publishing import (
    ADD_POSTINGS,
    DROP_POSTINGS,
    Place,
    halfvecs,
    locked,
    packed_postings,
)
from roadworthy.corpus.routing import Routing
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.plumbing.jobs import Lease

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
# The class is the passage's own at this moment, not the one that it had when it was read. What is
# there may be in another place than what is added, where no key tells of it.
ADD_VECTORS = """
INSERT INTO embedding (tenant_id, place, space_id, corpus_id, acl_id, document_id, passage_id,
                       vector)
SELECT passage.tenant_id, %(place)s, %(space_id)s, corpus_id, acl_id, document_id, passage.id,
       piece.vector
  FROM unnest(%(ids)s::integer[], %(vectors)s::halfvec[]) AS piece (id, vector)
  JOIN passage ON passage.tenant_id = %(tenant_id)s AND passage.id = piece.id
 WHERE NOT EXISTS (SELECT FROM embedding
                    WHERE embedding.tenant_id = passage.tenant_id AND passage_id = passage.id
                      AND space_id = %(space_id)s)
"""
RELABEL = """
UPDATE passage
   SET language = piece.language, analysis = piece.analysis, term_count = piece.term_count
  FROM unnest(%(ids)s::integer[], %(languages)s::text[], %(analyses)s::text[],
              %(term_counts)s::integer[]) AS piece (id, language, analysis, term_count)
 WHERE tenant_id = %(tenant_id)s AND passage.id = piece.id
"""
SET_LANGUAGE = """
UPDATE document SET language = %(language)s
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
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
    corpus_id: int
    routing: Routing

    def still_holds(self, place: Place) -> bool:
        """Say whether what decides on its labels and spaces is as it was read."""
        return (place.routing, place.language_told) == (self.routing, self.language_told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a passage is to be called from now on, and its terms by those rules."""

    language: str
    analysis: str
    terms: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    document_id: uuid.UUID
    title: str
    language: str
    language_told: str | None
    corpus_id: int


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
        corpus_id=stored.corpus_id,
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
    conn: WorkerConnection,
    lease: Lease,
    *,
    space: EmbeddingSpace,
    ids: Sequence[int],
    vectors: Vectors,
) -> None:
    """Add vectors of passages in one space; those that are there already stay as they are.

    In a space that the corpus has let go meanwhile nothing is added.

    Args:
        vectors: shape (ids, dimension of the space).

    Raises:
        Missing, Conflict: the document was deleted or replaced, or the job taken over.
        Invalid: a vector does not fit the space.
    """
    place = await locked(conn, lease)
    if space.id not in place.routing.spaces:
        return
    columns = {"ids": list(ids), "vectors": halfvecs(vectors, space, count=len(ids))}
    kept_at = await keep_place(conn, tenant_id=lease.tenant_id)
    asked = {"tenant_id": lease.tenant_id, "place": kept_at, "space_id": space.id}
    await conn.execute(ADD_VECTORS, asked | columns)


async def relabel(
    conn: WorkerConnection,
    lease: Lease,
    place: Place,
    *,
    language: str,
    labels: Mapping[int, Labels],
) -> None:
    """Give all passages of a document their language and terms anew.

    Args:
        place: the document's, held by a lock.
        language: the document's.
        labels: of every passage, by its id.

    Raises:
        Conflict: the document was replaced meanwhile.
    """
    tenant_id, document_id = lease.tenant_id, lease.document_id
    shared = {
        "tenant_id": tenant_id,
        "document_id": document_id,
        "revision_id": lease.revision_id,
        "corpus_id": place.corpus_id,
        "acl_id": place.acl_id,
    }
    of = {"tenant_id": tenant_id, "document_id": document_id}
    await lock_counts(conn, **of, acl_id=place.acl_id)
    await count_out(conn, **of)
    columns = {
        "ids": list(labels),
        "languages": [each.language for each in labels.values()],
        "analyses": [each.analysis for each in labels.values()],
        "term_counts": [len(each.terms) for each in labels.values()],
    }
    changed = await conn.execute(RELABEL, shared | columns)
    if changed.rowcount != len(labels):
        raise Conflict("The document was replaced meanwhile.")
    for statement in DROP_POSTINGS:
        await conn.execute(statement, shared)
    terms = {passage_id: each.terms for passage_id, each in labels.items()}
    await conn.execute(ADD_POSTINGS, shared | packed_postings(terms))
    await conn.execute(SET_LANGUAGE, shared | {"language": language})
    await count_in(conn, **of)
