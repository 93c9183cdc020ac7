"""People decide about what was kept back: release it, or reject it.

Its owner may, and whoever is in a group that the policy of its corpus names, among those who may
read it; PostgreSQL decides (sql/repeatable/permissions.sql). What a decision changes at once, a
trigger does, so that a reviewer need not be allowed to change anybody's document otherwise.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Missing, Refused
from roadworthy.core.ids import new_id
from roadworthy.corpus.quarantine import REJECT, RELEASE
from roadworthy.corpus.verdicts import QUARANTINED
from roadworthy.plumbing.database import Connection

LONGEST_REASON = 1000

FIND = """
SELECT id, content_hash, state
  FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(document_id)s
   AND state IN ('quarantined', 'rejected')
 ORDER BY created_at DESC
 LIMIT 1
"""
SEE = "SELECT name FROM document WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s"
ADD = """
INSERT INTO review (tenant_id, id, document_id, content_hash, decision, overruled, reason,
                    decided_by, decided_at)
VALUES (%(tenant_id)s, %(id)s, %(document_id)s, %(content_hash)s, %(decision)s, '{}', %(reason)s,
        %(by)s, %(now)s)
"""
LIST = """
SELECT id, document_id, decision, overruled, reason, decided_by, decided_at
  FROM review
 WHERE tenant_id = %(tenant_id)s AND document_id = %(document_id)s
 ORDER BY decided_at DESC, id DESC
"""
HELD = """
SELECT revision.document_id, revision.state, document.problem,
       string_agg(verdict.reason, ' ' ORDER BY check_name)
  FROM revision
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
  LEFT JOIN verdict ON verdict.tenant_id = revision.tenant_id
                   AND verdict.revision_id = revision.id AND outcome = 'quarantined'
 WHERE revision.tenant_id = %(tenant_id)s AND revision.document_id = ANY (%(ids)s)
   AND revision.state IN ('quarantined', 'rejected')
 GROUP BY revision.document_id, revision.state, document.problem
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A person's decision about one content of a document."""

    id: uuid.UUID
    document_id: uuid.UUID
    decision: str  # release, reject
    overruled: list[str]  # the checks that had kept it back
    reason: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revision:
    id: uuid.UUID
    content_hash: bytes
    state: str


async def decide(
    conn: Connection,
    *,
    tenant_id: int,
    document_id: uuid.UUID,
    decision: str,
    reason: str,
    by: str,
) -> uuid.UUID | None:
    """Release a content that was kept back, or reject it; it is recorded who, when and why.

    Returns: the revision that is to be ingested, when it was released.

    Raises:
        Invalid: the decision is neither, or its reason is too long.
        Missing: there is no such document that this person may see.
        Refused: he is neither its owner nor a reviewer of its corpus.
        Conflict: nothing of it waits for a decision.
    """
    if decision not in {RELEASE, REJECT}:
        raise Invalid(f"A decision is {RELEASE!r} or {REJECT!r}.")
    if len(reason) > LONGEST_REASON or "\0" in reason:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.")
    asked = {"tenant_id": tenant_id, "document_id": document_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        if await (await cursor.execute(SEE, asked)).fetchone() is None:
            raise Missing(f"There is no document {document_id} that you may see.")
    async with conn.cursor(row_factory=class_row(_Revision)) as cursor:
        revision = await (await cursor.execute(FIND, asked)).fetchone()
    if revision is None or (decision == REJECT and revision.state == "rejected"):
        raise Conflict("Nothing of this document waits for a decision.")
    given = {
        "id": new_id(),
        "content_hash": revision.content_hash,
        "decision": decision,
        "reason": reason,
        "by": by,
        "now": now(),
    }
    try:
        await conn.execute(ADD, asked | given)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            "Only the owner of a document, or a reviewer that the policy of its corpus names, "
            "may decide about it."
        ) from error
    except (
        psycopg.errors.ObjectNotInPrerequisiteState
    ) as error:  # the trigger's: somebody was first
        raise Conflict("Somebody else has decided about this document meanwhile.") from error
    return revision.id if decision == RELEASE else None


async def list_reviews(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> list[Review]:
    """List what was decided about a document, the newest first."""
    asked = {"tenant_id": tenant_id, "document_id": document_id}
    async with conn.cursor(row_factory=class_row(Review)) as cursor:
        return await (await cursor.execute(LIST, asked)).fetchall()


async def held_back(
    conn: Connection, document_ids: list[uuid.UUID], *, tenant_id: int
) -> dict[uuid.UUID, str]:
    """Tell which of these documents have a content that is kept back, and why."""
    rows = await conn.execute(HELD, {"tenant_id": tenant_id, "ids": document_ids})
    return {
        found: (reasons if state == QUARANTINED else problem) or ""
        for found, state, problem, reasons in await rows.fetchall()
    }
