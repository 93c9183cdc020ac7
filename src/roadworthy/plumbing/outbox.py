"""Which jobs a broker must still be told of.

The job table is the outbox: a job is due to be announced from the transaction that accepts it,
or puts it back, until the relay has noted that the broker has it safe.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.plumbing.database import WorkerConnection

TO_ANNOUNCE = """
SELECT tenant_id, id, priority
  FROM job
 WHERE state = 'queued' AND announced_at IS NULL AND run_at <= %(now)s
 ORDER BY run_at, id
 LIMIT %(most)s
"""
# A row that somebody holds is being claimed: nobody needs to hear of it any more.
MARK_ANNOUNCED = """
UPDATE job
   SET announced_at = %(now)s
 WHERE (tenant_id, id) IN (
       SELECT tenant_id, id
         FROM job
         JOIN unnest(%(tenant_ids)s::integer[], %(ids)s::uuid[]) AS told (tenant_id, id)
        USING (tenant_id, id)
        WHERE state = 'queued' AND run_at <= %(now)s
          FOR UPDATE OF job SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The word that a job is worth a look."""

    tenant_id: int
    id: uuid.UUID
    priority: int


async def to_announce(conn: WorkerConnection, *, most: int) -> list[Announcement]:
    """Read which due jobs a broker must still be told of, the oldest first."""
    async with conn.cursor(row_factory=class_row(Announcement)) as cursor:
        return await (await cursor.execute(TO_ANNOUNCE, {"now": now(), "most": most})).fetchall()


async def mark_announced(conn: WorkerConnection, announced: Sequence[Announcement]) -> None:
    """Note that the broker has been told of these."""
    columns = {
        "tenant_ids": [each.tenant_id for each in announced],
        "ids": [each.id for each in announced],
    }
    await conn.execute(MARK_ANNOUNCED, columns | {"now": now()})
