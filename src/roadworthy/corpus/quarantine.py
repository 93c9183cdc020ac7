"""Keep a content back, or take one back that was searchable; nothing of its text stays findable."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.corpus.counts import count_out
from roadworthy.corpus.verdicts import QUARANTINED, Verdict, add_verdict
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.plumbing.jobs import Lease

RELEASE, REJECT = "release", "reject"

READ_SUBJECT = """
SELECT revision.id AS revision_id, revision.document_id, document.owner, document.name,
       revision.created_at AS accepted_at, corpus.policy, decided.decision,
       coalesce(decided.overruled, '{}') AS overruled, decided.reason AS decided_for
  FROM revision
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
  JOIN corpus ON corpus.tenant_id = revision.tenant_id AND corpus.id = revision.corpus_id
  LEFT JOIN LATERAL (
       SELECT decision, overruled, reason
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
IS_READY = """
SELECT FROM revision
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s AND state = 'ready'
"""
DROP_PASSAGES = """
DELETE FROM passage WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s
"""
DROP_POSTINGS = """
DELETE FROM posting WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A content that is to be curated, and what was decided about it before."""

    revision_id: uuid.UUID
    document_id: uuid.UUID
    owner: str
    name: str
    accepted_at: datetime
    policy: object  # as stored; read by policy_of
    decision: str | None  # release, reject; None: nobody was asked
    overruled: list[str]  # the checks that a release sets aside
    decided_for: str | None


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


async def withdraw(
    conn: WorkerConnection,
    verdict: Verdict,
    *,
    problem: str,
    tenant_id: int,
    document_id: uuid.UUID,
    revision_id: uuid.UUID,
) -> None:
    """Put a content into quarantine that is searchable, or that is about to be."""
    of = {"tenant_id": tenant_id, "document_id": document_id, "revision_id": revision_id}
    await conn.execute(LOCK_DOCUMENT, of)
    ready = await conn.execute(IS_READY, of)
    if await ready.fetchone() is not None:
        await count_out(conn, tenant_id=tenant_id, document_id=document_id)
        await conn.execute(DROP_POSTINGS, of)
        await conn.execute(DROP_PASSAGES, of)
    marked = await _mark(
        conn,
        tenant_id=tenant_id,
        document_id=document_id,
        revision_id=revision_id,
        state=QUARANTINED,
        problem=problem,
    )
    if marked:
        await add_verdict(conn, verdict, tenant_id=tenant_id, revision_id=revision_id)


async def _mark(
    conn: WorkerConnection,
    *,
    tenant_id: int,
    document_id: uuid.UUID,
    revision_id: uuid.UUID,
    state: str,
    problem: str,
) -> bool:
    asked = {
        "tenant_id": tenant_id,
        "document_id": document_id,
        "revision_id": revision_id,
        "state": state,
        "problem": problem,
        "now": now(),
    }
    await conn.execute(LOCK_DOCUMENT, asked)  # before the revision, as everybody does
    marked = (await conn.execute(KEEP_BACK, asked)).rowcount == 1
    if marked:
        await conn.execute(TELL, asked)
    return marked
