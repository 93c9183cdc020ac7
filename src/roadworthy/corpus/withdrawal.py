"""Hide many documents at once, and erase them bit by bit.

The first transaction names all documents of a scope in `withdrawn_document`: from its commit on
nobody sees them or works on them (sql/repeatable/retention_documents.sql), and nothing is counted
of them. What comes after may be stopped at any moment and goes on later. All of it is done by who
deletes (`as_worker(deleting=True)`).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg.rows import scalar_row

from roadworthy.core.clock import now
from roadworthy.corpus.counts import count_in_all, count_out_all
from roadworthy.plumbing.database import WorkerConnection

# With attachments, whosever they are.
FAMILY: LiteralString = """
WITH RECURSIVE family AS (
    SELECT id
      FROM document
     WHERE tenant_id = %(tenant_id)s
       AND (%(owner)s::text IS NULL OR owner = %(owner)s)
       AND (%(corpus_id)s::integer IS NULL OR corpus_id = %(corpus_id)s)
    UNION
    SELECT child.id
      FROM document AS child JOIN family ON child.parent_id = family.id
     WHERE child.tenant_id = %(tenant_id)s)
"""
# Locked in one order; the lock orders this against the worker that publishes. What another
# deletion has hidden is erased by this one from now on: the wider of two ends both.
WITHDRAW = (
    FAMILY  # noqa: S608 - two constants
    + """,
chosen AS MATERIALIZED (
    SELECT id, corpus_id
      FROM document
     WHERE tenant_id = %(tenant_id)s AND id IN (SELECT id FROM family)
     ORDER BY id
       FOR UPDATE)
INSERT INTO withdrawn_document (tenant_id, document_id, corpus_id, deletion_id)
SELECT %(tenant_id)s, id, corpus_id, %(deletion_id)s FROM chosen
    ON CONFLICT (tenant_id, document_id) DO UPDATE SET deletion_id = excluded.deletion_id
 WHERE withdrawn_document.deletion_id <> excluded.deletion_id
RETURNING document_id, xmax = 0 AS is_new
"""
)
# An attachment goes with its mail, and is counted with it.
NEXT = """
WITH RECURSIVE family AS (
    (SELECT document_id AS id
       FROM withdrawn_document
      WHERE tenant_id = %(tenant_id)s AND deletion_id = %(deletion_id)s
      ORDER BY document_id
      LIMIT %(limit)s)
    UNION
    SELECT child.id
      FROM document AS child JOIN family ON child.parent_id = family.id
     WHERE child.tenant_id = %(tenant_id)s)
SELECT id FROM family ORDER BY id
"""
LEFT = """
SELECT count(*) FROM withdrawn_document
 WHERE tenant_id = %(tenant_id)s AND deletion_id = %(deletion_id)s
"""
ANY = """
SELECT EXISTS (SELECT FROM withdrawn_document WHERE tenant_id = %(tenant_id)s)
"""
# Whoever hands a document in holds the person in whose name he does, and the corpus, until he
# commits.
LOCK_PEOPLE = """
SELECT FROM principal
 WHERE tenant_id = %(tenant_id)s AND (%(owner)s::text IS NULL OR user_id = %(owner)s)
 ORDER BY user_id
   FOR UPDATE
"""
LOCK_CORPORA = """
SELECT FROM corpus
 WHERE tenant_id = %(tenant_id)s AND (%(corpus_id)s::integer IS NULL OR id = %(corpus_id)s)
 ORDER BY id
   FOR UPDATE
"""
# What was answered while they were hidden knew nothing of them.
SEEN_AGAIN = """
UPDATE document SET reshared_at = %(now)s WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
"""
ERASE = "DELETE FROM document WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)"
HOLD_ON = "SELECT hold_on(%(tenant_id)s, %(ids)s)"
HOLD_WITHIN = (
    FAMILY  # noqa: S608 - two constants
    + """
SELECT coalesce(
    hold_on(%(tenant_id)s, ARRAY(SELECT id FROM family)),
    (SELECT id
       FROM legal_hold
      WHERE tenant_id = %(tenant_id)s AND lifted_at IS NULL
        AND (%(owner)s::text IS NULL AND %(corpus_id)s::integer IS NULL
             OR user_id = %(owner)s OR legal_hold.corpus_id = %(corpus_id)s)
      ORDER BY id
      LIMIT 1))
