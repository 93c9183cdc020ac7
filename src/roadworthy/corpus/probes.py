"""Golden probes: questions whose passage is known, and which must go on finding it.

Some are asked by people; some are sentences of passages, taken when those are published. Only the
operator reads them: they hold text of documents.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid, Missing
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.plumbing.jobs import Lease

MOST_GENERATED = 5  # of one language of a corpus
MOST_TOLD = 200  # of one corpus
LONGEST_QUESTION, LONGEST_QUOTE = 1_000, 2_000  # characters

ADD = """
INSERT INTO golden_probe (tenant_id, id, corpus_id, document_id, revision_id, language, question,
                          quote, ways, created_at)
VALUES (%(tenant_id)s, %(id)s, %(corpus_id)s, %(document_id)s, NULL, %(language)s, %(question)s,
        %(quote)s, '{}', %(now)s)
"""
# The corpus is the document's at this moment; a few more than wanted do no harm.
GENERATE = """
INSERT INTO golden_probe (tenant_id, id, corpus_id, document_id, revision_id, language, question,
                          quote, ways, created_at)
SELECT %(tenant_id)s, piece.id, corpus_id, document.id, %(revision_id)s, piece.language,
       piece.sentence, piece.sentence, '{}', %(now)s
  FROM unnest(%(ids)s::uuid[], %(languages)s::text[], %(sentences)s::text[])
       AS piece (id, language, sentence)
  JOIN document ON document.tenant_id = %(tenant_id)s AND document.id = %(document_id)s
 WHERE (SELECT count(*) FROM golden_probe AS there
         WHERE there.tenant_id = %(tenant_id)s AND there.corpus_id = document.corpus_id
           AND there.language = piece.language AND revision_id IS NOT NULL) < %(most)s
   AND NOT EXISTS (SELECT FROM golden_probe AS there
                    WHERE there.tenant_id = %(tenant_id)s
                      AND there.revision_id = %(revision_id)s
                      AND there.language = piece.language)
"""
COUNT_TOLD = """
SELECT count(*) FROM golden_probe
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND revision_id IS NULL
"""
# Where a quote stands is looked up each time: another version may be cut elsewhere.
TARGETS = """
SELECT probe.id, document.name AS document, probe.language, question, quote, ways,
       probe.revision_id IS NOT NULL AS is_generated,
       coalesce(held.passages, '{}') AS passages, coalesce(held.languages, '{}') AS languages,
       ARRAY(SELECT subject FROM acl_grant
              WHERE acl_grant.tenant_id = document.tenant_id
                AND acl_grant.acl_id = document.acl_id ORDER BY subject) AS readers,
       coalesce((SELECT max(clearance) FROM acl_grant
                  WHERE acl_grant.tenant_id = document.tenant_id
                    AND acl_grant.acl_id = document.acl_id), 0) AS clearance
  FROM golden_probe AS probe
  JOIN document ON document.tenant_id = probe.tenant_id AND document.id = probe.document_id
  LEFT JOIN LATERAL (
       SELECT array_agg(passage.id ORDER BY passage.id) AS passages,
              array_agg(DISTINCT passage.language) AS languages
         FROM revision JOIN passage ON passage.tenant_id = revision.tenant_id
                                   AND passage.revision_id = revision.id,
              LATERAL (SELECT nullif(strpos(revision.text, quote), 0) - 1 AS start_at) AS stands
        WHERE revision.tenant_id = probe.tenant_id
          AND revision.document_id = probe.document_id AND revision.state = 'ready'
          AND (quote IS NULL OR strpos(passage.text, quote) > 0
               OR (passage.start_at < stands.start_at + length(quote)
                   AND passage.end_at > stands.start_at))) AS held ON true
 WHERE probe.tenant_id = %(tenant_id)s AND probe.corpus_id = %(corpus_id)s
 ORDER BY probe.language, is_generated, probe.id
"""
SET_FOUND = """
UPDATE golden_probe SET ways = %(ways)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
REMOVE = """
DELETE FROM golden_probe WHERE tenant_id = %(tenant_id)s AND id = %(id)s RETURNING id
"""
DROP_GENERATED = """
DELETE FROM golden_probe WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s
"""
READ_TEXT = """
SELECT revision.text
  FROM revision JOIN document ON document.tenant_id = revision.tenant_id
                             AND document.id = revision.document_id
 WHERE document.tenant_id = %(tenant_id)s AND document.id = %(document_id)s
   AND document.corpus_id = %(corpus_id)s AND revision.state = 'ready'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question, and the passages that answer it now."""

    id: uuid.UUID
    document: str  # its name
    language: str  # of the question
    question: str
    quote: str | None  # words of the passage; None: any passage of the document will do
    ways: Sequence[str]  # the ways that found it when it was added; none: nobody looked
    is_generated: bool
    passages: Sequence[int]  # that hold the quote; none: the document says it no longer
    languages: Sequence[str]  # of those passages
    readers: Sequence[str]  # subjects that may read the document
    clearance: int  # that they need

    @property
    def is_stale(self) -> bool:
        """Say whether the document no longer holds what the question is about."""
        return not self.passages


