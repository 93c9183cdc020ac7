"""Where the vectors of a tenant are kept: beside those of all others, or in a partition of its own.

Reads look at both places while rows move from one to the other. What is written goes to one, which
does not change under a transaction that has asked for it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.corpus.space_lock import keep_all_spaces
from roadworthy.plumbing.database import Connection, ReadConnection, WorkerConnection

SHARED = 0  # a place of one's own has the number of the tenant
# Passages that an exact scan compares within some milliseconds; beyond, an index is worth while.
EXACT_MOST = 20_000
DOCUMENTS_AT_ONCE = 10
State = Literal["filling", "own", "returning"]

KEEP = """
SELECT pg_advisory_xact_lock_shared(hashtext('roadworthy places'), %(tenant_id)s)
"""
CHANGE = """
SELECT pg_advisory_xact_lock(hashtext('roadworthy places'), %(tenant_id)s)
"""
FIND = """
SELECT tenant_id, state, indexed, changed_at
  FROM embedding_place
 WHERE tenant_id = %(tenant_id)s
"""
PUT = """
INSERT INTO embedding_place (tenant_id, state, indexed, changed_at)
VALUES (%(tenant_id)s, %(state)s, '{}', %(now)s)
ON CONFLICT (tenant_id) DO UPDATE
   SET state = excluded.state, indexed = excluded.indexed, changed_at = excluded.changed_at
"""
NOTE_INDEXED = """
UPDATE embedding_place SET indexed = %(indexed)s
 WHERE tenant_id = %(tenant_id)s AND indexed <> %(indexed)s::integer[]
"""
LEAVE = "DELETE FROM embedding_place WHERE tenant_id = %(tenant_id)s"
COUNT_PASSAGES = """
SELECT coalesce(sum(passages), 0)::bigint FROM passage_count WHERE tenant_id = %(tenant_id)s
"""
HAS_MORE = """
SELECT EXISTS (SELECT FROM embedding
                WHERE tenant_id = %(tenant_id)s AND place = %(place)s AND space_id = %(space_id)s
               OFFSET %(count)s)
"""
IS_EMPTY = """
SELECT NOT EXISTS (SELECT FROM embedding WHERE tenant_id = %(tenant_id)s AND place = %(place)s)
"""
# Whoever writes rows of a document has locked it: what others work on is left for the next round.
LOCK_DOCUMENTS = """
SELECT id
  FROM document
 WHERE tenant_id = %(tenant_id)s AND id > %(after)s
 ORDER BY id
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""
MOVE = """
UPDATE embedding SET place = %(to)s
 WHERE tenant_id = %(tenant_id)s AND place = %(place)s
   AND passage_id IN (SELECT id
                        FROM passage
                       WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s))
"""
TAKE_TIME = "SET LOCAL statement_timeout = '10min'"  # for documents of many thousand passages


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPlace:
    """What is known of a tenant that has a partition of its own, or is on the way there or back."""

    tenant_id: int
    state: State  # filling: rows move there; returning: they move back
    indexed: Sequence[int]  # the spaces that have an index there; none unless the state is "own"
    changed_at: datetime  # the state

    @property
    def is_settled(self) -> bool:
        """Say whether all of its vectors are there, and an index."""
        return self.state == "own" and bool(self.indexed)


async def keep_place(conn: WorkerConnection, *, tenant_id: int) -> int:
    """Tell where new vectors of a tenant go, and have that hold for the rest of the transaction."""
    await conn.execute(KEEP, {"tenant_id": tenant_id})  # by itself: only what is read after holds
    found = await find_place(conn, tenant_id=tenant_id)
    return SHARED if found is None or found.state == "returning" else tenant_id


async def find_place(conn: ReadConnection | WorkerConnection, *, tenant_id: int) -> OwnPlace | None:
    """Look a tenant's own place up; None when it has none."""
    async with conn.cursor(row_factory=class_row(OwnPlace)) as cursor:
        return await (await cursor.execute(FIND, {"tenant_id": tenant_id})).fetchone()


async def change_place(conn: WorkerConnection, *, tenant_id: int, state: State) -> OwnPlace:
    """Change where a tenant's new vectors go, when nobody who has asked for it is still writing."""
    await conn.execute(CHANGE, {"tenant_id": tenant_id})
    place = OwnPlace(tenant_id=tenant_id, state=state, indexed=(), changed_at=now())
    await conn.execute(PUT, {"tenant_id": tenant_id, "state": state, "now": place.changed_at})
    return place


async def leave_place(conn: WorkerConnection, *, tenant_id: int) -> None:
    """Note that a tenant has no place of its own any more."""
    await conn.execute(LEAVE, {"tenant_id": tenant_id})


async def note_indexed(conn: WorkerConnection, *, tenant_id: int, indexed: Sequence[int]) -> None:
    """Note which spaces have an index in a tenant's own place."""
    await conn.execute(NOTE_INDEXED, {"tenant_id": tenant_id, "indexed": list(indexed)})


async def count_passages(conn: WorkerConnection, *, tenant_id: int) -> int:
    """Count the passages of a tenant, by its counters."""
    return await _number(conn, COUNT_PASSAGES, {"tenant_id": tenant_id})


async def has_more(conn: WorkerConnection, count: int, *, tenant_id: int, space_id: int) -> bool:
    """Say whether a tenant's own place holds more vectors of a space than so many."""
    asked = {"tenant_id": tenant_id, "place": tenant_id, "space_id": space_id, "count": count}
    return bool(await _number(conn, HAS_MORE, asked))


async def is_empty(conn: WorkerConnection, *, tenant_id: int, place: int) -> bool:
    """Say whether a place holds nothing of a tenant."""
    return bool(await _number(conn, IS_EMPTY, {"tenant_id": tenant_id, "place": place}))


async def move_some(
    conn: WorkerConnection, *, tenant_id: int, place: int, to: int, after: uuid.UUID
) -> uuid.UUID | None:
    """Move the vectors of some documents, in the order of their ids.

    Returns: the last of these documents; None when none comes after `after`.
    """
    await conn.execute(TAKE_TIME)
    await keep_all_spaces(conn, tenant_id=tenant_id)
    asked = {"tenant_id": tenant_id, "after": after, "limit": DOCUMENTS_AT_ONCE}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        ids = await (await cursor.execute(LOCK_DOCUMENTS, asked)).fetchall()
    if not ids:
        return None
    await conn.execute(MOVE, {"tenant_id": tenant_id, "place": place, "to": to, "ids": ids})
    return ids[-1]


async def _number(conn: Connection, query: LiteralString, asked: Mapping[str, int]) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [number] = await (await cursor.execute(query, asked)).fetchall()
        return number
