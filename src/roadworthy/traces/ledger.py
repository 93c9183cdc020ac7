"""What answers took and cost, and what was spared: sums over the traces of a day.

A trigger counts each trace in the transaction that stores it (sql/repeatable/spending.sql).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Literal

from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.plumbing.database import Connection, WorkerConnection
from roadworthy.traces.records import OF_CHAT

MOST_DAYS = 400
By = Literal["release", "day", "tenant"]

READ = """
SELECT day, release, kind, name, times, ms, calls, input_tokens, output_tokens, cost_usd, unpriced
  FROM spending
 WHERE tenant_id = %(tenant_id)s AND day >= %(since)s AND kind <> 'key'
 ORDER BY day, release, kind, name
"""
READ_ALL = """
SELECT tenant, %(since)s::date AS day, release, kind, name, times, ms, calls, input_tokens,
       output_tokens, cost_usd, unpriced
  FROM spent_by_release(%(since)s, %(most)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What some answers, or one stage of them, took."""

    name: str  # of the outcome or the stage; why a model was spared
    times: int
    ms: float
    calls: int  # of models
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None  # of what has a known price; None: of nothing
    unpriced: int  # calls, or answers that were spared, without a known price


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The answers of one release, or day, or of the tenant."""

    of: str
    total: Spending
    outcomes: Sequence[Spending]
    stages: Sequence[Spending]
    avoided: Sequence[Spending]  # tokens of an unanswerable question are estimated
    # What the calls that were spared without a known price would have cost, if each had cost what a
    # call of a chat model did on the average; None: none has a known price.
    avoided_estimate_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    day: date
    release: str
    kind: str
    name: str
    times: int
    ms: float
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _TenantRow(_Row):
    tenant: str


async def read_costs(conn: Connection, *, tenant_id: int, by: By, days: int) -> list[Cost]:
    """Read what was spent today and on the days before, `days` in all, in UTC.

    Returns: a cost for each release or day, by name; for the tenant one, or none.
    """
    since = now().date() - timedelta(days=days - 1)
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        await cursor.execute(READ, {"tenant_id": tenant_id, "since": since})
        rows = await cursor.fetchall()
    keyed = sorted(((_key(row, by), row) for row in rows), key=lambda pair: pair[0])
    return [
        _cost(of, [row for _, row in some]) for of, some in groupby(keyed, key=lambda pair: pair[0])
    ]


async def read_all_costs(
    conn: WorkerConnection, *, since: date, most: int
) -> list[tuple[str, Cost]]:
    """Read what was spent since a day, in UTC, in each tenant by each release.

    Args:
        most: releases that are told apart, those that answered most.

    Returns: tenants with costs of a release; all others are told as one, without a name.
    """
    async with conn.cursor(row_factory=class_row(_TenantRow)) as cursor:
        await cursor.execute(READ_ALL, {"since": since, "most": most})
        rows = await cursor.fetchall()
    return [
        (tenant, _cost(release, list(some)))
        for (tenant, release), some in groupby(rows, key=lambda row: (row.tenant, row.release))
    ]


def _key(row: _Row, by: By) -> str:
    if by == "day":
        return row.day.isoformat()
    return row.release if by == "release" else "all"


def _cost(of: str, rows: Sequence[_Row]) -> Cost:
    by_kind = {
        kind: _summed([row for row in rows if row.kind == kind])
        for kind in ("outcome", "stage", "avoided")
    }
    total = _sum("all", [row for row in rows if row.kind == "outcome"])
    return Cost(
        of=of,
        total=total,
        outcomes=by_kind["outcome"],
        stages=by_kind["stage"],
        avoided=by_kind["avoided"],
        avoided_estimate_usd=_estimate(by_kind["stage"], by_kind["avoided"]),
    )


def _estimate(stages: Sequence[Spending], avoided: Sequence[Spending]) -> Decimal | None:
    written = [stage for stage in stages if stage.name in OF_CHAT]
    cost_usd = _known(stage.cost_usd for stage in written)
    priced = sum(stage.calls - stage.unpriced for stage in written)
    if cost_usd is None or priced <= 0:
        return None
    return cost_usd / priced * sum(each.unpriced for each in avoided)


def _summed(rows: Sequence[_Row]) -> list[Spending]:
    names = sorted({row.name for row in rows})
    return [_sum(name, [row for row in rows if row.name == name]) for name in names]


def _sum(name: str, rows: Sequence[_Row]) -> Spending:
    return Spending(
        name=name,
        times=sum(row.times for row in rows),
        ms=sum(row.ms for row in rows),
        calls=sum(row.calls for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost_usd=_known(row.cost_usd for row in rows),
        unpriced=sum(row.unpriced for row in rows),
    )


def _known(costs: Iterable[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None
