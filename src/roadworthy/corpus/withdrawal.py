"""Hide many documents at once, and erase them bit by bit.

The first transaction names all documents of a scope in `withdrawn_document`: from its commit on
nobody sees them, nothing is counted of them and no job works on them. What comes after may be
stopped at any moment and goes on later.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import scalar_row

from roadworthy.corpus.counts import count_out_all
from roadworthy.plumbing.database import WorkerConnection

# A scope of many documents takes more than an ordinary statement does.
TAKE_TIME = "SET LOCAL statement_timeout = '10min'"
# With attachments, whosever they are. Locked in one order; the lock orders this against the worker
# that publishes.
WITHDRAW = """
WITH RECURSIVE family AS (
    SELECT id
      FROM document
     WHERE tenant_id = %(tenant_id)s
       AND (%(owner)s::text IS NULL OR owner = %(owner)s)
       AND (%(corpus_id)s::integer IS NULL OR corpus_id = %(corpus_id)s)
    UNION
    SELECT child.id
      FROM document AS child JOIN family ON child.parent_id = family.id
     WHERE child.tenant_id = %(tenant_id)s),
chosen AS MATERIALIZED (
    SELECT id
      FROM document
     WHERE tenant_id = %(tenant_id)s AND id IN (SELECT id FROM family)
       AND NOT EXISTS (SELECT FROM withdrawn_document
                        WHERE withdrawn_document.tenant_id = document.tenant_id
                          AND document_id = document.id)
     ORDER BY id
       FOR UPDATE)
INSERT INTO withdrawn_document (tenant_id, document_id, deletion_id)
SELECT %(tenant_id)s, id, %(deletion_id)s FROM chosen
    ON CONFLICT DO NOTHING
RETURNING document_id
"""
# Whoever works on one finds that the job is no longer his.
END_JOBS = "DELETE FROM job WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)"
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
# Whoever hands a document in holds its corpus until he commits.
LOCK_CORPORA = """
SELECT FROM corpus
 WHERE tenant_id = %(tenant_id)s
   AND (%(corpus_id)s::integer IS NULL OR id = %(corpus_id)s)
 ORDER BY id
   FOR UPDATE
"""
ANY_LEFT = """
SELECT EXISTS (SELECT FROM document
                WHERE tenant_id = %(tenant_id)s
                  AND (%(owner)s::text IS NULL OR owner = %(owner)s)
                  AND (%(corpus_id)s::integer IS NULL OR corpus_id = %(corpus_id)s))
"""
ERASE = "DELETE FROM document WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)"
FIND_HOLD = """
SELECT hold.id
  FROM legal_hold AS hold
 WHERE hold.tenant_id = %(tenant_id)s AND hold.lifted_at IS NULL
   AND (%(owner)s::text IS NULL AND %(corpus_id)s::integer IS NULL
        OR hold.user_id = %(owner)s OR hold.corpus_id = %(corpus_id)s
        OR EXISTS (SELECT FROM withdrawn_document
                          JOIN document ON document.tenant_id = withdrawn_document.tenant_id
                                       AND document.id = withdrawn_document.document_id
                    WHERE withdrawn_document.tenant_id = hold.tenant_id
                      AND deletion_id = %(deletion_id)s
                      AND (document.id = hold.document_id OR document.owner = hold.user_id
                           OR document.corpus_id = hold.corpus_id)))
 ORDER BY hold.id
 LIMIT 1
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


async def hold_within(
    conn: WorkerConnection, scope: Scope, *, deletion_id: uuid.UUID
) -> uuid.UUID | None:
    """Find the first legal hold on a hidden document of this deletion, its owner or its corpus."""
    asked = scope.asked | {"deletion_id": deletion_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(FIND_HOLD, asked)).fetchone()


async def withdraw(
    conn: WorkerConnection, scope: Scope, *, deletion_id: uuid.UUID
) -> tuple[int, int]:
    """Hide all documents of a scope that are not hidden yet, and end the work on them.

    Returns: how many documents, and how many jobs were erased.
    """
    await conn.execute(TAKE_TIME)
    async with conn.cursor(row_factory=scalar_row) as cursor:
        asked = scope.asked | {"deletion_id": deletion_id}
        ids = await (await cursor.execute(WITHDRAW, asked)).fetchall()
    await count_out_all(conn, tenant_id=scope.tenant_id, document_ids=ids)
    jobs = await conn.execute(END_JOBS, {"tenant_id": scope.tenant_id, "ids": ids})
    return len(ids), jobs.rowcount


async def close(conn: WorkerConnection, scope: Scope) -> None:
    """Let nobody hand in documents to corpora that go as a whole, until the caller commits."""
    if scope.owner is None:
        await conn.execute(LOCK_CORPORA, scope.asked)


async def any_left(conn: WorkerConnection, scope: Scope) -> bool:
    """Tell whether a scope has documents, hidden ones too."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [left] = await (await cursor.execute(ANY_LEFT, scope.asked)).fetchall()
        return left


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


async def erase_withdrawn(
    conn: WorkerConnection, *, tenant_id: int, document_ids: Sequence[uuid.UUID]
) -> None:
    """Erase hidden documents with all that goes with them; they are out of the counts already."""
    await conn.execute(ERASE, {"tenant_id": tenant_id, "ids": list(document_ids)})
