"""Take out of the segments what nobody may find any more, and what was deleted for good."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import class_row

from roadworthy.corpus.merging import Segment, add_segments
from roadworthy.corpus.postings import Postings, decode_ids, decode_postings, unpack_revision
from roadworthy.plumbing.database import Database, WorkerConnection

MOST_REVISIONS = 200  # of one transaction
MOST_TERMS = 1_000  # that are held in memory at once

LOCK = "SELECT pg_advisory_xact_lock(hashtext('roadworthy postings'), %(tenant_id)s)"
FIND_GONE = """
SELECT id, corpus_id, acl_id, passages, packed
  FROM posting_gone
 WHERE tenant_id = %(tenant_id)s
 ORDER BY id
 LIMIT %(most)s
"""
# Whoever deletes the corpus waits for what is written to it, or is waited for.
KEEP_CORPORA = """
SELECT id FROM corpus
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(corpus_ids)s)
 ORDER BY id
   FOR KEY SHARE
"""
TAKE_SEGMENTS = """
DELETE FROM posting_segment
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND acl_id = %(acl_id)s
   AND term = ANY (%(terms)s)
   AND EXISTS (SELECT FROM unnest(%(lows)s::integer[], %(highs)s::integer[]) AS gone (low, high)
                WHERE first_id <= high AND last_id >= low)
RETURNING term, packed
"""
DROP_GONE = "DELETE FROM posting_gone WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)"
DELETED_LEFT = """
SELECT EXISTS (
    SELECT FROM posting_gone
     WHERE tenant_id = %(tenant_id)s
       AND NOT EXISTS (SELECT FROM document WHERE document.tenant_id = posting_gone.tenant_id
                                              AND document.id = posting_gone.document_id))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gone:
    id: int
    corpus_id: int
    acl_id: int
    passages: bytes
    packed: bytes


async def clear_tenant(database: Database, *, tenant_id: int) -> None:
    """Take what is gone out of the segments of a tenant, a bounded transaction at a time.

    Raises:
        Unavailable, Busy: of the database; what was cleared stays cleared.
    """
    cleared = 1
    while cleared:
        async with database.as_worker(tenant_id) as conn:
            cleared = await clear_some(conn, tenant_id=tenant_id)


async def clear_some(conn: WorkerConnection, *, tenant_id: int) -> int:
    """Take some revisions out of the segments of their classes, wholly; returns how many.

    They cannot be merged again before that: whoever merges has the same lock, and looks for them.
    """
    of = {"tenant_id": tenant_id}
    await conn.execute(LOCK, of)
    async with conn.cursor(row_factory=class_row(_Gone), binary=True) as cursor:
        await cursor.execute(FIND_GONE, of | {"most": MOST_REVISIONS})
        gone = await cursor.fetchall()
    if not gone:
        return 0
    corpora = sorted({each.corpus_id for each in gone})
    await conn.execute(KEEP_CORPORA, of | {"corpus_ids": corpora})
    for corpus_id, acl_id in sorted({(each.corpus_id, each.acl_id) for each in gone}):
        of_class = [each for each in gone if (each.corpus_id, each.acl_id) == (corpus_id, acl_id)]
        await _clear(conn, of_class, tenant_id=tenant_id)
    await conn.execute(DROP_GONE, of | {"ids": [each.id for each in gone]})
    return len(gone)


async def is_deleted_left(conn: WorkerConnection, *, tenant_id: int) -> bool:
    """Say whether segments still hold postings of a document that was deleted."""
    found = await conn.execute(DELETED_LEFT, {"tenant_id": tenant_id})
    return (await found.fetchone()) == (True,)


async def _clear(conn: WorkerConnection, gone: Sequence[_Gone], *, tenant_id: int) -> None:
    """Take revisions out of the segments of the class that all of them are of."""
    terms, ids = await asyncio.to_thread(_held, gone)
    lows, highs = _ranges(gone)
    corpus_id, acl_id = gone[0].corpus_id, gone[0].acl_id
    asked = {"tenant_id": tenant_id, "corpus_id": corpus_id, "acl_id": acl_id}
    for start in range(0, len(terms), MOST_TERMS):
        some = {"terms": terms[start : start + MOST_TERMS], "lows": lows, "highs": highs}
        async with conn.cursor(binary=True) as cursor:
            taken = await (await cursor.execute(TAKE_SEGMENTS, asked | some)).fetchall()
        left = await asyncio.to_thread(_left, taken, ids)
        segments = [Segment(key=(corpus_id, acl_id, term), postings=each) for term, each in left]
        await add_segments(conn, segments, tenant_id=tenant_id)


def _held(gone: Sequence[_Gone]) -> tuple[list[str], NDArray[np.int32]]:
    """Name the terms of some revisions, and their passages, both in order."""
    terms = {term for each in gone for term in unpack_revision(each.packed)}
    ids = np.unique(np.concatenate([decode_ids(each.passages) for each in gone]))
    return sorted(terms), ids


def _left(rows: Sequence[tuple[str, bytes]], gone: NDArray[np.int32]) -> list[tuple[str, Postings]]:
    """Give what is left of rows of postings; those that nothing is left of are not given."""
    left = [(term, decode_postings(packed).without(gone)) for term, packed in rows]
    return [(term, postings) for term, postings in left if len(postings)]


def _ranges(gone: Sequence[_Gone]) -> tuple[list[int], list[int]]:
    ids = [decode_ids(each.passages) for each in gone]
    return [int(each[0]) for each in ids], [int(each[-1]) for each in ids]
