"""What may be spent on models, and whether it is spent.

What is spent is read from the ledger, which counts an answer when its trace is stored, a moment
after it was given: answers that are being written at the same time may go beyond a limit by what
they cost.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Busy, Invalid, Missing, Unavailable
from roadworthy.plumbing.database import Connection, ReadConnection, WorkerConnection

Scope = Literal["tenant", "release", "key"]
Period = Literal["day", "month"]

LONGEST_UNSTORED_S = 60.0  # from then on what is stored says too little of what is spent

PUT = """
INSERT INTO budget (tenant_id, scope, name, period, soft_usd, hard_usd, soft_tokens, hard_tokens,
                    set_at)
VALUES (%(tenant_id)s, %(scope)s, %(name)s, %(period)s, %(soft_usd)s, %(hard_usd)s,
        %(soft_tokens)s, %(hard_tokens)s, %(now)s)
ON CONFLICT (tenant_id, scope, name, period) DO UPDATE
   SET soft_usd = excluded.soft_usd, hard_usd = excluded.hard_usd,
       soft_tokens = excluded.soft_tokens, hard_tokens = excluded.hard_tokens,
       set_at = excluded.set_at
"""
LIST = """
SELECT scope, name, period, soft_usd, hard_usd, soft_tokens, hard_tokens
  FROM budget
 WHERE tenant_id = %(tenant_id)s
 ORDER BY scope, name, period
"""
REMOVE = """
DELETE FROM budget
 WHERE tenant_id = %(tenant_id)s AND scope = %(scope)s AND name = %(name)s
   AND period = %(period)s
