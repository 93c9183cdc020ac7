"""A queue of accepted work in PostgreSQL, where losing or doubling a job takes a broken disk.

A job is inserted in the transaction that accepts the work, leased by one worker at a time, and
completed in the transaction that writes its effect. A worker that dies lets its lease run out;
one that was only slow finds that the job is no longer its own, and its effect is rolled back.

The row is the truth. What wakes a worker (`transports`) only says that it is worth a look.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

import psycopg
from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Busy, Conflict, Invalid, Missing, Unavailable
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import Connection, WorkerConnection
from roadworthy.plumbing.retries import BUG, POLICIES, UNCOUNTED

CHANNEL = "roadworthy_job"
LEASE = timedelta(seconds=30)
SUSPECT = 2  # attempts that ended without a word
# Somebody waits for an upload of one file; a folder may take its time; what is embedded again is
# searchable meanwhile.
INTERACTIVE, BULK, BACKGROUND = 0, 10, 20
ANY_PRIORITY = 100

ENQUEUE = """
INSERT INTO job (tenant_id, id, kind, document_id, revision_id, state, attempts, priority, run_at,
                 stage, steps_done, steps_total, created_at)
VALUES (%(tenant_id)s, %(id)s, %(kind)s, %(document_id)s, %(revision_id)s, 'queued', 0,
        %(priority)s, %(now)s, 'waiting', 0, 0, %(now)s)
"""
# Equal notifications of one transaction would be sent once.
WAKE = "SELECT pg_notify(%(channel)s, %(job_id)s::text)"
# By the database's clock: one of a worker that was set ahead must end no other's lease.
# First what a dead worker left. What killed it may be any job that it did: after two deaths those
# are taken one at a time, so that one of them takes no others with it.
# Then a lane is a tenant's waiting work of one priority, its scans apart, found by leaping through
# the index, however long each lane is. The tenant with the fewest jobs running has its turn, where
# a job that somebody waits for overlooks one; then the more urgent lane, then the tenant that was
# served longest ago, then the older job. Rows are locked one by one in that order, until one is
# free.
CLAIM = """
WITH RECURSIVE expired AS (
    SELECT tenant_id, id
      FROM job
     WHERE state = 'running' AND leased_until < now()
       AND (NOT %(express)s OR priority < %(bulk)s)
       AND (attempts - waits < %(suspect)s
            OR NOT EXISTS (SELECT FROM job AS suspect
                            WHERE suspect.state = 'running' AND suspect.leased_until >= now()
                              AND suspect.attempts - suspect.waits > %(suspect)s)
               AND pg_try_advisory_xact_lock(hashtext('roadworthy suspect')))
     ORDER BY leased_until, id
     LIMIT 1
       FOR UPDATE SKIP LOCKED
), lane AS (
    (SELECT tenant_id, priority, is_scan
       FROM job
      WHERE state = 'queued'
      ORDER BY tenant_id, priority, is_scan
      LIMIT 1)
    UNION ALL
    SELECT following.tenant_id, following.priority, following.is_scan
      FROM lane
     CROSS JOIN LATERAL (
           SELECT tenant_id, priority, is_scan
             FROM job
            WHERE state = 'queued' AND (tenant_id, priority, is_scan)
                                     > (lane.tenant_id, lane.priority, lane.is_scan)
            ORDER BY tenant_id, priority, is_scan
            LIMIT 1) AS following
), turn AS MATERIALIZED (
    SELECT lane.tenant_id, lane.priority, lane.is_scan
      FROM lane
     CROSS JOIN LATERAL ( -- its limit keeps the planner from reading all of the lane
           SELECT run_at FROM job
            WHERE job.tenant_id = lane.tenant_id AND job.priority = lane.priority
              AND job.is_scan = lane.is_scan AND state = 'queued' AND run_at <= now()
            ORDER BY run_at
            LIMIT 1) AS oldest
     WHERE (NOT lane.is_scan OR lane.priority < %(scans_below)s)
       AND (NOT %(express)s
            OR (lane.priority < %(bulk)s
                AND NOT EXISTS (SELECT FROM job
                                 WHERE job.tenant_id = lane.tenant_id AND state = 'running'
                                   AND job.priority < %(bulk)s)))
     ORDER BY (SELECT greatest(count(*) - (lane.priority < %(bulk)s)::integer, 0) FROM job
                WHERE job.tenant_id = lane.tenant_id AND state = 'running'),
              CASE WHEN %(by_age)s THEN 0 ELSE lane.priority END,
              (SELECT max(claimed_at) FROM job
                WHERE job.tenant_id = lane.tenant_id) NULLS FIRST,
              oldest.run_at, lane.tenant_id
), due AS (
    SELECT oldest.tenant_id, oldest.id
      FROM turn
     CROSS JOIN LATERAL (
           SELECT tenant_id, id
             FROM job
            WHERE job.tenant_id = turn.tenant_id AND job.priority = turn.priority
              AND job.is_scan = turn.is_scan AND state = 'queued' AND run_at <= now()
            ORDER BY run_at, id
            LIMIT 1
              FOR UPDATE SKIP LOCKED) AS oldest
     LIMIT 1
), chosen AS MATERIALIZED (
    (SELECT tenant_id, id FROM expired UNION ALL SELECT tenant_id, id FROM due) LIMIT 1
)
UPDATE job
   SET state = 'running', attempts = attempts + 1, lease = %(lease)s,
       leased_until = now() + %(lease_for)s, claimed_at = now()
  FROM chosen
 WHERE job.tenant_id = chosen.tenant_id AND job.id = chosen.id
