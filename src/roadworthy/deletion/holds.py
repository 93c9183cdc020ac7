"""Legal holds: what has to be kept as it is, until whoever may do so lifts the hold.

PostgreSQL keeps it (sql/repeatable/retention_holds.sql): nothing of a held document is deleted or
replaced by any role of the product, however the statement came about.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid, Missing, Refused
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import Connection

GROUP = "legal-hold"  # its people may place and lift holds, beside the operator
LONGEST_REASON = 1000

ADD = """
INSERT INTO legal_hold (tenant_id, id, document_id, user_id, corpus_id, reason, placed_by,
                        placed_at)
VALUES (%(tenant_id)s, %(id)s, %(document_id)s, %(user_id)s, %(corpus_id)s, %(reason)s, %(by)s,
        %(now)s)
"""
LIFT = """
UPDATE legal_hold SET lifted_by = %(by)s, lifted_at = %(now)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lifted_at IS NULL
"""
LIST = """
SELECT legal_hold.id, document_id, user_id, corpus.name AS corpus, reason, placed_by, placed_at,
       lifted_by, lifted_at
  FROM legal_hold LEFT JOIN corpus ON corpus.tenant_id = legal_hold.tenant_id
                                  AND corpus.id = legal_hold.corpus_id
 WHERE legal_hold.tenant_id = %(tenant_id)s AND (%(lifted)s OR lifted_at IS NULL)
 ORDER BY legal_hold.id
 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What is kept, and why. Exactly one of document, user and corpus is named."""

    id: uuid.UUID
    document_id: uuid.UUID | None
    user_id: str | None
    corpus: str | None
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


async def add_hold(
    conn: Connection,
    *,
    tenant_id: int,
    reason: str,
    by: str,
    document_id: uuid.UUID | None = None,
    user_id: str | None = None,
    corpus_id: int | None = None,
) -> uuid.UUID:
    """Place a hold; it holds when the transaction is committed.

    Raises:
        Invalid: not exactly one thing is named, or the reason is empty or too long.
        Refused: this person is not in the group legal-hold, or does not see the document.
        Missing: there is no such document, person or corpus.
    """
    if sum(each is not None for each in (document_id, user_id, corpus_id)) != 1:
        raise Invalid("A hold is on one document, one person or one corpus.")
    if not reason.strip() or len(reason) > LONGEST_REASON or "\0" in reason:
        raise Invalid(f"A hold needs a reason of at most {LONGEST_REASON} characters.")
    hold_id = new_id()
    asked = {
        "tenant_id": tenant_id,
        "id": hold_id,
        "document_id": document_id,
        "user_id": user_id,
        "corpus_id": corpus_id,
        "reason": reason,
        "by": by,
        "now": now(),
    }
    try:
        await conn.execute(ADD, asked)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            f"Holds are placed by the operator, and by people of the group {GROUP!r} on what "
            "they may see."
        ) from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise Missing("There is nothing of that name to hold.") from error
    return hold_id


async def lift_hold(conn: Connection, *, tenant_id: int, hold_id: uuid.UUID, by: str) -> None:
    """End a hold; it stays on record.

    Raises:
        Missing: there is no such hold, it was lifted before, or this person may not lift it.
    """
    asked = {"tenant_id": tenant_id, "id": hold_id, "by": by, "now": now()}
    lifted = await conn.execute(LIFT, asked)
    if lifted.rowcount == 0:
        raise Missing(f"There is no hold {hold_id} that you may lift; `roadworthy hold list`.")


async def list_holds(
    conn: Connection, *, tenant_id: int, lifted: bool = False, limit: int = 1000
) -> list[Hold]:
    """List the holds that this person may see, oldest first; with the lifted ones if asked."""
    asked = {"tenant_id": tenant_id, "lifted": lifted, "limit": limit}
    async with conn.cursor(row_factory=class_row(Hold)) as cursor:
        return await (await cursor.execute(LIST, asked)).fetchall()
