"""Rows of merged postings: taken away and written anew, by one at a time in a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from roadworthy.corpus.postings import Postings, pack
from roadworthy.plumbing.database import WorkerConnection

# Bounded work, beside which more goes on than usual.
TAKE_TIME = (
    "SELECT set_config('statement_timeout', '1min', true), set_config('lock_timeout', '30s', true)"
)
LOCK = "SELECT pg_advisory_xact_lock(hashtext('roadworthy postings'), %(tenant_id)s)"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('roadworthy postings'), %(tenant_id)s)"
TAKE = """
DELETE FROM posting_segment AS segment
 USING unnest(%(corpus_ids)s::integer[], %(acl_ids)s::integer[], %(terms)s::text[],
              %(first_ids)s::integer[]) AS taken (corpus_id, acl_id, term, first_id)
 WHERE segment.tenant_id = %(tenant_id)s AND segment.corpus_id = taken.corpus_id
   AND segment.acl_id = taken.acl_id AND segment.term = taken.term
   AND segment.first_id = taken.first_id
RETURNING segment.corpus_id, segment.acl_id, segment.term, segment.packed
"""
ADD = """
INSERT INTO posting_segment (tenant_id, corpus_id, acl_id, term, first_id, last_id, packed)
SELECT %(tenant_id)s, piece.*
  FROM unnest(%(corpus_ids)s::integer[], %(acl_ids)s::integer[], %(terms)s::text[],
              %(first_ids)s::integer[], %(last_ids)s::integer[], %(packed)s::bytea[]) AS piece
"""

FIND_WAITING = "SELECT unmerged_since, uncleared_since FROM oldest_postings()"

Key = tuple[int, int, str]  # corpus, class, term


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A row of postings to write."""

    key: Key
    postings: Postings  # at least one; ids ascend


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Since when the oldest postings wait, of all tenants; None: none do."""

    unmerged_since: datetime | None
    uncleared_since: datetime | None  # though nobody may find them any more


async def find_waiting(conn: WorkerConnection) -> Waiting:
    """Say what waits for the worker that merges and clears."""
    async with conn.cursor(row_factory=class_row(Waiting)) as cursor:
        [waiting] = await (await cursor.execute(FIND_WAITING)).fetchall()
        return waiting


async def wait_for_turn(conn: WorkerConnection, *, tenant_id: int) -> None:
    """Let nobody else change the segments of a tenant until the caller's transaction ends.

    Raises:
        psycopg.errors.LockNotAvailable: another's turn takes half a minute.
    """
    await conn.execute(TAKE_TIME)
    await conn.execute(LOCK, {"tenant_id": tenant_id})


async def take_turn(conn: WorkerConnection, *, tenant_id: int) -> bool:
    """Do the same without waiting; False: it is another's turn."""
    await conn.execute(TAKE_TIME)
    locked = await conn.execute(TRY_LOCK, {"tenant_id": tenant_id})
    return (await locked.fetchone()) == (True,)


async def take_segments(
    conn: WorkerConnection, named: Sequence[tuple[Key, int]], *, tenant_id: int
) -> list[tuple[Key, bytes]]:
    """Take rows away, each named by its key and its first id; gives what was in them."""
    asked = columns([key for key, _ in named]) | {"first_ids": [first_id for _, first_id in named]}
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(TAKE, asked | {"tenant_id": tenant_id})
        found = await cursor.fetchall()
    return [((corpus_id, acl_id, term), packed) for corpus_id, acl_id, term, packed in found]


async def add_segments(
    conn: WorkerConnection, segments: Sequence[Segment], *, tenant_id: int
) -> None:
    """Write rows of postings."""
    asked = columns([segment.key for segment in segments]) | {
        "first_ids": [int(segment.postings.passage_ids[0]) for segment in segments],
        "last_ids": [int(segment.postings.passage_ids[-1]) for segment in segments],
        "packed": [pack(segment.postings) for segment in segments],
    }
    await conn.execute(ADD, asked | {"tenant_id": tenant_id})


def columns(keys: Sequence[Key]) -> dict[str, list[object]]:
    """Say keys to SQL."""
    return {
        "corpus_ids": [corpus_id for corpus_id, _, _ in keys],
        "acl_ids": [acl_id for _, acl_id, _ in keys],
        "terms": [term for _, _, term in keys],
    }