RETURNING job.tenant_id, job.id, kind, document_id, revision_id, priority, attempts, waits, lease
"""
HEARTBEAT = """
UPDATE job
   SET leased_until = now() + %(lease_for)s, stage = %(stage)s, steps_done = %(done)s,
       steps_total = %(total)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s AND state = 'running'
"""
FINISH = """
UPDATE job
   SET state = %(state)s, problem = %(problem)s, problem_kind = %(kind)s, finished_at = %(now)s,
       lease = NULL, leased_until = NULL, stage = %(state)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s AND state = 'running'
"""
RETRY = """
UPDATE job
   SET state = 'queued', run_at = now() + %(after)s, problem = %(problem)s, problem_kind = %(kind)s,
       waits = waits + %(uncounted)s, lease = NULL, leased_until = NULL, stage = 'waiting',
       announced_at = NULL
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s AND state = 'running'
"""
# In its old place, and as if it had never been claimed.
GIVE_BACK = """
UPDATE job
   SET state = 'queued', attempts = attempts - 1, is_scan = is_scan OR %(is_scan)s,
       lease = NULL, leased_until = NULL, stage = 'waiting', announced_at = NULL
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s AND state = 'running'
"""
IS_FULL = "SELECT is_queue_full(%(most)s)"
FULL_FOR_S = 15  # what a client is told to wait
FIND = """
SELECT id, kind, document_id, state, stage, priority, attempts, steps_done, steps_total, problem,
       problem_kind, run_at, created_at, finished_at
  FROM job
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
 ORDER BY created_at, id
"""


class Turn(Enum):
    """Which job comes next, among the tenants with the fewest running."""

    URGENT = auto()
    OLDEST = auto()  # a turn of these now and then, so that no upload starves a bulk load
    EXPRESS = auto()  # only an urgent one, of a tenant that has no urgent one running


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to do one job, for a while."""

    tenant_id: int
    id: uuid.UUID
    kind: str
    document_id: uuid.UUID
    revision_id: uuid.UUID
    priority: int
    attempts: int  # this one included
    waits: int  # of these, those that a dependency ended
    lease: uuid.UUID

    def pause(self, kind: str) -> timedelta | None:
        """Draw how long to wait after a problem of this kind; None: it is not tried again."""
        earlier = self.waits if kind in UNCOUNTED else self.failures
        return POLICIES[kind].pause(earlier)

    @property
    def is_urgent(self) -> bool:
        """Tell whether somebody waits for it."""
        return self.priority < BULK

    @property
    def failures(self) -> int:
        """Count the earlier attempts that no dependency ended."""
        return self.attempts - self.waits - 1

    @property
    def is_worn_out(self) -> bool:
        """Tell whether its workers died as often as is allowed."""
        return self.failures > POLICIES[BUG].most


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """How far a job is."""

    id: uuid.UUID
    kind: str
    document_id: uuid.UUID
    state: str  # queued, running, done, failed
    stage: str
    priority: int  # 0: somebody waits for it; 10: part of a bulk load; 20: embedded again
    attempts: int
    steps_done: int
    steps_total: int
    problem: str | None
    problem_kind: str | None  # a word of the error tree, or bug
    run_at: datetime  # not before
    created_at: datetime
    finished_at: datetime | None


