"""Which published or waiting texts are alike, and which lines many of them share.

For workers alone: whoever asks names a content and the class of its readers as he knows it, and
is answered about documents of that class alone.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from roadworthy.plumbing.database import WorkerConnection

MOST_CANDIDATES = 100
MOST_KEPT = 20  # rows of one line for the same readers; to know it for a frame takes fewer

# Of two alike ones that are read at the same time, the later must see the earlier.
TAKE_TURNS = """
SELECT pg_advisory_xact_lock(tenant_id, corpus_id)
  FROM revision WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s
"""
FORGET = "DELETE FROM signature WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s"
FIND = """
SELECT other.id AS revision_id, other.document_id, document.owner, document.name,
       other.created_at AS accepted_at, signature.dated_at, signature.packed, other.is_attached,
       hold_on(document.tenant_id, ARRAY[document.id]) IS NOT NULL AS is_held,
       EXISTS (SELECT FROM review
                WHERE review.tenant_id = other.tenant_id
                  AND review.document_id = other.document_id
                  AND review.content_hash = other.content_hash
                  AND 'near_duplicates' = ANY (overruled)) AS was_released
  FROM (SELECT signature_band.tenant_id, signature_band.revision_id, count(*) AS bands
          FROM signature_band
          JOIN revision ON revision.tenant_id = signature_band.tenant_id
                       AND revision.id = signature_band.revision_id
          JOIN revision AS mine ON mine.tenant_id = revision.tenant_id
                               AND mine.id = %(revision_id)s
         WHERE signature_band.tenant_id = %(tenant_id)s
           AND signature_band.corpus_id = mine.corpus_id
           AND signature_band.band = ANY (%(bands)s)
           AND revision.acl_id = %(acl_id)s AND revision.document_id <> mine.document_id
           AND revision.state IN ('pending', 'ready')
         GROUP BY signature_band.tenant_id, signature_band.revision_id
         ORDER BY bands DESC, revision_id
         LIMIT %(limit)s) AS found
  JOIN signature ON signature.tenant_id = found.tenant_id
                AND signature.revision_id = found.revision_id
  JOIN revision AS other ON other.tenant_id = found.tenant_id AND other.id = found.revision_id
  JOIN document ON document.tenant_id = found.tenant_id AND document.id = other.document_id
  JOIN revision AS own ON own.tenant_id = found.tenant_id AND own.id = %(revision_id)s
  JOIN document AS mine ON mine.tenant_id = own.tenant_id AND mine.id = own.document_id
 WHERE document.parent_id IS DISTINCT FROM mine.id AND mine.parent_id IS DISTINCT FROM document.id
 ORDER BY bands DESC, other.id
"""
ADD = """
INSERT INTO signature (tenant_id, revision_id, packed, dated_at)
VALUES (%(tenant_id)s, %(revision_id)s, %(packed)s, %(dated_at)s)
"""
ADD_BANDS = """
INSERT INTO signature_band (tenant_id, corpus_id, band, revision_id)
SELECT tenant_id, corpus_id, band, id
  FROM revision, unnest(%(bands)s::bigint[]) AS band
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s
"""
COUNT_SHARED = """
SELECT line, shared.files
  FROM unnest(%(lines)s::bigint[]) AS line
  JOIN revision AS mine ON mine.tenant_id = %(tenant_id)s AND mine.id = %(revision_id)s
 CROSS JOIN LATERAL (
       SELECT count(*) AS files
         FROM edge_line
         JOIN revision ON revision.tenant_id = edge_line.tenant_id
                      AND revision.id = edge_line.revision_id
        WHERE edge_line.tenant_id = mine.tenant_id AND edge_line.corpus_id = mine.corpus_id
          AND edge_line.line = line.line AND revision.acl_id = %(acl_id)s
          AND revision.document_id <> mine.document_id AND revision.state = 'ready') AS shared
 WHERE shared.files > 0
"""
ADD_LINES = """
INSERT INTO edge_line (tenant_id, corpus_id, line, revision_id)
SELECT tenant_id, corpus_id, line, id
  FROM revision, unnest(%(lines)s::bigint[]) AS line
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A content among others: whose it is, and how old."""

    revision_id: uuid.UUID
    document_id: uuid.UUID
    owner: str
    name: str
    accepted_at: datetime
    dated_at: datetime | None  # what the file says
    packed: bytes  # its signature
    is_held: bool  # under a legal hold: it stays as it is
    is_attached: bool = False  # to another document, with which it is deleted
    was_released: bool = False  # by a person, although another is nearly the same


async def enter(
    conn: WorkerConnection,
    *,
    tenant_id: int,
    revision_id: uuid.UUID,
    acl_id: int,
    bands: Sequence[int],
    packed: bytes,
    dated_at: datetime | None,
) -> list[Placed]:
    """Enter a signature, and find the contents for the readers of a class that may be alike.

    Of any two, at least the later one finds the other, however close together they come.
    """
    of = {"tenant_id": tenant_id, "revision_id": revision_id, "bands": list(bands)}
    await conn.execute(TAKE_TURNS, of)
    await conn.execute(FORGET, of)
    found = await find_alike(conn, **of, acl_id=acl_id)
    await conn.execute(ADD, of | {"packed": packed, "dated_at": dated_at})
    await conn.execute(ADD_BANDS, of)
    return found


async def find_alike(
    conn: WorkerConnection,
    *,
    tenant_id: int,
    revision_id: uuid.UUID,
    acl_id: int,
    bands: Sequence[int],
) -> list[Placed]:
    """Find the contents for the readers of a class that may be alike, and stand in nobody's way."""
    asked = {
        "tenant_id": tenant_id,
        "revision_id": revision_id,
        "acl_id": acl_id,
        "bands": list(bands),
        "limit": MOST_CANDIDATES,
    }
    async with conn.cursor(row_factory=class_row(Placed)) as cursor:
        await cursor.execute(FIND, asked)
        return await cursor.fetchall()


async def forget(conn: WorkerConnection, *, tenant_id: int, revision_id: uuid.UUID) -> None:
    """Take a signature out: its content is not searchable and in nobody's way."""
    await conn.execute(FORGET, {"tenant_id": tenant_id, "revision_id": revision_id})


async def shared_lines(
    conn: WorkerConnection,
    lines: Sequence[int],
    *,
    tenant_id: int,
    revision_id: uuid.UUID,
    acl_id: int,
) -> dict[int, int]:
    """Count, for each line, the published files for readers of a class that have it at an edge."""
    asked = {
        "tenant_id": tenant_id,
        "revision_id": revision_id,
        "acl_id": acl_id,
        "lines": list(lines),
    }
    return dict(await (await conn.execute(COUNT_SHARED, asked)).fetchall())


async def keep_lines(
    conn: WorkerConnection, lines: Sequence[int], *, tenant_id: int, revision_id: uuid.UUID
) -> None:
    """Keep the lines at the edges of a text that is published in this transaction."""
    await conn.execute(
        ADD_LINES, {"tenant_id": tenant_id, "revision_id": revision_id, "lines": list(lines)}
    )
