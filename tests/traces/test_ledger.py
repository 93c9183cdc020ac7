"""What is spent is counted once, by day and release; what has no price is no number."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from roadworthy.core.clock import now
from roadworthy.traces import Stage
from roadworthy.traces.ledger import read_all_costs, read_costs
from roadworthy.traces.records import OF_CHAT, QUOTE, Avoided
from roadworthy.traces.store import add_traces
from tests.traces.interactions import answered, begun

pytestmark = pytest.mark.anyio

PAID = Stage(
    name="write", ms=800, calls=1, input_tokens=1000, output_tokens=50, cost_usd=Decimal("0.0021")
)
EMBEDDED = Stage(name="embed", ms=9, calls=1, input_tokens=500, cost_usd=Decimal("0.00001"))
UNPRICED = Stage(name="write", ms=500, calls=1, input_tokens=10, output_tokens=5, unpriced=1)
SPARED = Avoided(why="cached", input_tokens=900, output_tokens=40, cost_usd=Decimal("0.002"))
NOT_THERE = Avoided(why="unanswerable", input_tokens=700, output_tokens=0, cost_usd=None)


def trace(world, *stages, days_ago=0, **changes):
    start = begun(world.tenant_id)
    start = start.model_copy(update={"started_at": start.started_at - timedelta(days=days_ago)})
    return answered(start).model_copy(update={"stages": stages} | changes)


async def costs(world, *, by="tenant", days=2):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await read_costs(conn, tenant_id=world.tenant_id, by=by, days=days)


async def test_nothing_was_asked(world):
    assert await costs(world) == []


async def test_answers_are_summed(world):
    await add_traces(world.database, [trace(world, PAID), trace(world, PAID)])
    [found] = await costs(world)
    total = found.total
    assert (total.times, total.calls, total.input_tokens, total.output_tokens) == (2, 2, 2000, 100)
    assert (total.cost_usd, total.unpriced) == (Decimal("0.0042"), 0)
    assert [(each.name, each.times, each.ms) for each in found.stages] == [("write", 2, 1600)]


async def test_a_trace_that_is_brought_twice_counts_once(world):
    twice = trace(world, PAID)
    for _ in range(2):
        await add_traces(world.database, [twice, twice])
    [found] = await costs(world)
    assert (found.total.times, found.total.cost_usd) == (1, PAID.cost_usd)


async def test_no_known_price_is_no_number(world):
    await add_traces(world.database, [trace(world, UNPRICED)])
    [found] = await costs(world)
    assert (found.total.cost_usd, found.total.unpriced) == (None, 1)
    await add_traces(world.database, [trace(world, PAID)])
    [found] = await costs(world)
    assert (found.total.cost_usd, found.total.unpriced) == (PAID.cost_usd, 1)


async def test_a_model_that_costs_nothing_has_a_price(world):
    free = PAID.model_copy(update={"cost_usd": Decimal(0)})
    await add_traces(world.database, [trace(world, free)])
    [found] = await costs(world)
    assert (found.total.cost_usd, found.total.unpriced) == (Decimal(0), 0)


async def test_what_was_spared_is_told_apart(world):
    spared = [trace(world, avoided=each) for each in (SPARED, NOT_THERE, NOT_THERE)]
    await add_traces(world.database, [trace(world, PAID), *spared])
    [found] = await costs(world)
    told = [(e.name, e.times, e.input_tokens, e.cost_usd, e.unpriced) for e in found.avoided]
    assert told == [
        ("cached", 1, 900, SPARED.cost_usd, 0),
        ("unanswerable", 2, 1400, None, 2),
    ]
    assert found.avoided_estimate_usd == 2 * PAID.cost_usd


async def test_without_a_price_nothing_is_estimated(world):
    await add_traces(world.database, [trace(world, UNPRICED), trace(world, avoided=NOT_THERE)])
    [found] = await costs(world)
    assert found.avoided_estimate_usd is None


async def test_days_and_releases_are_told_apart(world):
    other = trace(world, PAID, days_ago=1, release_name="other")
    await add_traces(world.database, [trace(world, PAID), other, trace(world, PAID, days_ago=2)])
    assert [each.total.times for each in await costs(world, by="day")] == [1, 1]
    assert [each.of for each in await costs(world, by="release")] == ["extract", "other"]
    assert [each.total.times for each in await costs(world, days=3)] == [3]


async def test_searches_are_counted_beside_answers(world):
    searched = trace(world, EMBEDDED, outcome="found")
    await add_traces(world.database, [trace(world, EMBEDDED, PAID), searched])
    [found] = await costs(world)
    assert [(each.name, each.times, each.cost_usd) for each in found.outcomes] == [
        ("answered", 1, EMBEDDED.cost_usd + PAID.cost_usd),
        ("found", 1, EMBEDDED.cost_usd),
    ]


async def test_what_was_spared_is_estimated_by_what_writing_costs(world):
    traces = [trace(world, EMBEDDED, PAID), trace(world, EMBEDDED, avoided=NOT_THERE)]
    await add_traces(world.database, traces)
    [found] = await costs(world)
    assert found.total.cost_usd == 2 * EMBEDDED.cost_usd + PAID.cost_usd
    assert found.avoided_estimate_usd == PAID.cost_usd


@pytest.mark.parametrize("stage", [*sorted(OF_CHAT), QUOTE, "embed", "rerank"])
async def test_both_sides_name_the_stages_that_ask_chat_models_alike(world, stage):
    async with world.database.as_worker() as conn:
        [(told,)] = await (await conn.execute("SELECT asks_chat(%s)", [stage])).fetchall()
    assert told == (stage in OF_CHAT)


async def test_the_watcher_is_told_each_release_of_each_tenant(world, urls):
    await add_traces(world.database, [trace(world, EMBEDDED, PAID)])
    await add_traces(world.database, [trace(world, PAID, release_name="other")] * 2)
    today = now().date()
    async with world.database.as_worker() as conn:
        found = await conn.execute("SELECT name FROM tenant WHERE id = %s", [world.tenant_id])
        [(own,)] = await found.fetchall()
        everything = await read_all_costs(conn, since=today, most=100_000)
        less = await read_all_costs(conn, since=today, most=1)
    told = {(tenant, cost.of): cost.total.cost_usd for tenant, cost in everything}
    assert told[own, "extract"] == EMBEDDED.cost_usd + PAID.cost_usd
    assert told[own, "other"] == PAID.cost_usd
    assert ("", "") not in told
    assert len(less) == 2
    assert less[0][0] == less[0][1].of == ""  # all others together
    assert sum(cost.total.times for _, cost in less) == sum(
        cost.total.times for _, cost in everything
    )


async def test_who_answers_is_told_of_no_other_tenant(urls):
    with psycopg.connect(urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT * FROM spent_by_release(current_date, 1)")


async def test_many_at_once_lose_nothing(world):
    batches = [[trace(world, PAID) for _ in range(5)] for _ in range(8)]
    await asyncio.gather(*(add_traces(world.database, batch) for batch in batches))
    [found] = await costs(world)
    assert (found.total.times, found.total.cost_usd) == (40, 40 * PAID.cost_usd)


async def test_only_people_of_the_group_see_sums(world):
    await add_traces(world.database, [trace(world, PAID)])
    seen = []
    for groups in ([], ["costs"]):
        async with world.database.read_as(world.person("bo", groups=groups)) as conn:
            seen.append(await read_costs(conn, tenant_id=world.tenant_id, by="tenant", days=1))
    assert [len(each) for each in seen] == [0, 1]


async def test_nobody_who_is_answered_writes_a_sum(world, urls):
    with psycopg.connect(urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("UPDATE spending SET times = 0")
