"""Answers that may be given again, and to whom: the table `cached_answer`.

A row goes with the answer of its trace, by a foreign key. PostgreSQL shows it to those alone who
may read, now, all that it was made from (sql/repeatable/reuse.sql).
"""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import psycopg
import structlog
from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.spaces import Vectors
from roadworthy.plumbing.database import Connection, ReadConnection
from roadworthy.traces.records import OF_CHAT, Reusable, Trace

log = structlog.get_logger(__name__)

MOST_KEPT = 2_000  # of a tenant, and until the next trimming
TRIMMED_BY_ONE_IN = 32  # answers that are kept
KEPT_FOR = timedelta(days=7)
MOST_ALIKE = 8  # that are looked at for one question
# A change bears the time of its statement and is seen from its commit on, which may wait for a
# lock (10 s) and a further statement (30 s); and clocks of hosts differ.
SETTLED_AFTER = timedelta(seconds=45)

ADD = """
INSERT INTO cached_answer (tenant_id, trace_id, release_hash, space_id, language, filters, question,
                           vector, text, made_from, cited, numbers, asked_at, input_tokens,
                           output_tokens, cost_usd)
VALUES (%(tenant_id)s, %(trace_id)s, %(release_hash)s, %(space_id)s, %(language)s, %(filters)s,
        %(question)s, %(vector)s::real[]::halfvec, %(text)s, %(made_from)s, %(cited)s, %(numbers)s,
        %(asked_at)s, %(input_tokens)s, %(output_tokens)s, %(cost_usd)s)
ON CONFLICT DO NOTHING
"""
WAIT_BRIEFLY = "SET LOCAL lock_timeout = '250ms'"
TRIM = "SELECT trim_cached_answers(%(most)s, %(since)s)"
# Not where a document of either changed since: a new one may say more, an old one something else.
# Nor where a passage is of an audience that none was of: who asked first may not have seen it.
FIND = """
SELECT trace_id, question, text, cited, numbers, input_tokens, output_tokens, cost_usd,
       made_from,
       ARRAY(SELECT passage.document_id
               FROM unnest(made_from) WITH ORDINALITY AS source (id, place)
               JOIN passage ON passage.tenant_id = %(tenant_id)s AND passage.id = source.id
              ORDER BY source.place) AS documents
  FROM cached_answer
 WHERE tenant_id = %(tenant_id)s
   AND trace_id = ANY ((SELECT alike_answers(
           %(release_hash)s, %(space_id)s, %(language)s, %(filters)s, %(vector)s::real[]::halfvec,
           %(least)s, %(given)s, %(best)s, %(since)s, %(most)s))::uuid[])
   AND NOT EXISTS (
       SELECT FROM passage JOIN document ON document.tenant_id = passage.tenant_id
                                        AND document.id = passage.document_id
        WHERE passage.tenant_id = %(tenant_id)s AND passage.id = ANY (made_from || %(given)s)
          AND greatest(document.updated_at, document.reshared_at) >= asked_at - %(settled)s)
   AND NOT EXISTS (
       SELECT FROM passage
        WHERE tenant_id = %(tenant_id)s AND id = ANY (%(given)s)
          AND acl_id <> ALL (ARRAY(SELECT acl_id FROM passage
                                    WHERE tenant_id = %(tenant_id)s AND id = ANY (made_from))))
 ORDER BY vector <=> %(vector)s::real[]::halfvec, asked_at DESC, trace_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A question, and what was read for it."""

    release_hash: str
    space_id: int
    vector: Vectors  # of the question in that space, shape (dimension,)
    language: str
    filters: Sequence[str]
    given: Sequence[int]  # passages that were read
    best: Sequence[int]  # those among them that an answer must have been made from


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer to a question of nearly the same meaning, from what the asker may read."""

    trace_id: uuid.UUID
    question: str
    text: str
    cited: list[int]  # passages
    numbers: list[int]  # of them, as in [1]
    made_from: list[int]  # passages, cited or not
    documents: list[uuid.UUID]  # of those passages, one each
    input_tokens: int  # that its model read
    output_tokens: int
    cost_usd: Decimal | None  # None: no price is known

    @property
    def sources(self) -> list[tuple[int, uuid.UUID]]:
        """Give the passages that it was made from, each with its document."""
        return list(zip(self.made_from, self.documents, strict=True))


def reusable(*, space_id: int, vector: Vectors, cited: Sequence[tuple[int, int]]) -> Reusable:
    """Say what an answer is found by, as a trace carries it."""
    packed = base64.b64encode(vector.astype("<f2").tobytes()).decode()
    return Reusable(space_id=space_id, vector=packed, cited=tuple(cited))


async def keep_answers(conn: Connection, traces: Sequence[Trace]) -> None:
    """Keep the answers of traces that say what they are found by; now and then the oldest go.

    Where they cannot be kept, soon, the traces go on being stored: a later question is a miss.
    """
    if not traces:
        return
    try:
        async with conn.transaction(), conn.cursor() as cursor:
            await cursor.execute(WAIT_BRIEFLY)
            await cursor.executemany(ADD, [_row(trace) for trace in traces])
            if any(trace.begun.id.int % TRIMMED_BY_ONE_IN == 0 for trace in traces):
                await cursor.execute(TRIM, {"most": MOST_KEPT, "since": _oldest()})
    except psycopg.Error as error:
        log.warning("answers are not kept", answers=len(traces), reason=type(error).__name__)


async def find_alike(
    conn: ReadConnection, sought: Sought, *, tenant_id: int, least: float
) -> list[KeptAnswer]:
    """Find answers from what the principal of `conn` may read, the nearest question first.

    Each cites only what he was given to read, was made from the best of that, and is younger than
    the last change of text or readers of any document of either.

    Args:
        least: cosine of the two questions.
    """
    asked = {
        "tenant_id": tenant_id,
        "release_hash": sought.release_hash,
        "space_id": sought.space_id,
        "vector": sought.vector.tolist(),
        "language": sought.language,
        "filters": list(sought.filters),
        "given": list(sought.given),
        "best": list(sought.best),
        "least": least,
        "since": _oldest(),
        "most": MOST_ALIKE,
        "settled": SETTLED_AFTER,
    }
    async with conn.cursor(row_factory=class_row(KeptAnswer)) as cursor:
        return await (await cursor.execute(FIND, asked)).fetchall()


def _oldest() -> datetime:
    return now() - KEPT_FOR


def _row(trace: Trace) -> dict[str, object]:
    assert trace.reusable is not None
    assert trace.searched_for is not None
    vector = np.frombuffer(base64.b64decode(trace.reusable.vector), dtype="<f2")
    return {
        "tenant_id": trace.begun.tenant_id,
        "trace_id": trace.begun.id,
        "release_hash": trace.release_hash,
        "space_id": trace.reusable.space_id,
        "language": trace.language,
        "filters": list(trace.searched_for.filters),
        "question": trace.searched_for.text,
        "vector": vector.tolist(),
        "text": trace.answer,
        "made_from": list(dict.fromkeys(hit.passage_id for hit in trace.hits)),
        "cited": [passage_id for _, passage_id in trace.reusable.cited],
        "numbers": [number for number, _ in trace.reusable.cited],
        "asked_at": trace.begun.started_at,
        "input_tokens": trace.input_tokens,
        "output_tokens": trace.output_tokens,
        "cost_usd": _cost(trace),
    }


def _cost(trace: Trace) -> Decimal | None:
    """Tell what writing an answer cost; None when the price of one of its calls is not known."""
    wrote = [stage for stage in trace.stages if stage.name in OF_CHAT]
    costs = [stage.cost_usd for stage in wrote if stage.calls]
    if not costs or any(stage.unpriced for stage in wrote):
        return None
    return sum((cost for cost in costs if cost is not None), Decimal(0))
