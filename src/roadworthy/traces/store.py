"""Where traces are kept. Each is read by the person whom it is about, and by nobody else."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.plumbing.database import Connection, Database, ReadConnection
from roadworthy.traces.records import ScoredPassage, Trace, anonymous, wordless
from roadworthy.traces.reuse import keep_answers

# A line may be brought twice when the process dies between the row and the removal of the line.
# All in one statement: what is spent is counted once for each, by a trigger (spending.sql).
ADD_TRACES = """
INSERT INTO trace (tenant_id, id, pseudonym, surface, release_name, release_hash, question,
                   searched_for, language, outcome, problem, stages, reading, verdicts,
                   input_tokens, output_tokens, degraded, cached_from, key_id, avoided, started_at,
                   ended_at)
SELECT tenant_id, id, pseudonym, surface, release_name, release_hash, question, searched_for,
       language, outcome, problem, stages, reading, verdicts, input_tokens, output_tokens,
       degraded, cached_from, key_id, avoided, started_at, ended_at
  FROM jsonb_to_recordset(%(traces)s) AS line (
       tenant_id integer, id uuid, pseudonym text, surface text, release_name text,
       release_hash text, question text, searched_for jsonb, language text, outcome text,
       problem text, stages jsonb, reading jsonb, verdicts jsonb, input_tokens integer,
       output_tokens integer, degraded text[], cached_from uuid, key_id uuid, avoided jsonb,
       started_at timestamptz, ended_at timestamptz)
ON CONFLICT DO NOTHING
"""
ADD_HITS = """
INSERT INTO trace_hit (tenant_id, trace_id, rank, document_id, passage_id, score, keyword_score,
                       vector_score, cited)
SELECT %(tenant_id)s, entry.*
  FROM unnest(%(ids)s::uuid[], %(ranks)s::integer[], %(document_ids)s::uuid[],
              %(passage_ids)s::integer[], %(scores)s::real[], %(keyword_scores)s::real[],
              %(vector_scores)s::real[], %(cited)s::boolean[]) AS entry
ON CONFLICT DO NOTHING
"""
ADD_ANSWER = """
INSERT INTO trace_answer (tenant_id, trace_id, text) VALUES (%(tenant_id)s, %(id)s, %(text)s)
ON CONFLICT DO NOTHING
"""
# What a model said when it failed may quote what it read, and goes with it as the answer does.
DESCRIBE = """
SELECT trace.id, surface, release_name, release_hash, question, searched_for, language, outcome,
       CASE WHEN problem IS NOT NULL
             AND (SELECT count(*) FROM passage
                   WHERE passage.tenant_id = trace.tenant_id
                     AND passage.id = ANY (found_passages(trace.id)))
                 = cardinality(found_passages(trace.id))
            THEN problem END AS problem,
       stages, reading, verdicts, input_tokens, output_tokens, degraded, cached_from,
       started_at,
       ended_at, trace_answer.text AS answer
  FROM trace LEFT JOIN trace_answer ON trace_answer.tenant_id = trace.tenant_id
                                   AND trace_answer.trace_id = trace.id
"""
FIND = DESCRIBE + " WHERE trace.tenant_id = %(tenant_id)s AND trace.id = %(id)s"
LIST = (
    DESCRIBE
    + """
 WHERE trace.tenant_id = %(tenant_id)s
   AND (%(before)s::uuid IS NULL OR trace.id < %(before)s)
 ORDER BY trace.id DESC
 LIMIT %(limit)s
"""
)
# With the trace: it lies on this disk at once, and the asker waits for no more than that.
FLAG = "SELECT flag_passages(%(passages)s, %(now)s)"
KEEP_SCORES = "SELECT keep_passage_scores(%(scores)s)"
# They stay until this transaction ends: an answer is stored before its document goes, or not.
PRESENT = "SELECT present_documents(%(ids)s)"
FORGOTTEN = "SELECT pseudonym, until FROM forgotten_people(%(pseudonyms)s)"
FIND_HITS = """
SELECT rank, document_id, passage_id, score, keyword_score, vector_score, cited
  FROM trace_hit
 WHERE tenant_id = %(tenant_id)s AND trace_id = %(id)s
 ORDER BY rank
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrace:
    """A trace as the person whom it is about may read it now."""

    id: uuid.UUID
    surface: str
    release_name: str | None
    release_hash: str | None
    question: str
    searched_for: dict[str, str | list[str]] | None
    language: str
    outcome: str
    problem: str | None
    stages: list[dict[str, str | int | float]]
    reading: dict[str, int | list[list[int]]] | None
    verdicts: list[dict[str, str | float | list[int] | None]] | None  # None: before there were any
    input_tokens: int
    output_tokens: int
    degraded: list[str]
    cached_from: uuid.UUID | None  # the trace whose answer was given again
    started_at: datetime
    ended_at: datetime | None
    answer: str | None  # None too when it quotes what this person may no longer read


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHit:
    """A passage that was found then and may still be seen."""

    rank: int
    document_id: uuid.UUID
    passage_id: int
    score: float
    keyword_score: float | None
    vector_score: float | None
    cited: bool


async def add_traces(database: Database, traces: Sequence[Trace]) -> None:
    """Store traces; those that are stored already change nothing."""
    by_tenant: defaultdict[int, list[Trace]] = defaultdict(list)
    for trace in traces:
        by_tenant[trace.begun.tenant_id].append(trace)
    for tenant_id, some in by_tenant.items():
        async with database.as_recorder(tenant_id) as conn:
            await _add(conn, some)


