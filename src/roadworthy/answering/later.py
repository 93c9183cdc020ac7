"""Questions that are answered later: kept, leased by one worker at a time, answered as their asker.

The asker's groups and clearance are those of the moment when his question is answered, and he
reads the answer only while he may read every passage that it was made from.
"""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.rows import class_row, kwargs_row, scalar_row
from psycopg.types.json import Json
from pydantic import TypeAdapter, ValidationError

from roadworthy.answering import webhooks
from roadworthy.answering.records import Answer, Asked
from roadworthy.answering.webhooks import Delivery
from roadworthy.core.clock import now
from roadworthy.core.errors import Busy, Conflict, Missing
from roadworthy.core.identity import Principal
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import ReadConnection, WorkerConnection, WriteConnection
from roadworthy.plumbing.retries import BUG, POLICIES, UNCOUNTED

MOST_WAITING = 1_000  # questions of a tenant
FULL_FOR_S = 15  # what a client is told to wait
LEASE = timedelta(seconds=30)
MOST_WAITS = 30  # for what is down, about an hour in all; then the question has failed
IN_LINE = timedelta(days=1)  # for a turn at what is at its limit; then it has failed, too
LONGEST_PAUSE_S = 300.0  # in that line, unless a longer one is told
KEPT = timedelta(days=7)
MOST_KEPT = 1_000  # answers of a person
ASKED, ANSWER = TypeAdapter(Asked), TypeAdapter(Answer)
State = Literal["queued", "running", "done", "failed"]

