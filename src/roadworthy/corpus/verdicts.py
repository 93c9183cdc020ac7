"""What the checks said of a document on its way in, and what they took out of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from roadworthy.core.clock import now
from roadworthy.plumbing.database import Connection, WorkerConnection
from roadworthy.plumbing.jobs import Lease

PASS, CHANGED, FLAGGED, QUARANTINED = "pass", "changed", "flagged", "quarantined"
EXACT_DUPLICATES = "exact_duplicates"  # said when a copy is handed in; kept when checks run anew

DROP = """
DELETE FROM verdict
 WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s
   AND check_name <> %(exact_duplicates)s
"""
# What is said about other documents is for those whom the class admits that they were sought in.
ADD = """
INSERT INTO verdict (tenant_id, document_id, revision_id, check_name, outcome, reason, figures,
                     acl_id, about, created_at)
SELECT %(tenant_id)s, document_id, %(revision_id)s, %(check)s, %(outcome)s, %(reason)s,
       %(figures)s, CASE WHEN %(is_comparison)s THEN %(compared_in)s::integer END, %(about)s,
       %(now)s
  FROM revision
 WHERE tenant_id = %(tenant_id)s AND id = %(revision_id)s
    ON CONFLICT (tenant_id, revision_id, check_name) DO UPDATE
   SET outcome = excluded.outcome, reason = excluded.reason, figures = excluded.figures,
       acl_id = excluded.acl_id, about = excluded.about, created_at = excluded.created_at
"""
NO_COPY = """
INSERT INTO verdict (tenant_id, document_id, revision_id, check_name, outcome, reason, figures,
                     created_at)
VALUES (%(tenant_id)s, %(document_id)s, %(revision_id)s, %(check)s, %(outcome)s, %(reason)s,
        %(figures)s, %(now)s)
    ON CONFLICT DO NOTHING
"""
DROP_REMOVALS = """
DELETE FROM removal WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s
"""
ADD_REMOVALS = """
INSERT INTO removal (tenant_id, document_id, revision_id, ordinal, stood_at, page, text)
SELECT %(tenant_id)s, %(document_id)s, %(revision_id)s, piece.*
  FROM unnest(%(ordinals)s::integer[], %(places)s::integer[], %(pages)s::integer[],
              %(texts)s::text[]) AS piece
"""
COUNT_COPY = """
INSERT INTO verdict AS before (tenant_id, document_id, revision_id, check_name, outcome, reason,
                               figures, created_at)
SELECT tenant_id, document_id, id, %(exact_duplicates)s, 'pass', %(reason)s, '{"copies": 1}',
       %(now)s
  FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(document_id)s
   AND content_hash = %(content_hash)s AND state <> 'failed'
    ON CONFLICT (tenant_id, revision_id, check_name) DO UPDATE
   SET figures = jsonb_build_object('copies', (before.figures ->> 'copies')::integer + 1),
       reason = excluded.reason, created_at = excluded.created_at
"""
LIST = """
SELECT check_name AS "check", outcome, reason, figures,
       (SELECT id FROM document AS other
         WHERE other.tenant_id = verdict.tenant_id AND other.id = verdict.about) AS about,
       verdict.created_at, revision.state AS revision_state
  FROM verdict JOIN revision ON revision.tenant_id = verdict.tenant_id
                            AND revision.id = verdict.revision_id
 WHERE verdict.tenant_id = %(tenant_id)s AND verdict.document_id = %(document_id)s
 ORDER BY revision.created_at DESC, check_name
"""
LIST_REMOVALS = """
SELECT stood_at AS at, page, removal.text
  FROM removal JOIN revision ON revision.tenant_id = removal.tenant_id
                            AND revision.id = removal.revision_id
 WHERE removal.tenant_id = %(tenant_id)s AND removal.document_id = %(document_id)s
   AND revision.state = 'ready'
 ORDER BY ordinal
 LIMIT %(limit)s
