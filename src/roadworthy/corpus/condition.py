"""In what condition a corpus is: how many documents, how old, how alike, how readable.

All is told of what the asking person may see, and of nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, TypeVar

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.plumbing.database import Connection

T = TypeVar("T")
MOST_NAMED = 5  # of the longest and of the shortest
MOST_KEPT_BACK = 1_000
BINS = 10

FIND = "SELECT id FROM corpus WHERE tenant_id = %(tenant_id)s AND name = %(name)s"
# A file that says nothing of its age is as old as its upload.
TOTALS = """
SELECT count(*) AS documents,
       min(told) AS oldest, max(told) AS newest,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY told) AS median
  FROM (SELECT coalesce(file_modified_at, file_created_at, created_at) AS told
          FROM document
         WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s) AS dated
"""
STATES = """
SELECT state AS name, count(*) AS number
  FROM document
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
 GROUP BY state ORDER BY number DESC, name
"""
AGES = """
SELECT CASE WHEN age < interval '1 month' THEN 'under a month'
            WHEN age < interval '6 months' THEN '1 to 6 months'
            WHEN age < interval '1 year' THEN '6 to 12 months'
            WHEN age < interval '3 years' THEN '1 to 3 years'
            ELSE 'over 3 years' END AS name, count(*) AS number
  FROM (SELECT %(now)s - coalesce(file_modified_at, file_created_at, created_at) AS age
          FROM document
         WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s) AS dated
 GROUP BY name ORDER BY min(age)
"""
LANGUAGES = """
SELECT language AS name, count(*) AS number
  FROM document
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND state = 'ready'
 GROUP BY language ORDER BY number DESC, name
"""
# Of a document that is searchable, the version that is; what waits beside it is told by itself.
CHECKS = """
SELECT check_name || ': ' || outcome AS name, count(*) AS number
  FROM verdict
  JOIN revision ON revision.tenant_id = verdict.tenant_id AND revision.id = verdict.revision_id
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
               AND (document.state <> 'ready' OR revision.state = 'ready')
 WHERE verdict.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
   AND outcome <> 'pass'
 GROUP BY check_name, outcome ORDER BY check_name, outcome
"""
FOUND = """
SELECT found.key AS name, sum(found.value::integer) AS number
  FROM verdict
  JOIN revision ON revision.tenant_id = verdict.tenant_id AND revision.id = verdict.revision_id
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
               AND (document.state <> 'ready' OR revision.state = 'ready')
 CROSS JOIN jsonb_each_text(figures) AS found
 WHERE verdict.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
   AND check_name IN ('personal_data', 'secrets', 'injection')
 GROUP BY found.key ORDER BY number DESC, name
"""
# Those that are searchable although another is nearly the same, those that are not because of
# it, and copies that were handed in and not stored.
DUPLICATES = """
SELECT coalesce(sum((figures ->> 'copies')::integer)
                FILTER (WHERE check_name = 'exact_duplicates'), 0) AS exact,
       count(*) FILTER (WHERE check_name = 'near_duplicates' AND outcome = 'quarantined') AS beaten,
       count(*) FILTER (WHERE check_name = 'near_duplicates' AND outcome <> 'quarantined'
                          AND EXISTS (SELECT FROM document AS other
                                       WHERE other.tenant_id = verdict.tenant_id
                                         AND other.id = about
                                         AND other.state = 'ready')) AS standing
  FROM verdict
  JOIN revision ON revision.tenant_id = verdict.tenant_id AND revision.id = verdict.revision_id
 WHERE verdict.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
"""
PASSAGES = """
SELECT count(*) AS documents, coalesce(sum(passages), 0)::bigint AS total, min(passages) AS least,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY passages) AS median, max(passages) AS most
  FROM (SELECT (SELECT count(*) FROM passage
                 WHERE passage.tenant_id = document.tenant_id
                   AND passage.document_id = document.id) AS passages
          FROM document
         WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND state = 'ready') AS each
"""
LONGEST = """
SELECT document.name, length(revision.text) AS number
  FROM document
  JOIN revision ON revision.tenant_id = document.tenant_id AND document_id = document.id
 WHERE document.tenant_id = %(tenant_id)s AND document.corpus_id = %(corpus_id)s
   AND revision.state = 'ready'
 ORDER BY number DESC, document.name
 LIMIT %(most)s
"""
SHORTEST = """
SELECT document.name, length(revision.text) AS number
  FROM document
  JOIN revision ON revision.tenant_id = document.tenant_id AND document_id = document.id
 WHERE document.tenant_id = %(tenant_id)s AND document.corpus_id = %(corpus_id)s
   AND revision.state = 'ready'
 ORDER BY number, document.name
 LIMIT %(most)s