"""
FIND = """
SELECT scope, period, soft_usd, hard_usd, soft_tokens, hard_tokens, spent_usd, spent_tokens
  FROM budgets_of(%(release)s, %(key)s, %(today)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one scope in each period. Invariant: at least one is given."""

    scope: Scope
    name: str  # of the release; the key's id; "" of the tenant
    period: Period  # in UTC
    soft_usd: Decimal | None  # from then on, answers say so
    hard_usd: Decimal | None  # from then on, no chat model is called
    soft_tokens: int | None  # read and written
    hard_tokens: int | None

    @property
    def told(self) -> str:
        """Say all of it in one line."""
        limits = {
            "soft USD": self.soft_usd,
            "hard USD": self.hard_usd,
            "soft tokens": self.soft_tokens,
            "hard tokens": self.hard_tokens,
        }
        of_it = " ".join(each for each in (self.scope, self.name, self.period) if each)
        said = [f"{what} {limit}" for what, limit in limits.items() if limit is not None]
        return f"{of_it}: {', '.join(said)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A budget, and what is spent of it."""

    scope: Scope
    period: Period
    soft_usd: Decimal | None
    hard_usd: Decimal | None
    soft_tokens: int | None
    hard_tokens: int | None
    spent_usd: Decimal  # of calls whose price is known
    spent_tokens: int

    @property
    def is_spent(self) -> bool:
        """Tell whether no model may be called."""
        return self._has_reached(self.hard_usd, self.hard_tokens)

    @property
    def is_low(self) -> bool:
        """Tell whether answers say so."""
        return self._has_reached(self.soft_usd, self.soft_tokens)

    @property
    def is_hard(self) -> bool:
        """Tell whether anything ends when it is spent."""
        return self.hard_usd is not None or self.hard_tokens is not None

    @property
    def told(self) -> str:
        """Name it, without its figures: not everybody who asks may know them."""
        return f"the budget of the {self.scope} for this {self.period}"

    def _has_reached(self, usd: Decimal | None, tokens: int | None) -> bool:
        return (usd is not None and self.spent_usd >= usd) or (
            tokens is not None and self.spent_tokens >= tokens
        )


async def put_budget(conn: WorkerConnection, budget: Budget, *, tenant_id: int) -> None:
    """Set the limits of a scope and a period anew.

    Raises:
        Invalid: it limits nothing, names what has no name or no name, or warns after it has ended.
    """
    limits = (budget.soft_usd, budget.hard_usd, budget.soft_tokens, budget.hard_tokens)
    if all(limit is None for limit in limits):
        raise Invalid("A budget has a limit: --hard-usd, --soft-usd, --hard-tokens, --soft-tokens.")
    if (budget.scope == "tenant") != (budget.name == ""):
        raise Invalid("Name the release or the key; the budget of the tenant has no name.")
    for soft, hard in (
        (budget.soft_usd, budget.hard_usd),
        (budget.soft_tokens, budget.hard_tokens),
    ):
        if soft is not None and hard is not None and soft > hard:
            raise Invalid("A soft limit is at most the hard one, or nobody would be warned.")
    if any(limit is not None and limit < 0 for limit in limits):
        raise Invalid("A limit is 0 or more.")
    values = {
        "scope": budget.scope,
        "name": budget.name,
        "period": budget.period,
        "soft_usd": budget.soft_usd,
        "hard_usd": budget.hard_usd,
        "soft_tokens": budget.soft_tokens,
        "hard_tokens": budget.hard_tokens,
    }
    await conn.execute(PUT, values | {"tenant_id": tenant_id, "now": now()})


async def list_budgets(conn: Connection, *, tenant_id: int) -> list[Budget]:
    """List the budgets of a tenant, by scope and name."""
    async with conn.cursor(row_factory=class_row(Budget)) as cursor:
        return await (await cursor.execute(LIST, {"tenant_id": tenant_id})).fetchall()


async def remove_budget(
    conn: WorkerConnection, *, tenant_id: int, scope: Scope, name: str, period: Period
) -> None:
    """Limit it no longer.

    Raises:
        Missing: there is none.
    """
    asked = {"tenant_id": tenant_id, "scope": scope, "name": name, "period": period}
    if not (await conn.execute(REMOVE, asked)).rowcount:
        raise Missing("There is no such budget; `roadworthy budget list` shows those that exist.")


async def check_budgets(
    conn: ReadConnection, *, release: str, key_id: uuid.UUID | None, unstored_s: float
) -> list[str]:
    """Let a model be called as long as no hard limit is reached: closed, where that is unknown.

    Args:
        conn: reads what is spent.
        release: that would call it.
        key_id: of who asks.
        unstored_s: for how long something that was spent here has not been stored.

    Returns: a sentence for each budget whose soft limit is reached.

    Raises:
        Busy: a hard limit is reached; the fact `retry_after_s` says when the period ends.
        Unavailable: there is a hard limit, and what is spent has not been stored for too long.
    """
    moment = now()
    asked = {"release": release, "key": str(key_id or ""), "today": moment.date()}
    async with conn.cursor(row_factory=class_row(Standing)) as cursor:
        standings = await (await cursor.execute(FIND, asked)).fetchall()
    _check_hard(standings, moment)
    if unstored_s > LONGEST_UNSTORED_S and any(each.is_hard for each in standings):
        raise Unavailable(
            "What answers have cost cannot be stored, so nobody can say what may be spent; the log "
            "of this process says why."
        )
    return [f"{each.told.capitalize()} is nearly spent." for each in standings if each.is_low]


def _check_hard(standings: Sequence[Standing], moment: datetime) -> None:
    spent = [each for each in standings if each.is_spent]
    if spent:
        last = max(spent, key=lambda each: period_end(each.period, moment))
        seconds = int((period_end(last.period, moment) - moment).total_seconds()) + 1
        raise Busy(
            f"{last.told.capitalize()} is spent; ask again when it has ended, or let the operator "
            "raise it (`roadworthy budget`).",
            retry_after_s=seconds,
        )


def period_end(period: Period, moment: datetime) -> datetime:
    """Say when the day or the month of a moment ends, in UTC."""
    day = moment.astimezone(UTC).date()
    if period == "day":
        following = day + timedelta(days=1)
    else:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(following, time(), tzinfo=UTC)