"""

Figure = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check says. Neither reason nor figures hold a value that was found."""

    check: str
    outcome: str  # pass, changed, flagged, quarantined
    reason: str  # one sentence
    figures: Mapping[str, Figure] = field(default_factory=dict)
    about: uuid.UUID | None = None  # another document
    is_comparison: bool = False  # with other documents, so for those alone who could read them


UNCOPIED = Verdict(
    check=EXACT_DUPLICATES,
    outcome=PASS,
    reason="No other file with this content was handed in for the same readers.",
    figures={"copies": 0},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVerdict:
    """A verdict as the readers of its document see it."""

    check: str
    outcome: str
    reason: str
    figures: dict[str, Figure]
    about: uuid.UUID | None  # another document, for those who may read that one, too
    created_at: datetime
    revision_state: str  # ready, pending, failed, quarantined, rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A line that was taken out of a text."""

    at: int  # offset of where it stood, in the text as it is stored
    page: int | None
    text: str


async def write_verdicts(
    conn: WorkerConnection,
    lease: Lease,
    verdicts: Sequence[Verdict],
    *,
    compared_in: int,
    removals: Sequence[Removal] = (),
) -> None:
    """Put what was found in place of what was said of this content before.

    Args:
        compared_in: the class of readers whose documents comparisons speak of.
    """
    of = {
        "tenant_id": lease.tenant_id,
        "document_id": lease.document_id,
        "revision_id": lease.revision_id,
    }
    await conn.execute(DROP, of | {"exact_duplicates": EXACT_DUPLICATES})
    async with conn.cursor() as cursor:
        await cursor.executemany(
            ADD, [of | _asked(verdict) | {"compared_in": compared_in} for verdict in verdicts]
        )
    await conn.execute(NO_COPY, of | _asked(UNCOPIED))
    await conn.execute(DROP_REMOVALS, of)
    if removals:
        columns = {
            "ordinals": list(range(len(removals))),
            "places": [removal.at for removal in removals],
            "pages": [removal.page for removal in removals],
            "texts": [removal.text for removal in removals],
        }
        await conn.execute(ADD_REMOVALS, of | columns)


async def add_verdict(
    conn: WorkerConnection,
    verdict: Verdict,
    *,
    tenant_id: int,
    revision_id: uuid.UUID,
    compared_in: int,
) -> None:
    """Say one thing of a content, in place of what the same check said before."""
    of = {"tenant_id": tenant_id, "revision_id": revision_id, "compared_in": compared_in}
    await conn.execute(ADD, of | _asked(verdict))


def _asked(verdict: Verdict) -> dict[str, object]:
    return {
        "check": verdict.check,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "figures": Jsonb(dict(verdict.figures)),
        "is_comparison": verdict.is_comparison,
        "about": verdict.about,
        "now": now(),
    }


async def count_copy(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, content_hash: bytes
) -> None:
    """Note that this content was handed in again, for the same readers under another name."""
    await conn.execute(
        COUNT_COPY,
        {
            "tenant_id": tenant_id,
            "document_id": document_id,
            "content_hash": content_hash,
            "exact_duplicates": EXACT_DUPLICATES,
            "reason": "Copies of this content were handed in under other names; it is kept once.",
            "now": now(),
        },
    )


async def list_verdicts(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID
) -> list[StoredVerdict]:
    """List what was said of a document, its newest content first; nothing if it may not be seen."""
    async with conn.cursor(row_factory=class_row(StoredVerdict)) as cursor:
        await cursor.execute(LIST, {"tenant_id": tenant_id, "document_id": document_id})
        return await cursor.fetchall()


async def list_removals(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID, limit: int = 1000
) -> list[Removal]:
    """List what was taken out of the text that is searchable, from its beginning."""
    asked = {"tenant_id": tenant_id, "document_id": document_id, "limit": limit}
    async with conn.cursor(row_factory=class_row(Removal)) as cursor:
        return await (await cursor.execute(LIST_REMOVALS, asked)).fetchall()
