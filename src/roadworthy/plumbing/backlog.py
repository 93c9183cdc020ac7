"""How much accepted work waits, runs, and has failed, in all tenants together."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.plumbing.database import WorkerConnection

# By its indexes: what is done is most of the table, and is not read.
BOUND = "SET LOCAL statement_timeout = '2s'"
COUNT = """
SELECT state, kind, problem_kind, count(*) AS jobs,
       min(run_at) FILTER (WHERE state = 'queued' AND run_at <= %(now)s) AS due_since
  FROM (SELECT state, kind, problem_kind, run_at FROM job WHERE state = 'queued'
        UNION ALL
        SELECT state, kind, problem_kind, run_at FROM job WHERE state = 'running'
        UNION ALL
        SELECT state, kind, problem_kind, run_at FROM job WHERE state = 'failed') AS unfinished
 GROUP BY state, kind, problem_kind
 ORDER BY state, kind, problem_kind
"""
IS_TAKEN = """
SELECT EXISTS (SELECT FROM job WHERE state = 'running' AND leased_until > %(now)s)
    OR EXISTS (SELECT FROM job WHERE claimed_at > %(since)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """Jobs of one state that met alike problems."""

    state: str  # queued, running, failed
    kind: str
    problem_kind: str | None  # of the last try; queued with one: it waits to be tried again
    jobs: int
    due_since: datetime | None  # of the oldest that is due


async def piles(conn: WorkerConnection) -> list[Pile]:
    """Count what is not done, in all tenants; takes 2 s at the most.

    Raises:
        Unavailable: the database does not answer, or not in time.
    """
    await conn.execute(BOUND)
    async with conn.cursor(row_factory=class_row(Pile)) as cursor:
        return await (await cursor.execute(COUNT, {"now": now()})).fetchall()


def due_for(found: list[Pile]) -> timedelta:
    """Tell how long the oldest due job has waited; 0 when none is due."""
    due = [each.due_since for each in found if each.due_since is not None]
    return max(now() - min(due), timedelta()) if due else timedelta()


async def is_taken(conn: WorkerConnection, *, within: timedelta) -> bool:
    """Tell whether a worker does a job now, or took one within this time."""
    moment = now()
    async with conn.cursor(row_factory=scalar_row) as cursor:
        asked = {"now": moment, "since": moment - within}
        return bool(await (await cursor.execute(IS_TAKEN, asked)).fetchone())
