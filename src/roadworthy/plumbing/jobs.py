"""A queue of accepted work in PostgreSQL, where losing or doubling a job takes a broken disk.

A job is inserted in the transaction that accepts the work, leased by one worker at a time, and
completed in the transaction that writes its effect. A worker that dies lets its lease run out;
one that was only slow finds that the job is no longer its own, and its effect is rolled back.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Missing
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import Connection, WorkerConnection

CHANNEL = "roadworthy_job"
LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 5

ENQUEUE = """
INSERT INTO job (tenant_id, id, kind, document_id, revision_id, state, attempts, run_at, stage,
                 steps_done, steps_total, created_at)
VALUES (%(tenant_id)s, %(id)s, %(kind)s, %(document_id)s, %(revision_id)s, 'queued', 0, %(now)s,
        'waiting', 0, 0, %(now)s)
"""
WAKE = "SELECT pg_notify(%(channel)s, '')"
CLAIM = """
UPDATE job
   SET state = 'running', attempts = attempts + 1, lease = %(lease)s, leased_until = %(until)s
 WHERE (tenant_id, id) = (
       SELECT tenant_id, id
         FROM job
        WHERE (state = 'queued' AND run_at <= %(now)s)
           OR (state = 'running' AND leased_until < %(now)s)
        ORDER BY run_at, id
        LIMIT 1
          FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, id, kind, document_id, revision_id, attempts, lease
"""
HEARTBEAT = """
UPDATE job
   SET leased_until = %(until)s, stage = %(stage)s, steps_done = %(done)s, steps_total = %(total)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s AND state = 'running'
"""
FINISH = """
UPDATE job
   SET state = %(state)s, problem = %(problem)s, finished_at = %(now)s, lease = NULL,
       leased_until = NULL, stage = %(state)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s AND state = 'running'
"""
RETRY = """
UPDATE job
   SET state = 'queued', run_at = %(run_at)s, problem = %(problem)s, lease = NULL,
       leased_until = NULL, stage = 'waiting'
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s AND state = 'running'
"""
FIND = """
SELECT id, kind, document_id, state, stage, attempts, steps_done, steps_total, problem,
       created_at, finished_at
  FROM job
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
 ORDER BY created_at, id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to do one job, for a while."""

    tenant_id: int
    id: uuid.UUID
    kind: str
    document_id: uuid.UUID
    revision_id: uuid.UUID
    attempts: int  # this one included
    lease: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """How far a job is."""

    id: uuid.UUID
    kind: str
    document_id: uuid.UUID
    state: str  # queued, running, done, failed
    stage: str
    attempts: int
    steps_done: int
    steps_total: int
    problem: str | None
    created_at: datetime
    finished_at: datetime | None


async def enqueue(
    conn: Connection, *, tenant_id: int, kind: str, document_id: uuid.UUID, revision_id: uuid.UUID
) -> uuid.UUID:
    """Add a job in the caller's transaction; workers wake when it commits."""
    job_id = new_id()
    await conn.execute(
        ENQUEUE,
        {
            "tenant_id": tenant_id,
            "id": job_id,
            "kind": kind,
            "document_id": document_id,
            "revision_id": revision_id,
            "now": now(),
        },
    )
    await conn.execute(WAKE, {"channel": CHANNEL})
    return job_id


async def claim(conn: WorkerConnection) -> Lease | None:
    """Take the job that waits longest, or one whose worker died; None when there is none."""
    async with conn.cursor(row_factory=class_row(Lease)) as cursor:
        await cursor.execute(CLAIM, {"lease": new_id(), "now": now(), "until": now() + LEASE})
        return await cursor.fetchone()


async def heartbeat(
    conn: WorkerConnection, lease: Lease, *, stage: str, done: int = 0, total: int = 0
) -> bool:
    """Prolong the lease and report progress; False when the job is no longer ours."""
    beat = await conn.execute(
        HEARTBEAT,
        _of(lease) | {"until": now() + LEASE, "stage": stage, "done": done, "total": total},
    )
    return beat.rowcount == 1


async def complete(conn: WorkerConnection, lease: Lease) -> None:
    """End the job in the transaction that holds its effect.

    Raises:
        Conflict: the job is no longer ours; the caller's transaction must be rolled back.
    """
    await _finish(conn, lease, state="done", problem=None)


async def fail(conn: WorkerConnection, lease: Lease, *, problem: str) -> None:
    """End the job without effect, for a reason that another try would meet again.

    Raises:
        Conflict: the job is no longer ours.
    """
    await _finish(conn, lease, state="failed", problem=problem)


async def retry(conn: WorkerConnection, lease: Lease, *, after: timedelta, problem: str) -> None:
    """Put the job back, not to be claimed before `after` has passed."""
    await conn.execute(RETRY, _of(lease) | {"run_at": now() + after, "problem": problem})


async def job_state(conn: Connection, *, tenant_id: int, job_id: uuid.UUID) -> JobState:
    """Look one job up.

    Raises:
        Missing: there is none that this person may see.
    """
    found = await job_states(conn, tenant_id=tenant_id, job_ids=[job_id])
    if not found:
        raise Missing(f"There is no job {job_id} that you may see.")
    return found[0]


async def job_states(
    conn: Connection, *, tenant_id: int, job_ids: list[uuid.UUID]
) -> list[JobState]:
    """Look jobs up, oldest first; those that may not be seen are left out."""
    async with conn.cursor(row_factory=class_row(JobState)) as cursor:
        return await (
            await cursor.execute(FIND, {"tenant_id": tenant_id, "ids": job_ids})
        ).fetchall()


async def listen(conn: psycopg.AsyncConnection) -> None:
    """Let `conn` (in autocommit) hear of new jobs."""
    await conn.execute("LISTEN roadworthy_job")


async def _finish(conn: WorkerConnection, lease: Lease, *, state: str, problem: str | None) -> None:
    finished = await conn.execute(
        FINISH, _of(lease) | {"state": state, "problem": problem, "now": now()}
    )
    if finished.rowcount != 1:
        raise Conflict("The job was taken over by another worker.", job=str(lease.id))


def _of(lease: Lease) -> dict[str, object]:
    return {"tenant_id": lease.tenant_id, "id": lease.id, "lease": lease.lease}
