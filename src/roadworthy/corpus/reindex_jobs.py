"""The jobs that bring published documents in line with the routing of their corpus."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Connection

REINDEX = "reindex"  # the kind of job
MOST_AT_ONCE = 500  # jobs that one transaction adds

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
class Unfinished:
    """How far the jobs of a corpus are."""

    jobs: int  # that wait or run
    stage: str | None  # of one that runs
    problem: str | None  # of one that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    document_id: uuid.UUID
    revision_id: uuid.UUID


async def enqueue_one(
    conn: Connection,
    *,
    tenant_id: int,
    document_id: uuid.UUID,
    revision_id: uuid.UUID,
    priority: int = jobs.BACKGROUND,
) -> None:
    """Add a job for a published revision."""
    await jobs.enqueue(
        conn,
        tenant_id=tenant_id,
        kind=REINDEX,
        document_id=document_id,
        revision_id=revision_id,
        priority=priority,
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
        await enqueue_one(
            conn,
            tenant_id=tenant_id,
            document_id=each.document_id,
            revision_id=each.revision_id,
            priority=jobs.BACKGROUND if document_id is None else jobs.INTERACTIVE,
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
