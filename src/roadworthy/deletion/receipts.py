"""Receipts of deletions: ids and counts, no text, no names; kept when all else is gone."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import Connection

OPERATOR = "operator"
DOCUMENT, DOCUMENTS_OF, PERSON = "document", "documents of a person", "person"
CORPUS, TENANT = "corpus", "tenant"

ADD = """
INSERT INTO deletion_receipt (tenant_id, id, scope, subject, requested_by, requested_at, documents,
                              attachments, stores)
VALUES (%(tenant_id)s, %(id)s, %(scope)s, %(subject)s, %(by)s, %(now)s, %(documents)s,
        %(attachments)s, '[]')
"""
DESCRIBE = """
SELECT tenant_id, id, scope, subject, requested_by, requested_at, documents, attachments, stores,
       erased_at, finished_at
  FROM deletion_receipt
"""
FIND = DESCRIBE + " WHERE tenant_id = %(tenant_id)s AND id = %(id)s"
FIND_ANYWHERE = DESCRIBE + " WHERE id = %(id)s"
FIND_OPEN = (
    DESCRIBE
    + """
 WHERE tenant_id = %(tenant_id)s AND scope = %(scope)s AND subject = %(subject)s
   AND finished_at IS NULL
"""
)
LIST = (
    DESCRIBE
    + """
 WHERE (%(tenant_id)s::integer IS NULL OR tenant_id = %(tenant_id)s)
   AND (%(before)s::uuid IS NULL OR id < %(before)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
)
LIST_OPEN = (
    DESCRIBE
    + """
 WHERE finished_at IS NULL AND requested_at < %(before)s
 ORDER BY requested_at, id
 LIMIT %(limit)s
"""
)
LOCK = FIND + " FOR UPDATE"
CHANGE = """
UPDATE deletion_receipt
   SET documents = %(documents)s, stores = %(stores)s, erased_at = %(erased_at)s,
       finished_at = %(finished_at)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
# What is open within a deletion that has ended: nothing is left of it either.
FINISH_WITHIN = """
UPDATE deletion_receipt SET erased_at = coalesce(erased_at, %(now)s), finished_at = %(now)s
 WHERE tenant_id = %(tenant_id)s AND id <> %(id)s AND finished_at IS NULL
   AND (%(scope)s = 'tenant'
        OR %(scope)s = 'person' AND scope = 'documents of a person' AND subject = %(subject)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one store has forgotten."""

    store: str
    count: int  # rows
    erased_at: datetime  # the last of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A deletion, finished or under way."""

    id: uuid.UUID
    scope: str  # document, documents of a person, person, corpus, tenant
    subject: str  # the id; of a person the pseudonym that traces have
    requested_by: str
    requested_at: datetime
    documents: int
    attachments: Sequence[uuid.UUID]  # of the one document: what came in it, and went with it
    stores: Sequence[Erased]
    erased_at: datetime | None  # every row is gone
    finished_at: datetime | None  # and no process tells or keeps what it had read before

    @property
    def document_ids(self) -> list[uuid.UUID]:
        """Name the one document and what came in it; none where it is about more than one."""
        return [uuid.UUID(self.subject), *self.attachments] if self.scope == DOCUMENT else []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    tenant_id: int
    id: uuid.UUID
    scope: str
    subject: str
    requested_by: str
    requested_at: datetime
    documents: int
    attachments: list[uuid.UUID]
    stores: list[dict[str, str | int]]
    erased_at: datetime | None
    finished_at: datetime | None


STORES = TypeAdapter(list[Erased])


async def begin_receipt(
    conn: Connection,
    *,
    tenant_id: int,
    scope: str,
    subject: str,
    by: str,
    documents: int = 0,
    attachments: Sequence[uuid.UUID] = (),
) -> uuid.UUID:
    """Note a deletion in the transaction that begins it."""
    receipt_id = new_id()
    await conn.execute(
        ADD,
        {
            "tenant_id": tenant_id,
            "id": receipt_id,
            "scope": scope,
            "subject": subject,
            "by": by,
            "now": now(),
            "documents": documents,
            "attachments": list(attachments),
        },
    )
    return receipt_id


async def open_receipt(
    conn: Connection, *, tenant_id: int, scope: str, subject: str
) -> Receipt | None:
    """Find the deletion of this subject that is under way."""
    asked = {"tenant_id": tenant_id, "scope": scope, "subject": subject}
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        row = await (await cursor.execute(FIND_OPEN, asked)).fetchone()
    return _receipt(row) if row else None


async def find_receipt(conn: Connection, *, tenant_id: int, receipt_id: uuid.UUID) -> Receipt:
    """Look a receipt up.

    Raises:
        Missing: there is none that this person may see.
    """
    return _receipt(await _row(conn, FIND, {"tenant_id": tenant_id, "id": receipt_id}))


async def find_receipt_anywhere(conn: Connection, receipt_id: uuid.UUID) -> tuple[int, Receipt]:
    """Look a receipt up for the operator, with its tenant, which may be gone; raises as above."""
    row = await _row(conn, FIND_ANYWHERE, {"id": receipt_id})
    return row.tenant_id, _receipt(row)


async def list_receipts(
    conn: Connection, *, tenant_id: int | None, before: uuid.UUID | None = None, limit: int = 50
) -> list[Receipt]:
    """List receipts, the newest first; for the operator those of every tenant, the gone too."""
    asked = {"tenant_id": tenant_id, "before": before, "limit": limit}
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        return [_receipt(row) for row in await (await cursor.execute(LIST, asked)).fetchall()]


async def list_open_receipts(
    conn: Connection, *, before: datetime, limit: int
) -> list[tuple[int, Receipt]]:
    """List the deletions of every tenant, each with it, asked for before and not finished."""
    asked = {"before": before, "limit": limit}
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        rows = await (await cursor.execute(LIST_OPEN, asked)).fetchall()
    return [(row.tenant_id, _receipt(row)) for row in rows]


async def note(
    conn: Connection,
    *,
    tenant_id: int,
    receipt_id: uuid.UUID,
    erased: Mapping[str, int] | None = None,
    more_documents: int = 0,
    is_erased: bool = False,
    is_finished: bool = False,
) -> Receipt:
    """Add to a receipt what this transaction does, and give it as it is now.

    The receipt is locked: of two that work on one deletion the second waits.

    Raises:
        Missing: there is none that this person may see.
    """
    asked = {"tenant_id": tenant_id, "id": receipt_id}
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        row = await (await cursor.execute(LOCK, asked)).fetchone()
    if row is None:  # a finished one cannot be changed, nor locked for it
        return _receipt(await _row(conn, FIND, asked))
    stores = {each.store: each for each in STORES.validate_python(row.stores)}
    for store, count in (erased or {}).items():
        before = stores[store].count if store in stores else 0
        stores[store] = Erased(store=store, count=before + count, erased_at=now())
    changed = {
        "documents": row.documents + more_documents,
        "stores": Jsonb(STORES.dump_python(list(stores.values()), mode="json")),
        "erased_at": row.erased_at or (now() if is_erased or is_finished else None),
        "finished_at": now() if is_finished else None,
    }
    await conn.execute(CHANGE, asked | changed)
    return _receipt(await _row(conn, FIND, asked))


async def finish_within(conn: Connection, *, tenant_id: int, receipt: Receipt) -> None:
    """Finish the deletions that were begun of a part of what this one has erased."""
    asked = {"tenant_id": tenant_id, "id": receipt.id, "scope": receipt.scope}
    await conn.execute(FINISH_WITHIN, asked | {"subject": receipt.subject, "now": now()})


async def _row(conn: Connection, query: LiteralString, asked: Mapping[str, object]) -> _Row:
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        row = await (await cursor.execute(query, asked)).fetchone()
    if row is None:
        raise Missing(f"There is no deletion {asked['id']} that you may see.")
    return row


def _receipt(row: _Row) -> Receipt:
    return Receipt(
        id=row.id,
        scope=row.scope,
        subject=row.subject,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        documents=row.documents,
        attachments=row.attachments,
        stores=STORES.validate_python(row.stores),
        erased_at=row.erased_at,
        finished_at=row.finished_at,
    )