async def present_documents(
    conn: Connection, documents: Iterable[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Tell which of these documents of the tenant of `conn` are there.

    They stay until the caller's transaction ends.
    """
    asked = {"ids": sorted(set(documents))}
    if not asked["ids"]:
        return frozenset()
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [present] = await (await cursor.execute(PRESENT, asked)).fetchall()
    return frozenset(present)


async def find_trace(
    conn: ReadConnection, *, tenant_id: int, trace_id: uuid.UUID
) -> tuple[StoredTrace, list[StoredHit]]:
    """Look one of this person's traces up, with the hits that he may still see.

    Raises:
        Missing: he has none of that id.
    """
    asked = {"tenant_id": tenant_id, "id": trace_id}
    async with conn.cursor(row_factory=class_row(StoredTrace)) as cursor:
        trace = await (await cursor.execute(FIND, asked)).fetchone()
    if trace is None:
        raise Missing(f"There is no trace {trace_id} that you may see.")
    async with conn.cursor(row_factory=class_row(StoredHit)) as cursor:
        return trace, await (await cursor.execute(FIND_HITS, asked)).fetchall()


async def list_traces(
    conn: ReadConnection, *, tenant_id: int, before: uuid.UUID | None = None, limit: int = 50
) -> list[StoredTrace]:
    """List this person's traces, the newest first, those before `before`."""
    asked = {"tenant_id": tenant_id, "before": before, "limit": limit}
    async with conn.cursor(row_factory=class_row(StoredTrace)) as cursor:
        return await (await cursor.execute(LIST, asked)).fetchall()


async def _add(conn: Connection, traces: Sequence[Trace]) -> None:
    traces = await _without_what_is_gone(conn, traces)
    async with conn.cursor() as cursor:
        await cursor.execute(ADD_TRACES, {"traces": Jsonb([_row(trace) for trace in traces])})
        answers = [_answer_row(trace) for trace in traces if trace.answer]
        await cursor.execute(ADD_HITS, _hit_columns(traces))
        if answers:
            await cursor.executemany(ADD_ANSWER, answers)
        dropped = {passage for trace in traces for v in trace.verdicts for passage in v.passages}
        if dropped:
            await cursor.execute(FLAG, {"passages": sorted(dropped), "now": now()})
    await _keep_scores(conn, [each for trace in traces for each in trace.scored])
    await keep_answers(conn, [trace for trace in traces if trace.reusable and trace.answer])


async def _keep_scores(conn: Connection, scored: Sequence[ScoredPassage]) -> None:
    """Keep what was scored when it was read; a passage that goes meanwhile loses no trace."""
    if not scored:
        return
    rows = [each.model_dump(mode="json") for each in scored]
    with suppress(psycopg.errors.ForeignKeyViolation):
        async with conn.transaction():
            await conn.execute(KEEP_SCORES, {"scores": Jsonb(rows)})


async def _without_what_is_gone(conn: Connection, traces: Sequence[Trace]) -> list[Trace]:
    """Take from traces the text of documents, and of people, that were deleted meanwhile."""
    told = {hit.document_id for trace in traces for hit in trace.hits if _tells(trace)}
    present = await present_documents(conn, told)
    people = sorted({trace.begun.pseudonym for trace in traces})
    rows = await (await conn.execute(FORGOTTEN, {"pseudonyms": people})).fetchall()
    forgotten: dict[str, datetime | None] = dict(rows)
    return [_remaining(trace, present=present, forgotten=forgotten) for trace in traces]


def _remaining(
    trace: Trace, *, present: frozenset[uuid.UUID], forgotten: Mapping[str, datetime | None]
) -> Trace:
    who = trace.begun.pseudonym
    until = forgotten.get(who)  # None: until the deletion, which is under way, has ended
    if who in forgotten and (until is None or trace.begun.started_at <= until):
        return anonymous(trace)
    if _tells(trace) and not {hit.document_id for hit in trace.hits} <= present:
        return wordless(trace)
    return trace


def _tells(trace: Trace) -> bool:
    return bool(trace.answer or trace.problem)


def _row(trace: Trace) -> Mapping[str, object]:
    apart = {"begun", "hits", "answer", "stages", "verdicts", "scored", "reusable"}
    stages = [stage.model_dump(mode="json", exclude_defaults=True) for stage in trace.stages]
    verdicts = [each.model_dump(mode="json", exclude_defaults=True) for each in trace.verdicts]
    begun = trace.begun.model_dump(mode="json")
    whole = trace.model_dump(mode="json", exclude=apart)
    return whole | begun | {"stages": stages, "verdicts": verdicts}


def _hit_columns(traces: Sequence[Trace]) -> dict[str, object]:
    """Lay all hits out as columns: one statement for all, not one for each."""
    rows = [
        (trace.begun.id, rank, hit) for trace in traces for rank, hit in enumerate(trace.hits, 1)
    ]
    return {
        "tenant_id": traces[0].begun.tenant_id,
        "ids": [trace_id for trace_id, _, _ in rows],
        "ranks": [rank for _, rank, _ in rows],
        "document_ids": [hit.document_id for _, _, hit in rows],
        "passage_ids": [hit.passage_id for _, _, hit in rows],
        "scores": [hit.score for _, _, hit in rows],
        "keyword_scores": [hit.keyword_score for _, _, hit in rows],
        "vector_scores": [hit.vector_score for _, _, hit in rows],
        "cited": [hit.cited for _, _, hit in rows],
    }


def _answer_row(trace: Trace) -> dict[str, object]:
    return {"tenant_id": trace.begun.tenant_id, "id": trace.begun.id, "text": trace.answer}
