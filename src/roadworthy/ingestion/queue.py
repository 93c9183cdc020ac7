"""What people do with accepted work: list it, let it be tried again, give it up.

A failed job is a dead letter: it is kept, with its reason, until somebody replays or drops it.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Missing, Refused
from roadworthy.corpus.reindex_jobs import REINDEX
from roadworthy.plumbing.database import Connection
from roadworthy.plumbing.jobs import wake

State = Literal["queued", "running", "done", "failed"]

LIST = """
SELECT job.id, job.state, job.stage, job.priority, job.attempts, job.problem, job.problem_kind,
       job.run_at, job.created_at, document.id AS document_id, document.name AS document_name
  FROM job JOIN document ON document.tenant_id = job.tenant_id AND document.id = job.document_id
 WHERE job.tenant_id = %(tenant_id)s
   AND (%(state)s::text IS NULL OR job.state = %(state)s)
   AND (%(before)s::uuid IS NULL OR job.id < %(before)s)
 ORDER BY job.id DESC
 LIMIT %(limit)s
"""
FAILED = """
SELECT job.id
  FROM job JOIN document ON document.tenant_id = job.tenant_id AND document.id = job.document_id
 WHERE job.tenant_id = %(tenant_id)s AND job.state = 'failed'
   AND (%(owner)s::text IS NULL OR document.owner = %(owner)s)
 ORDER BY job.id
"""
SEE = """
SELECT document.owner, document.id AS document_id, job.revision_id, job.kind
  FROM job JOIN document ON document.tenant_id = job.tenant_id AND document.id = job.document_id
 WHERE job.tenant_id = %(tenant_id)s AND job.id = %(job_id)s
"""
# In the order of everybody: document, then job and revision.
LOCK_DOCUMENT = """
SELECT FROM document WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s FOR UPDATE
"""
REPLAY = """
UPDATE job
   SET state = 'queued', stage = 'waiting', attempts = 0, waits = 0, run_at = %(now)s,
       problem = NULL, problem_kind = NULL, announced_at = NULL, finished_at = NULL
 WHERE tenant_id = %(tenant_id)s AND id = %(job_id)s AND state IN ('queued', 'failed')
"""
REVIVE_REVISION = """
UPDATE revision SET state = 'pending'
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s AND state = 'failed'
"""
REVIVE_DOCUMENT = """
UPDATE document
   SET problem = NULL, updated_at = %(now)s,
       state = CASE WHEN state = 'failed' THEN 'pending' ELSE state END
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""
DROP = """
DELETE FROM job
 WHERE tenant_id = %(tenant_id)s AND id = %(job_id)s AND state IN ('queued', 'failed')
"""
# The content that the job was for goes with it; what is published stays.
DROP_CONTENT = """
DELETE FROM revision
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s AND state <> 'ready'
"""
TELL_DROPPED = """
UPDATE document
   SET updated_at = %(now)s,
       problem = CASE WHEN state = 'ready' THEN NULL ELSE %(problem)s END,
       state = CASE WHEN state = 'pending' THEN 'failed' ELSE state END
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""
DROPPED = "Its job was dropped; upload it again to have it read."


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedJob:
    """A job and what it is about."""

    id: uuid.UUID
    document_id: uuid.UUID
    document_name: str
    state: str  # queued, running, done, failed
    stage: str
    priority: int  # 0: somebody waits for it; 10: part of a bulk load; 20: embedded again
    attempts: int
    problem: str | None
    problem_kind: str | None
    run_at: datetime  # not before
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    owner: str
    document_id: uuid.UUID
    revision_id: uuid.UUID
    kind: str


async def list_jobs(
    conn: Connection,
    *,
    tenant_id: int,
    state: State | None = None,
    before: uuid.UUID | None = None,
    limit: int = 100,
) -> list[ListedJob]:
    """List the jobs of documents that may be seen, the newest first."""
    asked = {"tenant_id": tenant_id, "state": state, "before": before, "limit": limit}
    async with conn.cursor(row_factory=class_row(ListedJob)) as cursor:
        return await (await cursor.execute(LIST, asked)).fetchall()


async def failed_jobs(conn: Connection, *, tenant_id: int, owner: str | None) -> list[uuid.UUID]:
    """Name the dead letters of one owner, or all of a tenant, oldest first."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        asked = {"tenant_id": tenant_id, "owner": owner}
        return await (await cursor.execute(FAILED, asked)).fetchall()


async def retry_job(conn: Connection, *, tenant_id: int, job_id: uuid.UUID, by: str | None) -> None:
    """Let a failed job be tried again as if it were new, or a waiting one at once.

    Args:
        by: who asks; None for the operator.

    Raises:
        Missing: there is no such job that this person may see.
        Refused: he is not the owner of its document.
        Conflict: it runs or is done, or its content is stored under another name by now.
    """
    target = await _locked(conn, tenant_id=tenant_id, job_id=job_id, by=by)
    asked = {
        "tenant_id": tenant_id,
        "job_id": job_id,
        "document_id": target.document_id,
        "revision_id": target.revision_id,
        "now": now(),
    }
    if (await conn.execute(REPLAY, asked)).rowcount != 1:
        raise Conflict("The job runs or is done; there is nothing to try again.")
    try:
        revived = await conn.execute(REVIVE_REVISION, asked)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "The same content is stored for the same readers under another name by now; drop "
            "this job."
        ) from error
    if revived.rowcount:
        await conn.execute(REVIVE_DOCUMENT, asked)
    await wake(conn, job_id)


async def drop_job(conn: Connection, *, tenant_id: int, job_id: uuid.UUID, by: str | None) -> None:
    """Give a waiting or failed job up, with the content that it was for.

    A version of the document that is searchable stays so. Raises as `retry_job`; what embeds it
    again is the operator's to drop.
    """
    target = await _locked(conn, tenant_id=tenant_id, job_id=job_id, by=by)
    if by is not None and target.kind == REINDEX:
        raise Refused("It brings the document in line with its corpus; the operator may drop it.")
    asked = {
        "tenant_id": tenant_id,
        "job_id": job_id,
        "document_id": target.document_id,
        "revision_id": target.revision_id,
        "problem": DROPPED,
        "now": now(),
    }
    if (await conn.execute(DROP, asked)).rowcount != 1:
        raise Conflict("The job runs or is done; delete the document instead.")
    if (await conn.execute(DROP_CONTENT, asked)).rowcount:
        await conn.execute(TELL_DROPPED, asked)


async def _locked(
    conn: Connection, *, tenant_id: int, job_id: uuid.UUID, by: str | None
) -> _Target:
    asked = {"tenant_id": tenant_id, "job_id": job_id}
    async with conn.cursor(row_factory=class_row(_Target)) as cursor:
        target = await (await cursor.execute(SEE, asked)).fetchone()
    if target is None:
        raise Missing(f"There is no job {job_id} that you may see.")
    if by is not None and target.owner != by:
        raise Refused("Only the owner of its document may retry or drop a job.")
    await conn.execute(LOCK_DOCUMENT, asked | {"document_id": target.document_id})
    return target