HAS_ROOM = "SELECT has_room_for_questions(%(most)s)"
KEEP = """
INSERT INTO kept_question (tenant_id, id, user_id, asked, state, run_at, created_at)
VALUES (%(tenant_id)s, %(id)s, %(user_id)s, %(asked)s, 'queued', %(now)s, %(now)s)
"""
FIND = """
SELECT kept_question.id, kept_question.state, problem_kind, created_at, finished_at,
       kept_answer.body AS answer, webhook.state AS webhook
  FROM kept_question LEFT JOIN kept_answer ON kept_answer.tenant_id = kept_question.tenant_id
                                          AND kept_answer.question_id = kept_question.id
                     LEFT JOIN webhook ON webhook.tenant_id = kept_question.tenant_id
                                      AND webhook.question_id = kept_question.id
 WHERE kept_question.tenant_id = %(tenant_id)s AND kept_question.id = %(id)s
"""
# First what a dead worker left. Then tenants that have something waiting are found by leaping
# through the index, however long their queues are: the one with the fewest questions running has
# its turn, then who was served longest ago; within a tenant people take turns in the same way, each
# with the oldest of his questions.
CLAIM = """
WITH RECURSIVE expired AS (
    SELECT tenant_id, id
      FROM kept_question
     WHERE state = 'running' AND leased_until < now()
     ORDER BY leased_until, id
     LIMIT 1
       FOR UPDATE SKIP LOCKED
), running AS MATERIALIZED (
    SELECT tenant_id, user_id FROM kept_question WHERE state = 'running' -- a few
), waiting AS (
    (SELECT tenant_id FROM kept_question
      WHERE state = 'queued'
      ORDER BY tenant_id, user_id, run_at -- as that index and no other has it
      LIMIT 1)
    UNION ALL
    SELECT following.tenant_id
      FROM waiting
     CROSS JOIN LATERAL (
           SELECT tenant_id FROM kept_question
            WHERE state = 'queued' AND tenant_id > waiting.tenant_id
            ORDER BY tenant_id, user_id, run_at
            LIMIT 1) AS following
), turn AS MATERIALIZED (
    SELECT waiting.tenant_id
      FROM waiting
     ORDER BY (SELECT count(*) FROM running WHERE running.tenant_id = waiting.tenant_id),
              (SELECT max(claimed_at) FROM kept_question AS other
                WHERE other.tenant_id = waiting.tenant_id) NULLS FIRST,
              waiting.tenant_id
), due AS (
    SELECT oldest.tenant_id, oldest.id
      FROM turn
     CROSS JOIN LATERAL (
           WITH RECURSIVE asker AS (
               (SELECT user_id FROM kept_question AS other
                 WHERE other.tenant_id = turn.tenant_id AND state = 'queued'
                 ORDER BY user_id, run_at
                 LIMIT 1)
               UNION ALL
               SELECT following.user_id
                 FROM asker
                CROSS JOIN LATERAL (
                      SELECT user_id FROM kept_question AS other
                       WHERE other.tenant_id = turn.tenant_id AND state = 'queued'
                         AND user_id > asker.user_id
                       ORDER BY user_id, run_at
                       LIMIT 1) AS following
           )
           SELECT asker.user_id
             FROM asker
            ORDER BY (SELECT count(*) FROM running
                       WHERE running.tenant_id = turn.tenant_id
                         AND running.user_id = asker.user_id),
                     (SELECT max(claimed_at) FROM kept_question AS other
                       WHERE other.tenant_id = turn.tenant_id
                         AND other.user_id = asker.user_id) NULLS FIRST,
                     asker.user_id) AS person
     CROSS JOIN LATERAL (
           SELECT tenant_id, id
             FROM kept_question AS other
            WHERE other.tenant_id = turn.tenant_id AND other.user_id = person.user_id
              AND state = 'queued' AND run_at <= now()
            ORDER BY run_at, id
            LIMIT 1
              FOR UPDATE SKIP LOCKED) AS oldest
     LIMIT 1
), chosen AS MATERIALIZED (
    (SELECT tenant_id, id FROM expired UNION ALL SELECT tenant_id, id FROM due) LIMIT 1
)
UPDATE kept_question
   SET state = 'running', attempts = attempts + 1, lease = %(lease)s,
       leased_until = now() + %(lease_for)s, claimed_at = now()
  FROM chosen
 WHERE kept_question.tenant_id = chosen.tenant_id AND kept_question.id = chosen.id
RETURNING kept_question.tenant_id, kept_question.id, user_id, asked, attempts, waits, lease,
          created_at
"""
PROLONG = """
UPDATE kept_question SET leased_until = now() + %(lease_for)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s
"""
PUT_BACK = """
UPDATE kept_question
   SET state = 'queued', run_at = now() + %(after)s, lease = NULL, leased_until = NULL,
       attempts = attempts - %(untried)s, waits = waits + %(uncounted)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s
"""
FINISH = """
UPDATE kept_question
   SET state = %(state)s, problem_kind = %(kind)s, finished_at = %(now)s, lease = NULL,
       leased_until = NULL, asked = NULL
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND lease = %(lease)s
"""
# The documents stay until the answer is there to go with them.
LOCK_DOCUMENTS = """
SELECT id FROM document
 WHERE tenant_id = %(tenant_id)s
   AND id IN (SELECT document_id FROM passage
               WHERE tenant_id = %(tenant_id)s AND id = ANY (%(passages)s))
 ORDER BY id
   FOR KEY SHARE
"""
COUNT_PASSAGES = """
SELECT count(*) FROM passage
 WHERE tenant_id = %(tenant_id)s AND id = ANY (%(passages)s)
   AND document_id = ANY (%(documents)s)
"""
KEEP_ANSWER = """
INSERT INTO kept_answer (tenant_id, question_id, body, documents, passages)
VALUES (%(tenant_id)s, %(id)s, %(body)s, %(documents)s, %(passages)s)
ON CONFLICT DO NOTHING
"""
# However many there are, whoever is to be told is told first.
DROP_OLD = """
WITH bound AS MATERIALIZED (
    SELECT principal.user_id, latest.finished_at
      FROM principal
     CROSS JOIN LATERAL (
           SELECT finished_at FROM kept_question
            WHERE tenant_id = %(tenant_id)s AND kept_question.user_id = principal.user_id
              AND finished_at IS NOT NULL
            ORDER BY finished_at DESC
           OFFSET %(most)s - 1
            LIMIT 1) AS latest
     WHERE principal.tenant_id = %(tenant_id)s
)
DELETE FROM kept_question
 WHERE tenant_id = %(tenant_id)s
   AND id IN (
       SELECT id FROM kept_question WHERE tenant_id = %(tenant_id)s AND finished_at < %(before)s
        UNION ALL
       SELECT old.id
         FROM bound JOIN kept_question AS old ON old.user_id = bound.user_id
                                             AND old.finished_at < bound.finished_at
        WHERE old.tenant_id = %(tenant_id)s
          AND NOT EXISTS (SELECT FROM webhook
                           WHERE webhook.tenant_id = %(tenant_id)s
                             AND question_id = old.id AND state = 'waiting'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptQuestion:
    """How far a question is, and its answer while the asker may read it."""

    id: uuid.UUID
    state: State
    problem_kind: str | None  # a word of the error tree, or bug
    created_at: datetime
    finished_at: datetime | None
    answer: Answer | None  # None though it is done: what it was made from has changed or gone
    webhook: Delivery | None  # None: nobody is to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionLease:
    """The right to answer one question, for a while."""

    tenant_id: int
    id: uuid.UUID
    user_id: str
    asked: object  # JSON, as an earlier version may have kept it
    attempts: int  # this one included
    waits: int
    lease: uuid.UUID
    created_at: datetime

    @property
    def question(self) -> Asked:
        """Read what was asked.

        Raises:
            ValidationError: it was kept by a version that this one does not understand.
        """
        return ASKED.validate_python(self.asked)


async def keep(conn: WriteConnection, principal: Principal, asked: Asked) -> uuid.UUID:
    """Keep a question in the caller's transaction; a worker answers it after that.

    Raises:
        Busy: too many questions of the tenant wait, or too many of his for what room is left.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        if not await (await cursor.execute(HAS_ROOM, {"most": MOST_WAITING})).fetchone():
            raise Busy(
                f"Of {MOST_WAITING} places for questions that wait, too few are left beside yours; "
                "ask again later.",
                retry_after_s=FULL_FOR_S,
            )
    question_id = new_id()
    kept = {
        "tenant_id": principal.tenant_id,
        "id": question_id,
        "user_id": principal.user_id,
        "asked": Json(ASKED.dump_python(asked, mode="json")),
        "now": now(),
    }
    await conn.execute(KEEP, kept)
    return question_id


