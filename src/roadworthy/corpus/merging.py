"""Merge the postings of many revisions into segments, bit by bit, while all goes on.

A segment is a row of `posting_segment`: postings of one term in one class. It is merged with what
comes after it while that is at least half as large, and never once it is full: so a term has few
rows, and a posting is written anew a few times in its life. A revision is merged in one
transaction, which holds its document as every writer of it does.
"""

import asyncio
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
import structlog
from psycopg.rows import class_row

from roadworthy.corpus.postings import (
    BYTES_EACH,
    Postings,
    decode_postings,
    in_order,
    join,
    pack_revision,
    passages_of,
)
from roadworthy.corpus.segments import (
    Key,
    Segment,
    add_segments,
    columns,
    take_segments,
    take_turn,
)
from roadworthy.plumbing.database import Database, WorkerConnection

FULL = 8_192  # postings of a segment, which are 64 KiB
MOST_ROWS = 20_000  # postings of one transaction, about a second
MOST_REVISIONS = 200
TURN_S = 30.0
FIRST = uuid.UUID(int=0)

# A step in the index for each revision, however many rows it has.
FIND_FRESH = """
WITH RECURSIVE fresh AS (
    (SELECT revision_id, document_id, 1 AS number
       FROM posting
      WHERE tenant_id = %(tenant_id)s AND revision_id > %(after)s
      ORDER BY revision_id LIMIT 1)
    UNION ALL
    SELECT next.revision_id, next.document_id, number + 1
      FROM fresh
     CROSS JOIN LATERAL (
           SELECT revision_id, document_id
             FROM posting
            WHERE tenant_id = %(tenant_id)s AND revision_id > fresh.revision_id
            ORDER BY revision_id LIMIT 1) AS next
     WHERE number < %(most)s)
SELECT revision_id, document_id,
       (SELECT count(*) FROM posting
         WHERE tenant_id = %(tenant_id)s AND posting.revision_id = fresh.revision_id) AS rows
  FROM fresh
 ORDER BY number
"""
# Whoever changes one of them at this moment is not waited for.
LOCK_DOCUMENTS = """
SELECT id FROM document
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
 ORDER BY id
   FOR UPDATE SKIP LOCKED
"""
# Where segments of the class still hold an earlier state of it, that has to go first.
TAKE_FRESH = """
DELETE FROM posting
 WHERE tenant_id = %(tenant_id)s AND revision_id = ANY (%(revision_ids)s)
   AND document_id = ANY (%(ids)s)
   AND NOT EXISTS (SELECT FROM posting_gone AS gone
                    WHERE gone.tenant_id = posting.tenant_id
                      AND gone.revision_id = posting.revision_id
                      AND gone.corpus_id = posting.corpus_id AND gone.acl_id = posting.acl_id)
RETURNING corpus_id, acl_id, document_id, revision_id, term, packed
"""
ADD_REVISIONS = """
INSERT INTO merged_revision (tenant_id, revision_id, document_id, corpus_id, acl_id, passages,
                             postings, packed)
SELECT %(tenant_id)s, piece.*
  FROM unnest(%(revision_ids)s::uuid[], %(document_ids)s::uuid[], %(corpus_ids)s::integer[],
              %(acl_ids)s::integer[], %(passages)s::bytea[], %(postings)s::integer[],
              %(packed)s::bytea[]) AS piece
"""
FIND_SIZES = """
SELECT segment.corpus_id, segment.acl_id, segment.term, segment.first_id,
       octet_length(segment.packed) AS size
  FROM unnest(%(corpus_ids)s::integer[], %(acl_ids)s::integer[], %(terms)s::text[])
       AS fresh (corpus_id, acl_id, term)
  JOIN posting_segment AS segment ON segment.tenant_id = %(tenant_id)s
                                 AND segment.corpus_id = fresh.corpus_id
                                 AND segment.acl_id = fresh.acl_id AND segment.term = fresh.term
 WHERE octet_length(segment.packed) < %(full)s
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fresh:
    revision_id: uuid.UUID
    document_id: uuid.UUID
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    corpus_id: int
    acl_id: int
    document_id: uuid.UUID
    revision_id: uuid.UUID
    term: str
    packed: bytes


async def merge_tenant(database: Database, *, tenant_id: int) -> int:
    """Merge for a while what a tenant has published; returns how many revisions.

    Documents that somebody changes at this moment are left for the next time, and so is a revision
    that takes too long: searches find it as it is.

    Raises:
        Unavailable, Busy: of the database; what was merged stays merged.
    """
    merged, after, most_rows = 0, FIRST, MOST_ROWS
    until = time.monotonic() + TURN_S
    while True:
        async with database.as_worker(tenant_id) as conn:
            if not await take_turn(conn, tenant_id=tenant_id):
                return merged
            fresh = await _fresh(conn, tenant_id=tenant_id, after=after, most_rows=most_rows)
            if not fresh:
                return merged
            try:
                async with conn.transaction():
                    merged += await _merge(conn, fresh, tenant_id=tenant_id)
            except psycopg.errors.QueryCanceled:
                if len(fresh) > 1:
                    until = time.monotonic() + TURN_S  # for one at a time
                    most_rows = 1
                    continue
                log.warning(
                    "takes too long to merge", tenant=tenant_id, revision=str(fresh[0].revision_id)
                )
        after = fresh[-1].revision_id
        if time.monotonic() > until:
            return merged


async def _fresh(
    conn: WorkerConnection, *, tenant_id: int, after: uuid.UUID, most_rows: int
) -> list[_Fresh]:
    """Name the next revisions to merge, as many as one transaction takes, at least one."""
    asked = {"tenant_id": tenant_id, "after": after, "most": MOST_REVISIONS}
    async with conn.cursor(row_factory=class_row(_Fresh)) as cursor:
        found = await (await cursor.execute(FIND_FRESH, asked)).fetchall()
    taken, rows = list[_Fresh](), 0
    for each in found:
        if taken and rows + each.rows > most_rows:
            break
        taken.append(each)
        rows += each.rows
    return taken


async def _merge(conn: WorkerConnection, fresh: Sequence[_Fresh], *, tenant_id: int) -> int:
    of = {"tenant_id": tenant_id}
    documents = {"ids": [each.document_id for each in fresh]}
    locked = await (await conn.execute(LOCK_DOCUMENTS, of | documents)).fetchall()
    asked = of | {
        "ids": [document_id for (document_id,) in locked],
        "revision_ids": [each.revision_id for each in fresh],
    }
    async with conn.cursor(row_factory=class_row(_Row), binary=True) as cursor:
        rows = await (await cursor.execute(TAKE_FRESH, asked)).fetchall()
    if not rows:
        return 0
    revisions = await asyncio.to_thread(_by_revision, rows)
    await conn.execute(ADD_REVISIONS, of | revisions)
    parts = dict[Key, list[bytes]]()
    for row in rows:
        parts.setdefault((row.corpus_id, row.acl_id, row.term), []).append(row.packed)
    for key, packed in await _take_segments(conn, parts, tenant_id=tenant_id):
        parts[key].append(packed)
    segments = await asyncio.to_thread(_segments, parts)
    await add_segments(conn, segments, tenant_id=tenant_id)
    return len(revisions["revision_ids"])


async def _take_segments(
    conn: WorkerConnection, parts: Mapping[Key, Sequence[bytes]], *, tenant_id: int
) -> list[tuple[Key, bytes]]:
    """Take the rows away that what is new is to be written together with."""
    asked = columns(list(parts)) | {"tenant_id": tenant_id, "full": FULL * BYTES_EACH}
    sizes = dict[Key, list[tuple[int, int]]]()  # size, first id
    for *key, first_id, size in await (await conn.execute(FIND_SIZES, asked)).fetchall():
        sizes.setdefault(tuple(key), []).append((size, first_id))
    named = [
        (key, first_id)
        for key, held in sizes.items()
        for first_id in chosen(sum(map(len, parts[key])), held)
    ]
    return await take_segments(conn, named, tenant_id=tenant_id) if named else []


def chosen(size: int, held: Iterable[tuple[int, int]]) -> list[int]:
    """Choose the segments, given as size and name, that new postings of a size are merged with."""
    names = list[int]()
    for other, name in sorted(held):
        if other > 2 * size:
            break
        size += other
        names.append(name)
    return names


def _by_revision(rows: Sequence[_Row]) -> dict[str, list[object]]:
    """Gather what is noted of each revision, as columns."""
    held = dict[uuid.UUID, list[_Row]]()
    for row in rows:
        held.setdefault(row.revision_id, []).append(row)
    packed = [{row.term: row.packed for row in each} for each in held.values()]
    return {
        "revision_ids": list(held),
        "document_ids": [each[0].document_id for each in held.values()],
        "corpus_ids": [each[0].corpus_id for each in held.values()],
        "acl_ids": [each[0].acl_id for each in held.values()],
        "passages": [passages_of(each.values()) for each in packed],
        "postings": [sum(map(len, each.values())) // BYTES_EACH for each in packed],
        "packed": [pack_revision(each) for each in packed],
    }


def _segments(parts: Mapping[Key, Sequence[bytes]]) -> list[Segment]:
    """Join the postings of each key, in order, and cut them where a segment is full."""
    return [
        Segment(key=key, postings=piece)
        for key, each in parts.items()
        for piece in _cut(in_order(join([decode_postings(packed) for packed in each])))
    ]


def _cut(postings: Postings) -> list[Postings]:
    return [postings.at(slice(start, start + FULL)) for start in range(0, len(postings), FULL)]