"""
# width_bucket gives 1.0 a bin of its own behind the last.
SCORES = """
SELECT least(width_bucket((figures ->> 'score')::float, 0, 1, %(bins)s), %(bins)s) - 1 AS bin,
       count(*) AS number
  FROM verdict
  JOIN revision ON revision.tenant_id = verdict.tenant_id AND revision.id = verdict.revision_id
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
               AND (document.state <> 'ready' OR revision.state = 'ready')
 WHERE verdict.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
   AND check_name = 'quality'
 GROUP BY bin
"""
REMOVED = """
SELECT count(*)
  FROM removal
  JOIN revision ON revision.tenant_id = removal.tenant_id AND revision.id = removal.revision_id
 WHERE removal.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
"""
WAITING = """
SELECT count(DISTINCT document_id)
  FROM revision
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND state = 'quarantined'
"""
KEPT_BACK = """
SELECT document.id::text AS id, document.name, check_name AS "check", reason
  FROM revision
  JOIN document ON document.tenant_id = revision.tenant_id AND document.id = revision.document_id
  JOIN verdict ON verdict.tenant_id = revision.tenant_id AND verdict.revision_id = revision.id
 WHERE revision.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
   AND revision.state = 'quarantined' AND outcome = 'quarantined'
 ORDER BY document.name, check_name
 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often something is there."""

    name: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many documents there are, and how old; no dates when there are none."""

    documents: int
    oldest: datetime | None
    newest: datetime | None
    median: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """How searchable documents are cut; no figures when there are none."""

    documents: int
    total: int
    least: int | None
    median: int | None
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What was handed in more than once."""

    exact: int  # copies that were not stored
    beaten: int  # near duplicates that are not searchable
    standing: int  # searchable beside another that is nearly the same, as policy allows


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """Why one document waits for a decision."""

    id: str
    name: str
    check: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The condition of a corpus at one moment."""

    corpus: str
    at: datetime
    totals: Totals
    states: Sequence[Tally]
    ages: Sequence[Tally]
    languages: Sequence[Tally]
    checks: Sequence[Tally]  # "secrets: quarantined", without those that passed
    found: Sequence[Tally]  # personal data, secrets and instructions, by type
    duplicates: Duplicates
    passages: Passages
    longest: Sequence[Tally]  # characters
    shortest: Sequence[Tally]
    scores: Sequence[int]  # documents with a quality from 0 to 0.1, from 0.1 to 0.2, ...
    lines_removed: int
    waiting: int  # documents of which a content waits for a decision, searchable ones among them
    kept_back: Sequence[KeptBack]


async def condition_of(conn: Connection, *, tenant_id: int, corpus: str) -> Condition:
    """Look at a corpus as far as this person may see it.

    Raises:
        Missing: the tenant has no such corpus.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(FIND, {"tenant_id": tenant_id, "name": corpus})
        corpus_id = await cursor.fetchone()
    if corpus_id is None:
        raise Missing(f"There is no corpus {corpus!r}; `roadworthy corpus list` shows them.")
    at = now()
    of = {"tenant_id": tenant_id, "corpus_id": corpus_id, "now": at, "most": MOST_NAMED}
    return Condition(
        corpus=corpus,
        at=at,
        totals=await _one(conn, TOTALS, of, kind=Totals),
        states=await _tallied(conn, STATES, of),
        ages=await _tallied(conn, AGES, of),
        languages=await _tallied(conn, LANGUAGES, of),
        checks=await _tallied(conn, CHECKS, of),
        found=await _tallied(conn, FOUND, of),
        duplicates=await _one(conn, DUPLICATES, of, kind=Duplicates),
        passages=await _one(conn, PASSAGES, of, kind=Passages),
        longest=await _tallied(conn, LONGEST, of),
        shortest=await _tallied(conn, SHORTEST, of),
        scores=await _scores(conn, of),
        lines_removed=await _number(conn, REMOVED, of),
        waiting=await _number(conn, WAITING, of),
        kept_back=await _kept_back(conn, of | {"most": MOST_KEPT_BACK}),
    )


async def _one(
    conn: Connection, query: LiteralString, of: Mapping[str, object], *, kind: type[T]
) -> T:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        [found] = await (await cursor.execute(query, of)).fetchall()
        return found


async def _tallied(conn: Connection, query: LiteralString, of: Mapping[str, object]) -> list[Tally]:
    async with conn.cursor(row_factory=class_row(Tally)) as cursor:
        return await (await cursor.execute(query, of)).fetchall()


async def _kept_back(conn: Connection, of: Mapping[str, object]) -> list[KeptBack]:
    async with conn.cursor(row_factory=class_row(KeptBack)) as cursor:
        return await (await cursor.execute(KEPT_BACK, of)).fetchall()


async def _scores(conn: Connection, of: Mapping[str, object]) -> list[int]:
    rows = await conn.execute(SCORES, {**of, "bins": BINS})
    counted = dict(await rows.fetchall())
    return [counted.get(number, 0) for number in range(BINS)]


async def _number(conn: Connection, query: LiteralString, of: Mapping[str, object]) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [found] = await (await cursor.execute(query, of)).fetchall()
        return found