async def find(conn: ReadConnection, *, tenant_id: int, question_id: uuid.UUID) -> KeptQuestion:
    """Look a question of one's own up.

    Raises:
        Missing: there is none of that id, or it was kept long enough.
    """
    async with conn.cursor(row_factory=kwargs_row(_kept)) as cursor:
        asked = {"tenant_id": tenant_id, "id": question_id}
        found = await (await cursor.execute(FIND, asked)).fetchone()
    if found is None:
        raise Missing(f"There is no question {question_id} that you asked.")
    return found


async def claim(conn: WorkerConnection) -> QuestionLease | None:
    """Take the question whose turn it is, or one whose worker died; None when there is none."""
    async with conn.cursor(row_factory=class_row(QuestionLease)) as cursor:
        told = {"lease": new_id(), "lease_for": LEASE}
        return await (await cursor.execute(CLAIM, told)).fetchone()


async def prolong(conn: WorkerConnection, lease: QuestionLease) -> bool:
    """Hold a question for longer; False when it is no longer ours."""
    prolonged = await conn.execute(PROLONG, _of(lease) | {"lease_for": LEASE})
    return prolonged.rowcount == 1


async def complete(conn: WorkerConnection, lease: QuestionLease, answer: Answer) -> None:
    """Keep the answer, and end the question; both or neither.

    Raises:
        Conflict: what it was made from has changed meanwhile, or the question is no longer ours.
    """
    asked = _of(lease) | {"passages": list(answer.made_from)}
    rows = await (await conn.execute(LOCK_DOCUMENTS, asked)).fetchall()
    asked |= {"documents": [document_id for (document_id,) in rows]}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [present] = await (await cursor.execute(COUNT_PASSAGES, asked)).fetchall()
    if present < len(answer.made_from):
        raise Conflict("A document that this answer was made from has changed.")
    await conn.execute(KEEP_ANSWER, asked | {"body": _body(answer)})
    await _finish(conn, lease, state="done", kind=None)


