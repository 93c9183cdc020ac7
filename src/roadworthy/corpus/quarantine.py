"""Keep a content back, or take one back that was searchable; nothing of its text stays findable."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.corpus.counts import count_out
from roadworthy.corpus.publishing import DROP_POSTINGS
from roadworthy.corpus.verdicts import QUARANTINED, Verdict, add_verdict
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.plumbing.jobs import Lease

RELEASE, REJECT = "release", "reject"

READ_SUBJECT = """
SELECT revision.id AS revision_id, revision.document_id, revision.acl_id, document.owner,
       document.name, revision.created_at AS accepted_at, corpus.policy,
       hold_on(document.tenant_id, ARRAY[document.id]) IS NOT NULL AS is_held,
       decided.decision, decided.reason AS decided_for,
       ARRAY(SELECT DISTINCT unnest(overruled)
               FROM review
              WHERE review.tenant_id = revision.tenant_id
                AND review.document_id = revision.document_id
                AND review.content_hash = revision.content_hash) AS overruled
  FROM revision
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
  JOIN corpus ON corpus.tenant_id = revision.tenant_id AND corpus.id = revision.corpus_id
  LEFT JOIN LATERAL (
       SELECT decision, reason
         FROM review
        WHERE review.tenant_id = revision.tenant_id
          AND review.document_id = revision.document_id
          AND review.content_hash = revision.content_hash
        ORDER BY decided_at DESC, review.id DESC
        LIMIT 1) AS decided ON true
 WHERE revision.tenant_id = %(tenant_id)s AND revision.id = %(revision_id)s
"""
LOCK_DOCUMENT = """
SELECT FROM document WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s FOR UPDATE
"""
LOCK_DOCUMENTS = """
SELECT FROM document
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
 ORDER BY id
   FOR UPDATE
"""
KEEP_BACK = """
UPDATE revision SET state = %(state)s, text = NULL
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s AND state IN ('pending', 'ready')
"""
# An older version that is searchable stays so, and the problem says that a newer one waits.
TELL = """
UPDATE document
   SET updated_at = %(now)s,
       problem = CASE WHEN published THEN 'The newer version: ' ELSE '' END || %(problem)s,
       state = CASE WHEN published THEN 'ready' ELSE %(state)s END
  FROM (SELECT EXISTS (SELECT FROM revision
                        WHERE tenant_id = %(tenant_id)s AND document_id = %(document_id)s
                          AND state = 'ready') AS published) AS revisions
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""
# Readers, state and holds may have changed since the two were compared.
STILL_BEATEN = """
SELECT loser.state = 'ready' AS is_ready
  FROM revision AS loser
  JOIN revision AS winner ON winner.tenant_id = loser.tenant_id AND winner.id = %(winner_id)s
 WHERE loser.tenant_id = %(tenant_id)s AND loser.id = %(revision_id)s
   AND loser.state IN ('pending', 'ready')
   AND (loser.acl_id, winner.acl_id) = (%(acl_id)s, %(acl_id)s)
   AND hold_on(loser.tenant_id, ARRAY[loser.document_id]) IS NULL
"""
DROP_TEXT: tuple[LiteralString, ...] = (
    *DROP_POSTINGS,
    "DELETE FROM passage WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s",
    "DELETE FROM golden_probe WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s",
    "DELETE FROM removal WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s",
    "DELETE FROM edge_line WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s",
    "UPDATE document SET title = regexp_replace(name, '^.*/', ''), authors = '{}', notes = '{}'"
    " WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s",
)
# Only what was compared can have kept another back.
BEATEN_BY = """
SELECT revision.document_id, revision.id
  FROM verdict
  JOIN revision ON revision.tenant_id = verdict.tenant_id AND revision.id = verdict.revision_id
 WHERE verdict.tenant_id = %(tenant_id)s AND about = %(document_id)s
   AND check_name = 'near_duplicates' AND outcome = 'quarantined'
   AND revision.state = 'quarantined'
   AND EXISTS (SELECT FROM signature
                WHERE tenant_id = %(tenant_id)s AND signature.revision_id = %(revision_id)s)
 ORDER BY revision.document_id
"""
LOOK_AGAIN = """
UPDATE revision SET state = 'pending'
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s AND state = 'quarantined'
"""
TELL_AGAIN = """
UPDATE document
   SET updated_at = %(now)s, problem = NULL,
       state = CASE WHEN state = 'quarantined' THEN 'pending' ELSE state END
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A content that is to be curated, and what was decided about it before."""

    revision_id: uuid.UUID
    document_id: uuid.UUID
    acl_id: int  # the class of its readers at this moment
    owner: str
    name: str
    accepted_at: datetime
    policy: object  # as stored; read by policy_of
    is_held: bool  # by a legal hold
    decision: str | None  # the last: release, reject; None: nobody was asked
    decided_for: str | None
    overruled: list[str]  # the checks that releases have set aside, one after the other


