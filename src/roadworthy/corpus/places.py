"""Where the vectors of a tenant are kept: beside those of all others, or in a partition of its own.

Reads look at both places while rows move from one to the other. What is written goes to one, which
does not change under a transaction that has asked for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Busy
from roadworthy.corpus.space_lock import keep_all_spaces
from roadworthy.plumbing.database import Connection, ReadConnection, WorkerConnection

SHARED = 0  # a place of one's own has the number of the tenant
# Passages that an exact scan compares within some milliseconds; beyond, an index is worth while.
EXACT_MOST = 20_000
ROWS_AT_ONCE = 500
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
ENTER = """
INSERT INTO embedding_place (tenant_id, state, indexed, changed_at)
SELECT %(tenant_id)s, 'filling', '{}', %(now)s
 WHERE to_regclass(%(partition)s) IS NOT NULL
ON CONFLICT (tenant_id) DO NOTHING
"""
TURN = """
UPDATE embedding_place SET state = %(state)s, indexed = '{}', changed_at = %(now)s
 WHERE tenant_id = %(tenant_id)s AND state = %(before)s
"""
LEAVE = """
DELETE FROM embedding_place
 WHERE tenant_id = %(tenant_id)s AND state = 'returning'
   AND NOT EXISTS (SELECT FROM embedding
                    WHERE tenant_id = %(tenant_id)s AND place = %(tenant_id)s)
"""
NOTE_INDEXED = """
UPDATE embedding_place SET indexed = %(indexed)s
 WHERE tenant_id = %(tenant_id)s AND state = 'own' AND indexed <> %(indexed)s::integer[]
"""
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
NEXT_ROWS = """
SELECT max(passage_id), array_agg(DISTINCT document_id)
  FROM (SELECT passage_id, document_id
          FROM embedding
         WHERE tenant_id = %(tenant_id)s AND place = %(place)s AND passage_id > %(after)s
         ORDER BY passage_id
         LIMIT %(limit)s) AS next
"""
# Whoever writes rows of a document has locked it: what others work on is left for the next round.
LOCK_DOCUMENTS = """
SELECT id
  FROM document
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(documents)s)
 ORDER BY id
   FOR UPDATE SKIP LOCKED
"""
MOVE = """
UPDATE embedding SET place = %(to)s
 WHERE tenant_id = %(tenant_id)s AND place = %(place)s
   AND passage_id > %(after)s AND passage_id <= %(last)s AND document_id = ANY (%(locked)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPlace:
    """What is known of a tenant that has a partition of its own, or is on the way there or back."""

    tenant_id: int
    state: State  # filling: rows move there; returning: they move back
    indexed: Sequence[int]  # the spaces that have an index there; none unless the state is "own"
    changed_at: datetime  # the state


def partition_of(tenant_id: int) -> str:
    """Name a tenant's partition of table `embedding`."""
    return f"embedding_of_{tenant_id}"


def index_of(tenant_id: int, space_id: int) -> str:
    """Name the index of a space in a tenant's partition."""
    return f"{partition_of(tenant_id)}_space_{space_id}"


async def keep_place(conn: WorkerConnection, *, tenant_id: int) -> int:
    """Tell where new vectors of a tenant go, and have that hold for the rest of the transaction."""
    await conn.execute(KEEP, {"tenant_id": tenant_id})  # by itself: only what is read after holds
    found = await find_place(conn, tenant_id=tenant_id)
    return SHARED if found is None or found.state == "returning" else tenant_id


async def find_place(conn: ReadConnection | WorkerConnection, *, tenant_id: int) -> OwnPlace | None:
    """Look a tenant's own place up; None when it has none."""
    async with conn.cursor(row_factory=class_row(OwnPlace)) as cursor:
        return await (await cursor.execute(FIND, {"tenant_id": tenant_id})).fetchone()


async def enter_place(conn: WorkerConnection, *, tenant_id: int) -> OwnPlace:
    """Have a tenant's new vectors go to its partition, when nobody writes to the shared one.

    Raises:
        Busy: there is no partition, or another process has entered it.
    """
    return await _change(conn, ENTER, tenant_id=tenant_id, state="filling")


async def turn_place(
    conn: WorkerConnection, *, tenant_id: int, before: State, state: State
) -> OwnPlace:
    """Change the state of a place, when nobody who has asked for it is still writing.

    Raises:
        Busy: another process has changed it from what it was.
    """
    return await _change(conn, TURN, tenant_id=tenant_id, state=state, before=before)


async def leave_place(conn: WorkerConnection, *, tenant_id: int) -> None:
    """Note that a tenant has no place of its own any more.

    Raises:
        Busy: something is there, or another process has changed the state.
    """
    await _change(conn, LEAVE, tenant_id=tenant_id, state="returning")


async def _change(
    conn: WorkerConnection,
    query: LiteralString,
    *,
    tenant_id: int,
    state: State,
    before: State | None = None,
) -> OwnPlace:
    await conn.execute(CHANGE, {"tenant_id": tenant_id})  # by itself, as above
    place = OwnPlace(tenant_id=tenant_id, state=state, indexed=(), changed_at=now())
    asked = {"tenant_id": tenant_id, "state": state, "before": before, "now": place.changed_at}
    changed = await conn.execute(query, asked | {"partition": partition_of(tenant_id)})
    if not changed.rowcount:
        raise Busy("Another process moves these vectors.", tenant=tenant_id)
    return place


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
    conn: WorkerConnection, *, tenant_id: int, place: int, to: int, after: int
) -> int | None:
    """Move some vectors, in the order of their passages, while nobody writes their documents.

    Returns: the last of these passages; None when there is none after `after`.

    Raises:
        Busy: new vectors do not go there (any more): another process moves them.
    """
    await keep_all_spaces(conn, tenant_id=tenant_id)
    if await keep_place(conn, tenant_id=tenant_id) != to:
        raise Busy("Another process moves these vectors.", tenant=tenant_id)
    asked = {"tenant_id": tenant_id, "place": place, "after": after, "limit": ROWS_AT_ONCE}
    [(last, documents)] = await (await conn.execute(NEXT_ROWS, asked)).fetchall()
    if last is None:
        return None
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(LOCK_DOCUMENTS, {"tenant_id": tenant_id, "documents": documents})
        locked = await cursor.fetchall()
    await conn.execute(MOVE, asked | {"to": to, "last": last, "locked": locked})
    return last


async def _number(conn: Connection, query: LiteralString, asked: Mapping[str, int]) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [number] = await (await cursor.execute(query, asked)).fetchall()
        return number
