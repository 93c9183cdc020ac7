"""Who is told when his question has ended: kept with the question, tried until it works or ends.

A message says which question has ended and how; the answer itself is fetched by whoever may read
it. It is delivered at least once, by the question's id, so that a receiver knows it again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from psycopg.rows import class_row
from pydantic import TypeAdapter

from roadworthy.core.identity import Principal
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import WorkerConnection, WriteConnection
from roadworthy.plumbing.retries import Retries

LEASE = timedelta(seconds=30)  # a message takes at most ten
AT_ONCE = 6  # messages to one origin, of all workers, about
AT_ONCE_OF_TENANT = 2  # of these
TRIES = Retries(first_s=10, longest_s=21_600, most=16)  # over some 17 hours
Delivery = Literal["waiting", "delivered", "failed"]

KEEP = """
INSERT INTO webhook (tenant_id, question_id, url, origin, state)
VALUES (%(tenant_id)s, %(question_id)s, %(url)s, %(origin)s, 'waiting')
"""
MAKE_DUE = """
UPDATE webhook SET run_at = now()
 WHERE tenant_id = %(tenant_id)s AND question_id = %(question_id)s AND state = 'waiting'
"""
# Tenants that have something waiting at an origin are found by leaping through the index. Of the
# origins that are not told enough things at this moment, the one that was told longest ago has its
# turn, and there the tenant that was: one whose receivers are slow or dead keeps no other waiting.
CLAIM = """
WITH RECURSIVE waiting AS (
    SELECT allowed.origin, claimed_at, oldest.tenant_id
      FROM unnest(%(origins)s::text[]) AS allowed (origin)
     CROSS JOIN LATERAL (
           SELECT max(claimed_at) AS claimed_at FROM webhook
            WHERE webhook.origin = allowed.origin) AS told
     CROSS JOIN LATERAL (
           SELECT tenant_id FROM webhook
            WHERE webhook.origin = allowed.origin AND state = 'waiting'
            ORDER BY tenant_id, run_at -- as that index and no other has it
            LIMIT 1) AS oldest
     WHERE %(at_once)s > (SELECT count(*) FROM webhook
                           WHERE webhook.origin = allowed.origin
                             AND lease IS NOT NULL AND run_at > now())
    UNION ALL
    SELECT waiting.origin, waiting.claimed_at, following.tenant_id
      FROM waiting
     CROSS JOIN LATERAL (
           SELECT tenant_id FROM webhook
            WHERE webhook.origin = waiting.origin AND state = 'waiting'
              AND tenant_id > waiting.tenant_id
            ORDER BY tenant_id, run_at
            LIMIT 1) AS following
), turn AS MATERIALIZED (
    SELECT waiting.origin, waiting.tenant_id
      FROM waiting
     WHERE %(at_once_of_tenant)s > (SELECT count(*) FROM webhook
                                     WHERE webhook.origin = waiting.origin
                                       AND webhook.tenant_id = waiting.tenant_id
                                       AND lease IS NOT NULL AND run_at > now())
     ORDER BY waiting.claimed_at NULLS FIRST, waiting.origin,
              (SELECT max(claimed_at) FROM webhook
                WHERE webhook.origin = waiting.origin
                  AND webhook.tenant_id = waiting.tenant_id) NULLS FIRST,
              waiting.tenant_id
), chosen AS MATERIALIZED (
    SELECT oldest.tenant_id, oldest.question_id
      FROM turn
     CROSS JOIN LATERAL (
           SELECT tenant_id, question_id
             FROM webhook
            WHERE webhook.origin = turn.origin AND webhook.tenant_id = turn.tenant_id
              AND state = 'waiting' AND run_at <= now()
            ORDER BY run_at
            LIMIT 1
              FOR UPDATE SKIP LOCKED) AS oldest
     LIMIT 1
)
UPDATE webhook
   SET attempts = webhook.attempts + 1, lease = %(lease)s, claimed_at = now(),
       run_at = now() + %(lease_for)s
  FROM chosen JOIN kept_question ON kept_question.tenant_id = chosen.tenant_id
                                AND kept_question.id = chosen.question_id
 WHERE webhook.tenant_id = chosen.tenant_id AND webhook.question_id = chosen.question_id