async def read_subject(conn: WorkerConnection, lease: Lease) -> Subject:
    """Look up what curation must know of a content beside its text.

    Raises:
        Missing: it was deleted or replaced meanwhile.
    """
    async with conn.cursor(row_factory=class_row(Subject)) as cursor:
        await cursor.execute(
            READ_SUBJECT, {"tenant_id": lease.tenant_id, "revision_id": lease.revision_id}
        )
        found = await cursor.fetchone()
    if found is None:
        raise Missing("The document was deleted or replaced meanwhile.")
    return found


async def keep_back(
    conn: WorkerConnection, lease: Lease, *, problem: str, state: str = QUARANTINED
) -> None:
    """Keep the content of a job from being searchable; the version before it stays.

    Args:
        state: quarantined, or rejected when a person has decided so before.
    """
    await _mark(
        conn,
        tenant_id=lease.tenant_id,
        document_id=lease.document_id,
        revision_id=lease.revision_id,
        state=state,
        problem=problem,
    )


async def lock_all(
    conn: WorkerConnection, document_ids: Sequence[uuid.UUID], *, tenant_id: int
) -> None:
    """Lock a document and those whose place it takes, before any of them is changed.

    In one order: of three alike that are published at once, two would wait for each other.
    """
    await conn.execute(LOCK_DOCUMENTS, {"tenant_id": tenant_id, "ids": list(document_ids)})


async def withdraw(
    conn: WorkerConnection,
    verdict: Verdict,
    *,
    problem: str,
    tenant_id: int,
    document_id: uuid.UUID,
    revision_id: uuid.UUID,
    winner_id: uuid.UUID,
    acl_id: int,
) -> bool:
    """Put a content into quarantine that is searchable, or about to be, in favour of another.

    Args:
        winner_id: the content that takes its place; the caller has locked the documents of both.
        acl_id: the class in which the two were compared.

    Returns: whether that was done; not where one of them has other readers by now, or the loser
        is under legal hold.
    """
    of = {"tenant_id": tenant_id, "document_id": document_id, "revision_id": revision_id}
    asked = of | {"winner_id": winner_id, "acl_id": acl_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        is_ready = await (await cursor.execute(STILL_BEATEN, asked)).fetchone()
    if is_ready is None:
        return False
    if is_ready:
        await count_out(conn, tenant_id=tenant_id, document_id=document_id)
        for statement in DROP_TEXT:
            await conn.execute(statement, of)
    await _mark(
        conn,
        tenant_id=tenant_id,
        document_id=document_id,
        revision_id=revision_id,
        state=QUARANTINED,
        problem=problem,
    )
    await add_verdict(
        conn, verdict, tenant_id=tenant_id, revision_id=revision_id, compared_in=acl_id
    )
    return True


async def look_again(conn: WorkerConnection, lease: Lease) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Let all wait again that were kept back in favour of a content that has failed.

    Returns: the document and the revision of each, which are to be ingested.
    """
    asked: dict[str, object] = {
        "tenant_id": lease.tenant_id,
        "document_id": lease.document_id,
        "revision_id": lease.revision_id,
    }
    waiting = list[tuple[uuid.UUID, uuid.UUID]]()
    for document_id, revision_id in await (await conn.execute(BEATEN_BY, asked)).fetchall():
        of = asked | {"document_id": document_id, "revision_id": revision_id, "now": now()}
        await conn.execute(LOCK_DOCUMENT, of)
        if (await conn.execute(LOOK_AGAIN, of)).rowcount:
            await conn.execute(TELL_AGAIN, of)
            waiting.append((document_id, revision_id))
    return waiting


async def _mark(
    conn: WorkerConnection,
    *,
    tenant_id: int,
    document_id: uuid.UUID,
    revision_id: uuid.UUID,
    state: str,
    problem: str,
) -> None:
    asked = {
        "tenant_id": tenant_id,
        "document_id": document_id,
        "revision_id": revision_id,
        "state": state,
        "problem": problem,
        "now": now(),
    }
    await conn.execute(LOCK_DOCUMENT, asked)  # before the revision, as everybody does
    if (await conn.execute(KEEP_BACK, asked)).rowcount:
        await conn.execute(TELL, asked)
