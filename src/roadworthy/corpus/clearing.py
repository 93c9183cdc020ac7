"""Take out of the segments what nobody may find any more, and what was deleted for good.

A transaction takes some terms of some revisions; what it leaves of a revision is noted in its row
of `posting_gone`, and the next goes on from there.
"""

import asyncio
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import class_row

from roadworthy.corpus.postings import (
    BYTES_EACH,
    decode_ids,
    decode_postings,
    pack_revision,
    unpack_revision,
)
from roadworthy.corpus.segments import (
    Key,
    Segment,
    add_segments,
    columns,
    take_segments,
    wait_for_turn,
)
from roadworthy.plumbing.database import Database, WorkerConnection

# Of one transaction, which takes a revision, a term of it, and the segments of that in any case.
MOST_REVISIONS = 200
MOST_POSTINGS = 20_000
MOST_TERMS = 10_000
MOST_BYTES = 16 * 2**20  # of segments, about a second
TURN_S = 30.0

FIND_GONE: LiteralString = """
SELECT id, corpus_id, acl_id, passages, packed
  FROM (SELECT id, corpus_id, acl_id, passages, packed,
               sum(postings) OVER (ORDER BY id) - postings AS before
          FROM posting_gone
         WHERE tenant_id = %(tenant_id)s AND {which}
         ORDER BY id
         LIMIT %(most_revisions)s) AS gone
 WHERE before < %(most_postings)s
 ORDER BY id
"""
EVERY, OF_DOCUMENTS = "true", "document_id = ANY (%(document_ids)s)"
OF_DELETED = """
NOT EXISTS (SELECT FROM document WHERE document.tenant_id = posting_gone.tenant_id
                                   AND document.id = posting_gone.document_id)
"""
# Whoever deletes the corpus waits for what is written to it, or is waited for.
KEEP_CORPORA = """
SELECT id FROM corpus
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(corpus_ids)s)
 ORDER BY id
   FOR KEY SHARE
"""
FIND_SEGMENTS = """
SELECT DISTINCT segment.corpus_id, segment.acl_id, segment.term, segment.first_id,
       octet_length(segment.packed) AS size
  FROM unnest(%(corpus_ids)s::integer[], %(acl_ids)s::integer[], %(terms)s::text[],
              %(lows)s::integer[], %(highs)s::integer[])
       AS gone (corpus_id, acl_id, term, low, high)
  JOIN posting_segment AS segment ON segment.tenant_id = %(tenant_id)s
                                 AND segment.corpus_id = gone.corpus_id
                                 AND segment.acl_id = gone.acl_id AND segment.term = gone.term
 WHERE segment.first_id <= gone.high AND segment.last_id >= gone.low
"""
KEEP_GONE = """
UPDATE posting_gone SET postings = rest.postings, packed = rest.packed
  FROM unnest(%(ids)s::bigint[], %(postings)s::integer[], %(packed)s::bytea[])
       AS rest (id, postings, packed)
 WHERE tenant_id = %(tenant_id)s AND posting_gone.id = rest.id
"""
DROP_GONE = "DELETE FROM posting_gone WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)"
DELETED_LEFT: LiteralString = """
SELECT EXISTS (SELECT FROM posting_gone WHERE tenant_id = %(tenant_id)s AND {which})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gone:
    id: int
    corpus_id: int
    acl_id: int
    passages: bytes
    packed: bytes


async def clear_tenant(database: Database, *, tenant_id: int) -> bool:
    """Take what is gone out of the segments of a tenant, for a while; False: some is left.

    Raises:
        Unavailable, Busy: of the database; what was cleared stays cleared.
    """
    return await _clear(database, EVERY, {}, tenant_id=tenant_id)


async def clear_documents(
    database: Database, document_ids: Sequence[uuid.UUID], *, tenant_id: int
) -> bool:
    """Do the same for what is gone of these documents alone."""
    asked = {"document_ids": list(document_ids)}
    return await _clear(database, OF_DOCUMENTS, asked, tenant_id=tenant_id)


async def clear_deleted(database: Database, *, tenant_id: int) -> bool:
    """Do the same for what is gone of documents that are gone, too."""
    return await _clear(database, OF_DELETED, {}, tenant_id=tenant_id)


async def is_deleted_left(conn: WorkerConnection, *, tenant_id: int) -> bool:
    """Say whether segments still hold postings of a document that was deleted."""
    found = await conn.execute(DELETED_LEFT.format(which=OF_DELETED), {"tenant_id": tenant_id})
    return (await found.fetchone()) == (True,)


async def clear_some(
    conn: WorkerConnection,
    which: LiteralString = EVERY,
    asked: Mapping[str, object] = MappingProxyType({}),
    *,
    tenant_id: int,
    one: bool = False,
) -> bool:
    """Take some of what is gone out of the segments of its class; False when nothing is gone.

    A revision cannot be merged again before it is out wholly: whoever merges has the same turn, and
    looks for it.

    Args:
        one: take one term of one revision, and no more.
    """
    await wait_for_turn(conn, tenant_id=tenant_id)
    gone = await _gone(conn, which, asked, tenant_id=tenant_id, one=one)
    if not gone:
        return False
    corpora = {"corpus_ids": sorted({each.corpus_id for each in gone})}
    await conn.execute(KEEP_CORPORA, corpora | {"tenant_id": tenant_id})
    held = await asyncio.to_thread(_held, gone)
    found = await _find_segments(conn, held, tenant_id=tenant_id, most=1 if one else MOST_TERMS)
    cleared = _first(found, most_bytes=MOST_BYTES)
    named = [(key, first_id) for key in cleared for first_id in found[key]]
    taken = await take_segments(conn, named, tenant_id=tenant_id) if named else []
    await add_segments(conn, await asyncio.to_thread(_left, taken, gone), tenant_id=tenant_id)
    await _note(conn, held, cleared, tenant_id=tenant_id)
    return True


async def _clear(
    database: Database, which: LiteralString, asked: Mapping[str, object], *, tenant_id: int
) -> bool:
    one, until = False, time.monotonic() + TURN_S
    while True:
        async with database.as_worker(tenant_id) as conn:
            try:
                async with conn.transaction():
                    if not await clear_some(conn, which, asked, tenant_id=tenant_id, one=one):
                        return True
            except psycopg.errors.QueryCanceled:
                if one:
                    raise
                one, until = True, time.monotonic() + TURN_S
                continue
        if time.monotonic() > until:
            return False


async def _gone(
    conn: WorkerConnection,
    which: LiteralString,
    asked: Mapping[str, object],
    *,
    tenant_id: int,
    one: bool,
) -> list[_Gone]:
    bounds = {
        "most_revisions": 1 if one else MOST_REVISIONS,
        "most_postings": MOST_POSTINGS,
    }
    async with conn.cursor(row_factory=class_row(_Gone), binary=True) as cursor:
        await cursor.execute(
            FIND_GONE.format(which=which), {**asked, **bounds, "tenant_id": tenant_id}
        )
        return await cursor.fetchall()


async def _find_segments(
    conn: WorkerConnection, held: Mapping[int, Mapping[Key, bytes]], *, tenant_id: int, most: int
) -> dict[Key, dict[int, int]]:
    """Give for the first terms of some revisions the rows that may hold them: first id -> bytes."""
    found: dict[Key, dict[int, int]] = {
        key: {} for key in sorted({key for rows in held.values() for key in rows})[:most]
    }
    asked = [(key, rows[key]) for rows in held.values() for key in rows.keys() & found.keys()]
    ids = [decode_postings(packed).passage_ids for _, packed in asked]
    ranges = {"lows": [int(each[0]) for each in ids], "highs": [int(each[-1]) for each in ids]}
    shared = columns([key for key, _ in asked]) | {"tenant_id": tenant_id}
    rows = await (await conn.execute(FIND_SEGMENTS, shared | ranges)).fetchall()
    for corpus_id, acl_id, term, first_id, size in rows:
        found[corpus_id, acl_id, term][first_id] = size
    return found


async def _note(
    conn: WorkerConnection,
    held: Mapping[int, Mapping[Key, bytes]],
    cleared: Collection[Key],
    *,
    tenant_id: int,
) -> None:
    """Forget the revisions that are out wholly, and note of others what is left."""
    left = {
        gone_id: {key: packed for key, packed in rows.items() if key not in cleared}
        for gone_id, rows in held.items()
    }
    some = {gone_id: rows for gone_id, rows in left.items() if 0 < len(rows) < len(held[gone_id])}
    of = {"tenant_id": tenant_id}
    await conn.execute(DROP_GONE, of | {"ids": [each for each, rows in left.items() if not rows]})
    if some:
        await conn.execute(KEEP_GONE, of | await asyncio.to_thread(_packed, some))


def _held(gone: Sequence[_Gone]) -> dict[int, dict[Key, bytes]]:
    """Give what is gone of each row, by its id."""
    return {
        each.id: {
            (each.corpus_id, each.acl_id, term): packed
            for term, packed in unpack_revision(each.packed).items()
        }
        for each in gone
    }


def _packed(held: Mapping[int, Mapping[Key, bytes]]) -> dict[str, list[object]]:
    """Pack rows as they are stored, as columns."""
    rows = [{term: packed for (_, _, term), packed in each.items()} for each in held.values()]
    return {
        "ids": list(held),
        "postings": [sum(map(len, each.values())) // BYTES_EACH for each in rows],
        "packed": [pack_revision(each) for each in rows],
    }


def _first(found: Mapping[Key, Mapping[int, int]], *, most_bytes: int) -> set[Key]:
    """Take the first terms whose segments are not too many bytes together, at least one."""
    taken, size = set[Key](), 0
    for key, segments in found.items():
        size += sum(segments.values())
        if taken and size > most_bytes:
            break
        taken.add(key)
    return taken


def _left(taken: Sequence[tuple[Key, bytes]], gone: Sequence[_Gone]) -> list[Segment]:
    """Give what is left of rows of postings; those that nothing is left of are not given."""
    parts = dict[tuple[int, int], list[NDArray[np.int32]]]()
    for each in gone:
        parts.setdefault((each.corpus_id, each.acl_id), []).append(decode_ids(each.passages))
    ids = {of: np.unique(np.concatenate(each)) for of, each in parts.items()}
    left = [(key, decode_postings(packed).without(ids[key[:2]])) for key, packed in taken]
    return [Segment(key=key, postings=postings) for key, postings in left if len(postings)]