async def put_back(
    conn: WorkerConnection,
    lease: QuestionLease,
    *,
    kind: str,
    is_paid: bool = False,
    told_s: float = 0.0,
) -> None:
    """Let a question wait by the kind of its problem, or fail it when it has waited enough.

    Args:
        is_paid: a model took something up in this try, which is then not made often.
        told_s: what is busy says after how long to come again.

    Raises:
        Conflict: it is no longer ours.
    """
    is_counted = is_paid or kind not in UNCOUNTED
    is_in_line = kind == Busy.kind and not is_counted
    if is_in_line:
        pause = _turn(lease, told_s=told_s)
    else:
        pause = _pause(lease, kind=kind, is_counted=is_counted, told_s=told_s)
    if pause is None:
        await _finish(conn, lease, state="failed", kind=kind)
        return
    # A turn that has not come yet says nothing of question or model: no try, and no wait for one.
    told = {"after": pause, "untried": int(is_in_line)}
    told |= {"uncounted": int(not is_counted and not is_in_line)}
    await conn.execute(PUT_BACK, _of(lease) | told)


async def give_back(conn: WorkerConnection, lease: QuestionLease) -> None:
    """Put a question back untried, to be claimed at once."""
    told = {"after": timedelta(), "untried": 1, "uncounted": 0}
    await conn.execute(PUT_BACK, _of(lease) | told)


async def drop_old(conn: WorkerConnection, *, tenant_id: int) -> int:
    """Delete what was kept long enough; returns how many questions."""
    asked = {"tenant_id": tenant_id, "before": now() - KEPT, "most": MOST_KEPT}
    return (await conn.execute(DROP_OLD, asked)).rowcount


def is_worn_out(lease: QuestionLease) -> bool:
    """Tell whether its workers died as often as is allowed."""
    return lease.attempts - lease.waits - 1 > POLICIES[BUG].most


def _pause(lease: QuestionLease, *, kind: str, is_counted: bool, told_s: float) -> timedelta | None:
    """Draw how long it waits; None: it was tried often enough."""
    if is_counted:
        policy = POLICIES[BUG if kind in UNCOUNTED else kind]
        pause = policy.pause(lease.attempts - lease.waits - 1)
        return None if pause is None else max(pause, timedelta(seconds=told_s))
    return POLICIES[kind].pause(lease.waits) if lease.waits < MOST_WAITS else None


def _turn(lease: QuestionLease, *, told_s: float) -> timedelta | None:
    """Draw how long it stays in line before it asks again; None: beyond its day.

    Who has waited for long asks less often: with as many in line as there may be, nearly all ask
    in vain.
    """
    waited = now() - lease.created_at
    longest_s = min(max(waited.total_seconds(), 1.0), LONGEST_PAUSE_S)
    drawn_s = random.uniform(0, longest_s)  # noqa: S311 - as in retries
    pause = timedelta(seconds=max(drawn_s, told_s))
    return pause if waited + pause <= IN_LINE else None


async def _finish(
    conn: WorkerConnection, lease: QuestionLease, *, state: State, kind: str | None
) -> None:
    finished = await conn.execute(FINISH, _of(lease) | {"state": state, "kind": kind, "now": now()})
    if finished.rowcount != 1:
        raise Conflict("The question was taken over by another worker.")
    await webhooks.make_due(conn, tenant_id=lease.tenant_id, question_id=lease.id)


def _kept(*, answer: object, **columns: Any) -> KeptQuestion:  # noqa: ANN401 - as selected
    try:
        read = None if answer is None else ANSWER.validate_python(answer)
    except ValidationError:
        read = None  # by a version that this one does not understand
    return KeptQuestion(answer=read, **columns)


def _body(answer: Answer) -> Json:
    # PostgreSQL holds no NUL, which a model may well write.
    return Json(ANSWER.dump_json(answer).replace(b"\\u0000", b"\\ufffd"), dumps=bytes)


def _of(lease: QuestionLease) -> dict[str, object]:
    return {"tenant_id": lease.tenant_id, "id": lease.id, "lease": lease.lease}
