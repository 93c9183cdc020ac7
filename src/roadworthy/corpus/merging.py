"""Merge the postings of many revisions into segments, bit by bit, while all goes on.

A segment is a row of `posting_segment`: postings of one term in one class. It is merged with what
comes after it while that is at least half as large, and never once it is full: so a term has few
rows, and a posting is written anew a few times in its life. A revision is merged in one
transaction, which holds its document as every writer of it does.
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from roadworthy.corpus.postings import (
    BYTES_EACH,
    Postings,
    decode_postings,
    in_order,
    join,
    pack,
    pack_revision,
    passages_of,
)
from roadworthy.plumbing.database import Database, WorkerConnection

FULL = 8_192  # postings of a segment, which are 64 KiB
MOST_ROWS = 20_000  # postings of one transaction, about a second
MOST_REVISIONS = 200
FIRST = uuid.UUID(int=0)

# One at a time in a tenant; what is deleted from segments waits for its turn, merging does not.
TRY_LOCK = """
SELECT pg_try_advisory_xact_lock(hashtext('roadworthy postings'), %(tenant_id)s)
"""
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
SELECT corpus_id, acl_id, term, first_id, octet_length(packed) AS size
  FROM posting_segment
 WHERE tenant_id = %(tenant_id)s AND corpus_id = ANY (%(corpus_ids)s)
   AND acl_id = ANY (%(acl_ids)s) AND term = ANY (%(terms)s)
   AND octet_length(packed) < %(full)s
"""
TAKE_SEGMENTS = """
DELETE FROM posting_segment AS segment
 USING unnest(%(corpus_ids)s::integer[], %(acl_ids)s::integer[], %(terms)s::text[],
              %(first_ids)s::integer[]) AS taken (corpus_id, acl_id, term, first_id)
 WHERE segment.tenant_id = %(tenant_id)s AND segment.corpus_id = taken.corpus_id
   AND segment.acl_id = taken.acl_id AND segment.term = taken.term
   AND segment.first_id = taken.first_id
RETURNING segment.corpus_id, segment.acl_id, segment.term, segment.packed
"""
ADD_SEGMENTS = """
INSERT INTO posting_segment (tenant_id, corpus_id, acl_id, term, first_id, last_id, packed)
SELECT %(tenant_id)s, piece.*
  FROM unnest(%(corpus_ids)s::integer[], %(acl_ids)s::integer[], %(terms)s::text[],
              %(first_ids)s::integer[], %(last_ids)s::integer[], %(packed)s::bytea[]) AS piece
"""

Key = tuple[int, int, str]  # corpus, class, term


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A row of postings to write."""

    key: Key
    postings: Postings  # at least one; ids ascend


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
    """Merge what a tenant has published since the last time; returns how many revisions.

    Documents that somebody changes at this moment are left for the next time.

    Raises:
        Unavailable, Busy: of the database; what was merged stays merged.
    """
    merged, after = 0, FIRST
    while True:
        async with database.as_worker(tenant_id) as conn:
            if not await _may_merge(conn, tenant_id=tenant_id):
                return merged
            fresh = await _fresh(conn, tenant_id=tenant_id, after=after)
            if not fresh:
                return merged
            merged += await _merge(conn, fresh, tenant_id=tenant_id)
            after = fresh[-1].revision_id


async def add_segments(
    conn: WorkerConnection, segments: Sequence[Segment], *, tenant_id: int
) -> None:
    """Write rows of postings."""
    columns = {
        "corpus_ids": [segment.key[0] for segment in segments],
        "acl_ids": [segment.key[1] for segment in segments],
        "terms": [segment.key[2] for segment in segments],
        "first_ids": [int(segment.postings.passage_ids[0]) for segment in segments],
        "last_ids": [int(segment.postings.passage_ids[-1]) for segment in segments],
        "packed": [pack(segment.postings) for segment in segments],
    }
    await conn.execute(ADD_SEGMENTS, {"tenant_id": tenant_id} | columns)


async def _may_merge(conn: WorkerConnection, *, tenant_id: int) -> bool:
    locked = await conn.execute(TRY_LOCK, {"tenant_id": tenant_id})
    return (await locked.fetchone()) == (True,)


async def _fresh(conn: WorkerConnection, *, tenant_id: int, after: uuid.UUID) -> list[_Fresh]:
    """Name the next revisions to merge, as many as one transaction takes, at least one."""
    asked = {"tenant_id": tenant_id, "after": after, "most": MOST_REVISIONS}
    async with conn.cursor(row_factory=class_row(_Fresh)) as cursor:
        found = await (await cursor.execute(FIND_FRESH, asked)).fetchall()
    taken, rows = list[_Fresh](), 0
    for each in found:
        if taken and rows + each.rows > MOST_ROWS:
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
    asked = {
        "tenant_id": tenant_id,
        "corpus_ids": sorted({corpus_id for corpus_id, _, _ in parts}),
        "acl_ids": sorted({acl_id for _, acl_id, _ in parts}),
        "terms": sorted({term for _, _, term in parts}),
        "full": FULL * BYTES_EACH,
    }
    sizes = dict[Key, list[tuple[int, int]]]()  # size, first id
    for corpus_id, acl_id, term, first_id, size in await (
        await conn.execute(FIND_SIZES, asked)
    ).fetchall():
        sizes.setdefault((corpus_id, acl_id, term), []).append((size, first_id))
    taken = [
        (*key, first_id)
        for key, held in sizes.items()
        if key in parts
        for first_id in chosen(sum(map(len, parts[key])), held)
    ]
    if not taken:
        return []
    names = ("corpus_ids", "acl_ids", "terms", "first_ids")
    columns = dict(zip(names, map(list, zip(*taken, strict=True)), strict=True))
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(TAKE_SEGMENTS, {"tenant_id": tenant_id} | columns)
        found = await cursor.fetchall()
    return [((corpus_id, acl_id, term), packed) for corpus_id, acl_id, term, packed in found]


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