"""
)
# A mail and what came with it is kept as a whole.
PUT_BACK = """
WITH RECURSIVE kept AS (
    SELECT document.id, document.parent_id
      FROM legal_hold AS hold
      JOIN document ON document.tenant_id = hold.tenant_id
                   AND (document.id = hold.document_id OR document.owner = hold.user_id
                        OR document.corpus_id = hold.corpus_id)
     WHERE hold.tenant_id = %(tenant_id)s AND hold.lifted_at IS NULL
    UNION
    SELECT other.id, other.parent_id
      FROM document AS other
      JOIN kept ON other.id = kept.parent_id OR other.parent_id = kept.id
     WHERE other.tenant_id = %(tenant_id)s)
DELETE FROM withdrawn_document
 WHERE tenant_id = %(tenant_id)s AND deletion_id = %(deletion_id)s
   AND document_id IN (SELECT id FROM kept)
RETURNING document_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Documents of a tenant: those of an owner, those of a corpus, or all."""

    tenant_id: int
    owner: str | None = None
    corpus_id: int | None = None

    @property
    def asked(self) -> dict[str, object]:
        """Say it to SQL."""
        return {
            "tenant_id": self.tenant_id,
            "owner": self.owner,
            "corpus_id": self.corpus_id,
        }


async def hold_within(conn: WorkerConnection, scope: Scope) -> uuid.UUID | None:
    """Find a legal hold on a document of a scope, on its owner or its corpus.

    None comes to be held before the caller's transaction ends.
    """
    await hold_on(conn, tenant_id=scope.tenant_id, document_ids=[])  # one that is being placed
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(HOLD_WITHIN, scope.asked)).fetchone()


async def hold_on(
    conn: WorkerConnection, *, tenant_id: int, document_ids: Sequence[uuid.UUID]
) -> uuid.UUID | None:
    """Find a legal hold that covers one of these documents; promises the same."""
    asked = {"tenant_id": tenant_id, "ids": list(document_ids)}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(HOLD_ON, asked)).fetchone()


async def withdraw(conn: WorkerConnection, scope: Scope, *, deletion_id: uuid.UUID) -> int:
    """Hide all documents of a scope that are not hidden yet; returns how many are to be erased.

    Those that another deletion has hidden count, too, and are this one's from now on.
    """
    asked = scope.asked | {"deletion_id": deletion_id}
    rows = await (await conn.execute(WITHDRAW, asked)).fetchall()
    hidden = [document_id for document_id, is_new in rows if is_new]
    await count_out_all(conn, tenant_id=scope.tenant_id, document_ids=hidden)
    return len(rows)


async def put_back(conn: WorkerConnection, *, tenant_id: int, deletion_id: uuid.UUID) -> int:
    """Let the hidden documents that a legal hold keeps be seen again; returns how many."""
    asked = {"tenant_id": tenant_id, "deletion_id": deletion_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        ids = await (await cursor.execute(PUT_BACK, asked)).fetchall()
    await conn.execute(SEEN_AGAIN, asked | {"ids": ids, "now": now()})
    await count_in_all(conn, tenant_id=tenant_id, document_ids=ids)
    return len(ids)


async def close(conn: WorkerConnection, scope: Scope) -> None:
    """Let nobody hand in anything more, until the caller commits, to what goes as a whole."""
    if scope.corpus_id is None:
        await conn.execute(LOCK_PEOPLE, scope.asked)
    if scope.owner is None:
        await conn.execute(LOCK_CORPORA, scope.asked)


async def next_withdrawn(
    conn: WorkerConnection, *, tenant_id: int, deletion_id: uuid.UUID, limit: int
) -> list[uuid.UUID]:
    """Name some documents that are hidden and not erased yet."""
    asked = {"tenant_id": tenant_id, "deletion_id": deletion_id, "limit": limit}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(NEXT, asked)).fetchall()


async def withdrawn_left(conn: WorkerConnection, *, tenant_id: int, deletion_id: uuid.UUID) -> int:
    """Count the documents that are hidden and not erased yet."""
    asked = {"tenant_id": tenant_id, "deletion_id": deletion_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [left] = await (await cursor.execute(LEFT, asked)).fetchall()
        return left


async def any_withdrawn(conn: WorkerConnection, *, tenant_id: int) -> bool:
    """Say whether any document of a tenant is hidden and not erased yet."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [found] = await (await cursor.execute(ANY, {"tenant_id": tenant_id})).fetchall()
        return found


async def erase_withdrawn(
    conn: WorkerConnection, *, tenant_id: int, document_ids: Sequence[uuid.UUID]
) -> None:
    """Erase hidden documents with all that goes with them; they are out of the counts already."""
    await conn.execute(ERASE, {"tenant_id": tenant_id, "ids": list(document_ids)})