async def enqueue(
    conn: Connection,
    *,
    tenant_id: int,
    kind: str,
    document_id: uuid.UUID,
    revision_id: uuid.UUID,
    priority: int = INTERACTIVE,
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
            "priority": priority,
            "now": now(),
        },
    )
    await wake(conn, job_id)
    return job_id


async def wake(conn: Connection, job_id: uuid.UUID) -> None:
    """Tell whoever listens of a job, when the caller's transaction commits."""
    await conn.execute(WAKE, {"channel": CHANNEL, "job_id": job_id})


async def check_room(conn: Connection, *, most: int) -> None:
    """Refuse more work than may wait for the tenant of the caller's transaction.

    Raises:
        Busy: `most` jobs are queued.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        if await (await cursor.execute(IS_FULL, {"most": most})).fetchone():
            raise Busy(
                f"{most} documents wait to be read already; try again when some are done, or "
                "raise max_queued_jobs.",
                retry_after_s=FULL_FOR_S,
            )


async def claim(
    conn: WorkerConnection, *, turn: Turn = Turn.URGENT, scans_below: int = ANY_PRIORITY
) -> Lease | None:
    """Take the job whose turn it is, or one whose worker died; None when there is none.

    Tenants have turns; within a tenant the more urgent comes first, then the older.

    Args:
        scans_below: priority from which on known scans are left out, as there is no place for them.
    """
    asked = {
        "lease": new_id(),
        "lease_for": LEASE,
        "bulk": BULK,
        "by_age": turn is Turn.OLDEST,
        "express": turn is Turn.EXPRESS,
        "scans_below": scans_below,
        "suspect": SUSPECT,
    }
    async with conn.cursor(row_factory=class_row(Lease)) as cursor:
        return await (await cursor.execute(CLAIM, asked)).fetchone()


async def heartbeat(
    conn: WorkerConnection, lease: Lease, *, stage: str, done: int = 0, total: int = 0
) -> bool:
    """Prolong the lease and report progress; False when the job is no longer ours."""
    beat = await conn.execute(
        HEARTBEAT,
        _of(lease) | {"lease_for": LEASE, "stage": stage, "done": done, "total": total},
    )
    return beat.rowcount == 1


async def complete(conn: WorkerConnection, lease: Lease) -> None:
    """End the job in the transaction that holds its effect.

    Raises:
        Conflict: the job is no longer ours; the caller's transaction must be rolled back.
    """
    await _finish(conn, lease, state="done", problem=None, kind=None)


async def fail(
    conn: WorkerConnection, lease: Lease, *, problem: str, kind: str = Invalid.kind
) -> None:
    """End the job without effect: a dead letter, which a person may read, replay or drop.

    Raises:
        Conflict: the job is no longer ours.
    """
    await _finish(conn, lease, state="failed", problem=problem, kind=kind)


async def retry(
    conn: WorkerConnection,
    lease: Lease,
    *,
    after: timedelta,
    problem: str,
    kind: str = Unavailable.kind,
) -> bool:
    """Put the job back after a problem, not to be claimed before `after` has passed.

    Returns: False when the job is no longer ours, and stays as it is.
    """
    told = {
        "after": after,
        "problem": problem,
        "kind": kind,
        "uncounted": int(kind in UNCOUNTED),
    }
    return (await conn.execute(RETRY, _of(lease) | told)).rowcount == 1


async def give_back(conn: WorkerConnection, lease: Lease, *, is_scan: bool = False) -> None:
    """Put the job back untried, to be claimed at once; it counts neither as attempt nor as wait.

    Args:
        is_scan: it turned out to be one; it is claimed again where there is a place for scans.
    """
    await conn.execute(GIVE_BACK, _of(lease) | {"is_scan": is_scan})


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


async def _finish(
    conn: WorkerConnection, lease: Lease, *, state: str, problem: str | None, kind: str | None
) -> None:
    finished = await conn.execute(
        FINISH, _of(lease) | {"state": state, "problem": problem, "kind": kind, "now": now()}
    )
    if finished.rowcount != 1:
        raise Conflict("The job was taken over by another worker.", job=str(lease.id))


def _of(lease: Lease) -> dict[str, object]:
    return {"tenant_id": lease.tenant_id, "id": lease.id, "lease": lease.lease}
