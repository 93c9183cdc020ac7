"""What the owner of a document may do with it: share it anew, delete it."""

import asyncio
import uuid
from typing import LiteralString

import psycopg
from psycopg.rows import scalar_row

from roadworthy.core.errors import Conflict, Missing, Refused
from roadworthy.corpus.access import Access, ensure_acl
from roadworthy.corpus.attached import lock_attached
from roadworthy.corpus.counts import count_in, count_out, count_out_all, lock_counts
from roadworthy.corpus.postings import unpack_revision
from roadworthy.corpus.publishing import ADD_POSTINGS
from roadworthy.plumbing.database import Connection

LOCK_DOCUMENT = """
SELECT owner FROM document WHERE tenant_id = %(tenant_id)s AND id = %(id)s FOR UPDATE
"""
SEE_DOCUMENT = """
SELECT owner, parent_id FROM document WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
RESHARE: tuple[LiteralString, ...] = (
    "UPDATE posting SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s",
    # Vectors have no index by document.
    "UPDATE embedding SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND passage_id IN ("
    "SELECT id FROM passage WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s)",
    "UPDATE passage SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s",
    "UPDATE revision SET acl_id = %(acl_id)s"
    " WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s",
    "UPDATE document SET acl_id = %(acl_id)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
)
# Out of the segments of its class, which is told of it by a trigger.
TAKE_MERGED = """
DELETE FROM merged_revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s
RETURNING revision_id, corpus_id, packed
"""
# Locked in one order, as every change of many documents does.
FAMILY = """
WITH RECURSIVE family AS (
    SELECT %(id)s::uuid AS id
    UNION
    SELECT child.id
      FROM document AS child JOIN family ON child.parent_id = family.id
     WHERE child.tenant_id = %(tenant_id)s)
SELECT id
  FROM document
 WHERE tenant_id = %(tenant_id)s AND id IN (SELECT id FROM family)
 ORDER BY id
   FOR UPDATE
"""
DELETE = "DELETE FROM document WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)"


async def reshare(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, wanted: Access, by: str | None
) -> None:
    """Change who may read a document and what is attached to it, from the next transaction on.

    Raises:
        Missing: there is no such document that this person may see.
        Refused: he is not its owner, or would not be able to read it any more.
        Conflict: the same content is stored for these readers under another name, or it is
            attached to another document.
    """
    await own(conn, tenant_id=tenant_id, document_id=document_id, by=by)
    acl_id = await ensure_acl(conn, wanted, tenant_id=tenant_id)
    await move(conn, tenant_id=tenant_id, document_id=document_id, acl_id=acl_id)


async def delete(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, by: str | None
) -> None:
    """Delete a document and its attachments, with all that was made of them, without a receipt.

    What people ask for goes through the room `deletion`, which gives one.

    Raises:
        Missing: there is no such document that this person may see.
        Refused: he is not its owner.
        Conflict: it is attached to another document.
    """
    await own(conn, tenant_id=tenant_id, document_id=document_id, by=by)
    ids = await family(conn, tenant_id=tenant_id, document_id=document_id)
    await count_out_all(conn, tenant_id=tenant_id, document_ids=ids)
    await conn.execute(DELETE, {"tenant_id": tenant_id, "ids": ids})


async def move(conn: Connection, *, tenant_id: int, document_id: uuid.UUID, acl_id: int) -> None:
    """Give a document that the caller has locked, with all that comes from it, to another class.

    What is attached to it goes with it.

    Raises:
        Refused: its owner would not be able to read it any more.
        Conflict: the same content is stored for these readers under another name.
    """
    attached = await lock_attached(conn, tenant_id=tenant_id, document_id=document_id)
    for each in (document_id, *attached):
        await _move_one(conn, tenant_id=tenant_id, document_id=each, acl_id=acl_id)


async def _move_one(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, acl_id: int
) -> None:
    asked = {"tenant_id": tenant_id, "id": document_id, "acl_id": acl_id}
    await lock_counts(conn, tenant_id=tenant_id, document_id=document_id, acl_id=acl_id)
    await count_out(conn, tenant_id=tenant_id, document_id=document_id)
    try:
        for statement in RESHARE:
            await conn.execute(statement, asked)
        await _write_anew(conn, tenant_id=tenant_id, document_id=document_id, acl_id=acl_id)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            "You would not be able to read it any more; keep yourself among its readers."
        ) from error
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "The same content is stored for these readers under another name."
        ) from error
    await count_in(conn, tenant_id=tenant_id, document_id=document_id)


async def _write_anew(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, acl_id: int
) -> None:
    """Give postings that are merged in the segments of one class to another, as unmerged ones."""
    asked = {"tenant_id": tenant_id, "id": document_id}
    async with conn.cursor(binary=True) as cursor:
        taken = await (await cursor.execute(TAKE_MERGED, asked)).fetchall()
    for revision_id, corpus_id, packed in taken:
        rows = await asyncio.to_thread(unpack_revision, packed)
        shared = {
            "tenant_id": tenant_id,
            "document_id": document_id,
            "revision_id": revision_id,
            "corpus_id": corpus_id,
            "acl_id": acl_id,
        }
        columns = {"terms": list(rows), "packed": list(rows.values())}
        await conn.execute(ADD_POSTINGS, shared | columns)


async def own(conn: Connection, *, tenant_id: int, document_id: uuid.UUID, by: str | None) -> None:
    """Lock a document for a change by its owner, or by the operator.

    Raises:
        Missing: there is no such document that this person may see.
        Refused: he is not its owner.
        Conflict: it is attached to another document.
    """
    asked = {"tenant_id": tenant_id, "id": document_id}
    seen = await (await conn.execute(SEE_DOCUMENT, asked)).fetchone()
    if seen is None:
        raise Missing(f"There is no document {document_id} that you may see.")
    owner, parent_id = seen
    if by is not None and owner != by:
        raise Refused("Only its owner may change or delete a document.")
    if parent_id is not None:
        raise Conflict(
            f"It came attached to document {parent_id}, and is changed and deleted with that one.",
            parent=str(parent_id),
        )
    # The lock orders this change against the worker that publishes.
    await conn.execute(LOCK_DOCUMENT, asked)


async def family(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> list[uuid.UUID]:
    """Lock a document that the caller owns, and what came in it at any depth; gives the ids.

    Raises:
        Missing: it was deleted meanwhile.
    """
    asked = {"tenant_id": tenant_id, "id": document_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        ids = await (await cursor.execute(FAMILY, asked)).fetchall()
    if document_id not in ids:
        raise Missing(f"There is no document {document_id} that you may see.")
    return ids
