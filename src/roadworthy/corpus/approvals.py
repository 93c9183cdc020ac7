"""Sensitive operations: one person asks, another one grants, and then it is done once, in time.

That nobody grants what he asked for himself is kept by sql/repeatable/second_person.sql.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import (
    Connection,
    ReadConnection,
    WorkerConnection,
    WriteConnection,
)

GROUP = "approvers"  # its people grant
VALID = timedelta(days=1)  # from when it was asked for
TIME_LEFT = timedelta(hours=1)  # to grant it and to do it, else it is asked for anew

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('roadworthy approval'), %(tenant_id)s)"
USE = """
UPDATE approval SET used_at = %(now)s
 WHERE tenant_id = %(tenant_id)s AND used_at IS NULL
   AND id = (SELECT id FROM approval
              WHERE tenant_id = %(tenant_id)s AND operation = %(operation)s
                AND subject = %(subject)s AND asked_by = %(by)s AND asked_at > %(since)s
                AND granted_at IS NOT NULL AND used_at IS NULL
              ORDER BY id LIMIT 1)
"""
ASKED = """
SELECT id FROM approval
 WHERE tenant_id = %(tenant_id)s AND operation = %(operation)s AND subject = %(subject)s
   AND asked_by = %(by)s AND asked_at > %(since)s + %(left)s AND granted_at IS NULL
 ORDER BY id LIMIT 1
"""
ASK = """
INSERT INTO approval (tenant_id, id, operation, subject, asked_by, asked_at)
VALUES (%(tenant_id)s, %(id)s, %(operation)s, %(subject)s, %(by)s, %(now)s)
"""
GRANT = """
UPDATE approval SET granted_by = %(by)s, granted_at = %(now)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND granted_at IS NULL AND asked_at > %(since)s
"""
LIST = """
SELECT id, operation, subject, asked_by, asked_at, granted_by, granted_at, used_at
  FROM approval
 WHERE tenant_id = %(tenant_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who asked for what, who granted it, and when it was done."""

    id: uuid.UUID
    operation: str
    subject: str
    asked_by: str
    asked_at: datetime
    granted_by: str | None
    granted_at: datetime | None
    used_at: datetime | None


async def use_or_ask(
    conn: WorkerConnection, *, tenant_id: int, operation: str, subject: str, by: str
) -> uuid.UUID | None:
    """Use a grant up; where there is none, ask for one, once, however many ask at once.

    Returns: what is to be granted; None: it was, and may be done now.
    """
    asked = _asked(tenant_id) | {"operation": operation, "subject": subject, "by": by}
    asked["left"] = TIME_LEFT
    await conn.execute(ONE_AT_A_TIME, asked)
    if (await conn.execute(USE, asked)).rowcount:
        return None
    async with conn.cursor(row_factory=scalar_row) as cursor:
        waiting: uuid.UUID | None = await (await cursor.execute(ASKED, asked)).fetchone()
    if waiting is None:
        waiting = new_id()
        await conn.execute(ASK, asked | {"id": waiting})
    return waiting


async def grant(
    conn: WriteConnection, *, tenant_id: int, approval_id: uuid.UUID, by: str
) -> Approval:
    """Let it be done.

    Raises:
        Missing: nothing of that id waits for this person: it was granted, is older than VALID, was
            asked for by himself, or he is not in the group approvers.
    """
    asked = _asked(tenant_id) | {"id": approval_id, "by": by}
    if not (await conn.execute(GRANT, asked)).rowcount:
        raise Missing(
            f"Nothing of the id {approval_id} waits for you: people of the group {GROUP!r} grant "
            "within a day what somebody else asked for."
        )
    return await find_approval(conn, tenant_id=tenant_id, approval_id=approval_id)


async def find_approval(
    conn: ReadConnection | WriteConnection, *, tenant_id: int, approval_id: uuid.UUID
) -> Approval:
    """Look one up.

    Raises:
        Missing: there is none, or this person is not in the group approvers.
    """
    found = await _list(conn, tenant_id=tenant_id, approval_id=approval_id, limit=1)
    if not found:
        raise Missing(f"There is no approval {approval_id} that you may see.")
    return found[0]


async def list_approvals(conn: Connection, *, tenant_id: int, limit: int = 100) -> list[Approval]:
    """List what was asked for, the newest first, for the operator and the group approvers."""
    return await _list(conn, tenant_id=tenant_id, approval_id=None, limit=limit)


async def _list(
    conn: Connection, *, tenant_id: int, approval_id: uuid.UUID | None, limit: int
) -> list[Approval]:
    asked = {"tenant_id": tenant_id, "id": approval_id, "limit": limit}
    async with conn.cursor(row_factory=class_row(Approval)) as cursor:
        return await (await cursor.execute(LIST, asked)).fetchall()


def _asked(tenant_id: int) -> dict[str, object]:
    moment = now()
    return {"tenant_id": tenant_id, "now": moment, "since": moment - VALID}