async def add_probe(
    conn: WorkerConnection,
    *,
    tenant_id: int,
    corpus_id: int,
    document_id: uuid.UUID,
    language: str,
    question: str,
    quote: str | None,
) -> uuid.UUID:
    """Store a question together with the document, and the words of it, that answer it.

    Args:
        quote: blank space in it may differ from the document's; None: any passage will do.

    Raises:
        Missing: the corpus has no such document that is searchable.
        Invalid: the document does not hold the quote, or there are too many probes.
    """
    asked = {"tenant_id": tenant_id, "corpus_id": corpus_id, "document_id": document_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        text = await (await cursor.execute(READ_TEXT, asked)).fetchone()
        [told] = await (await cursor.execute(COUNT_TOLD, asked)).fetchall()
    if text is None:
        raise Missing(f"There is no searchable document {document_id} in this corpus.")
    if told >= MOST_TOLD:
        raise Invalid(f"A corpus has at most {MOST_TOLD} probes; remove one first.")
    probe_id = new_id()
    stored = {
        "id": probe_id,
        "language": language,
        "question": _bounded(question, "question", longest=LONGEST_QUESTION),
        "quote": None if quote is None else _as_it_stands(quote, text),
        "now": now(),
    }
    await conn.execute(ADD, asked | stored)
    return probe_id


async def generate_probes(conn: WorkerConnection, lease: Lease, sentences: dict[str, str]) -> None:
    """Keep a sentence of a version as a probe of each language that has too few of them.

    In the transaction that publishes the version; they go with it.

    Args:
        sentences: by their language, each standing as it is in the document's text.
    """
    if not sentences:
        return
    asked = {
        "tenant_id": lease.tenant_id,
        "document_id": lease.document_id,
        "revision_id": lease.revision_id,
        "ids": [new_id() for _ in sentences],
        "languages": list(sentences),
        "sentences": list(sentences.values()),
        "most": MOST_GENERATED,
        "now": now(),
    }
    await conn.execute(GENERATE, asked)


async def drop_generated(conn: WorkerConnection, lease: Lease) -> None:
    """Drop the probes that were made of a version, whose passages are of other languages now."""
    asked = {"tenant_id": lease.tenant_id, "revision_id": lease.revision_id}
    await conn.execute(DROP_GENERATED, asked)


async def list_probes(conn: WorkerConnection, *, tenant_id: int, corpus_id: int) -> list[Probe]:
    """List the probes of a corpus by language, those of people first."""
    async with conn.cursor(row_factory=class_row(Probe)) as cursor:
        asked = {"tenant_id": tenant_id, "corpus_id": corpus_id}
        return await (await cursor.execute(TARGETS, asked)).fetchall()


async def set_found(
    conn: WorkerConnection, *, tenant_id: int, probe_id: uuid.UUID, ways: Sequence[str]
) -> None:
    """Remember by which ways a probe was found; it must be found by them from now on."""
    asked = {"tenant_id": tenant_id, "id": probe_id, "ways": list(ways)}
    await conn.execute(SET_FOUND, asked)


async def remove_probe(conn: WorkerConnection, *, tenant_id: int, probe_id: uuid.UUID) -> None:
    """Forget a probe.

    Raises:
        Missing: there is none of that id.
    """
    removed = await conn.execute(REMOVE, {"tenant_id": tenant_id, "id": probe_id})
    if not removed.rowcount:
        raise Missing(f"There is no probe {probe_id}; `roadworthy corpus probe list` shows them.")


def _bounded(text: str, what: str, *, longest: int) -> str:
    text = text.strip()
    if not text or "\0" in text or len(text) > longest:
        raise Invalid(f"A {what} has from 1 to {longest} characters.")
    return text


def _as_it_stands(quote: str, text: str) -> str:
    words = _bounded(quote, "quote", longest=LONGEST_QUOTE).split()
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    if found is None:
        raise Invalid("The document does not hold that quote; copy some words of its text.")
    return _bounded(found[0], "quote", longest=LONGEST_QUOTE)