RETURNING webhook.tenant_id, webhook.question_id, url, origin, webhook.attempts, webhook.lease,
          kept_question.state, problem_kind, finished_at
"""
FINISH = """
UPDATE webhook SET state = %(state)s, url = NULL, run_at = NULL, lease = NULL
 WHERE tenant_id = %(tenant_id)s AND question_id = %(question_id)s AND lease = %(lease)s
"""
PUT_BACK = """
UPDATE webhook SET run_at = now() + %(after)s, lease = NULL
 WHERE tenant_id = %(tenant_id)s AND question_id = %(question_id)s AND lease = %(lease)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is said of the question."""

    id: uuid.UUID
    state: str  # done, failed
    problem_kind: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a receiver is told."""

    type: str  # answer.done, answer.failed
    timestamp: datetime  # when the question ended
    data: Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLease:
    """The right to tell one receiver, for a while."""

    tenant_id: int
    question_id: uuid.UUID
    url: str
    origin: str
    attempts: int  # this one included
    lease: uuid.UUID
    state: str  # of the question
    problem_kind: str | None
    finished_at: datetime

    def __repr__(self) -> str:
        """Leave the address out: it may hold a password."""
        return f"WebhookLease(question_id={self.question_id}, origin={self.origin!r})"

    @property
    def is_worn_out(self) -> bool:
        """Tell whether it was tried as often as is allowed; the last worker died over it."""
        return self.attempts - 1 > TRIES.most

    @property
    def body(self) -> bytes:
        """The message, the same at each try."""
        ended = Ended(id=self.question_id, state=self.state, problem_kind=self.problem_kind)
        kind = f"answer.{self.state}"
        return MESSAGE.dump_json(Message(type=kind, timestamp=self.finished_at, data=ended))


MESSAGE = TypeAdapter(Message)


async def keep(
    conn: WriteConnection, principal: Principal, *, question_id: uuid.UUID, url: str, origin: str
) -> None:
    """Keep where a question's end is to be told, in the transaction that keeps the question."""
    asked = {"tenant_id": principal.tenant_id, "question_id": question_id}
    await conn.execute(KEEP, asked | {"url": url, "origin": origin})


async def make_due(conn: WorkerConnection, *, tenant_id: int, question_id: uuid.UUID) -> None:
    """Let it be told, from when the caller's transaction, which ends the question, commits."""
    await conn.execute(MAKE_DUE, {"tenant_id": tenant_id, "question_id": question_id})


async def claim(conn: WorkerConnection, *, origins: Sequence[str]) -> WebhookLease | None:
    """Take the message whose turn it is; None when none is due.

    Args:
        origins: those that may be told; what is for another one waits.
    """
    asked = {
        "origins": list(origins),
        "at_once": AT_ONCE,
        "at_once_of_tenant": AT_ONCE_OF_TENANT,
        "lease": new_id(),
        "lease_for": LEASE,
    }
    async with conn.cursor(row_factory=class_row(WebhookLease)) as cursor:
        return await (await cursor.execute(CLAIM, asked)).fetchone()


async def finish(conn: WorkerConnection, lease: WebhookLease, *, state: Delivery) -> None:
    """End it, unless somebody else has it by now."""
    await conn.execute(FINISH, _of(lease) | {"state": state})


async def put_back(conn: WorkerConnection, lease: WebhookLease) -> None:
    """Let it be tried again after a pause; tried enough, it has failed."""
    pause = TRIES.pause(lease.attempts - 1)
    if pause is None:
        await finish(conn, lease, state="failed")
    else:
        await conn.execute(PUT_BACK, _of(lease) | {"after": pause})


def _of(lease: WebhookLease) -> dict[str, object]:
    return {"tenant_id": lease.tenant_id, "question_id": lease.question_id, "lease": lease.lease}
