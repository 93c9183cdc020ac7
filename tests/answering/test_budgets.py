"""No model is called beyond a hard limit, and whoever asks is told before it is reached."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import psycopg
import pytest

from roadworthy.answering import budgeting
from roadworthy.core.errors import Busy, Invalid, Missing, Unavailable
from roadworthy.core.ids import new_id
from roadworthy.traces import Stage, budgets, recorder
from roadworthy.traces.budgets import (
    Budget,
    check_budgets,
    list_budgets,
    period_end,
    put_budget,
    remove_budget,
)
from roadworthy.traces.store import add_traces
from tests.traces.interactions import answered, begun

pytestmark = pytest.mark.anyio

LEAVE = "Every employee has thirty days of annual leave."
QUESTION = "How many days of annual leave has every employee?"
NOTHING = {"soft_usd": None, "hard_usd": None, "soft_tokens": None, "hard_tokens": None}


def budget(scope="tenant", name="", period="day", **limits) -> Budget:
    return Budget(scope=scope, name=name, period=period, **NOTHING | limits)


async def put(world, *wanted):
    async with world.database.as_worker(world.tenant_id) as conn:
        for each in wanted:
            await put_budget(conn, each, tenant_id=world.tenant_id)


async def remove(world, **which):
    async with world.database.as_worker(world.tenant_id) as conn:
        await remove_budget(conn, tenant_id=world.tenant_id, **which)


async def spend(world, *, usd="1", tokens=100, release="paid", key_id=None, at=None, beside=()):
    """Store a trace that cost so much; it began now, unless told when."""
    cost = None if usd is None else Decimal(usd)
    stage = Stage(
        name="write", ms=1, calls=1, input_tokens=tokens, cost_usd=cost, unpriced=cost is None
    )
    start = begun(world.tenant_id)
    start = start.model_copy(update={"key_id": key_id, "started_at": at or start.started_at})
    trace = answered(start).model_copy(update={"stages": (stage, *beside), "release_name": release})
    await add_traces(world.database, [trace])


async def check(world, *, release="paid", key_id=None, unstored_s=0.0):
    async with world.database.read_as(world.person()) as conn:
        return await check_budgets(conn, release=release, key_id=key_id, unstored_s=unstored_s)


async def test_without_a_budget_nothing_is_limited(world):
    await spend(world, usd="1000000")
    assert await check(world) == []


async def test_a_soft_limit_warns_and_a_hard_one_refuses_until_the_day_ends(world):
    await put(world, budget(soft_usd=Decimal(1), hard_usd=Decimal(2)))
    assert await check(world) == []
    await spend(world)
    assert await check(world) == ["The budget of the tenant for this day is nearly spent."]
    await spend(world)
    with pytest.raises(Busy, match="is spent") as refused:
        await check(world)
    assert 0 < int(refused.value.facts["retry_after_s"] or 0) <= 86_401


@pytest.mark.parametrize(
    ("scope", "name"), [("release", "other"), ("key", str(new_id()))], ids=["release", "key"]
)
async def test_what_others_spend_counts_not(world, scope, name):
    await put(world, budget(scope, name, hard_tokens=10))
    await spend(world)
    assert await check(world) == []


async def test_limits_in_tokens_are_of_chat_models_and_those_in_money_of_all(world):
    """A reranker reads many times as much as who answers, for little."""
    key_id = new_id()
    reranked = Stage(name="rerank", ms=1, calls=1, input_tokens=9_000, cost_usd=Decimal(1))
    await put(
        world,
        budget(soft_tokens=200, hard_usd=Decimal(5)),
        budget("release", "paid", soft_tokens=200),
        budget("key", str(key_id), soft_tokens=200),
    )
    asked = {"release": "paid", "key_id": key_id}
    await spend(world, key_id=key_id, beside=[reranked])
    assert await check(world, **asked) == []
    await spend(world, key_id=key_id, beside=[reranked])
    assert len(await check(world, **asked)) == 3
    await spend(world, key_id=key_id, beside=[reranked])
    with pytest.raises(Busy, match="is spent"):
        await check(world, **asked)


async def test_a_key_has_a_budget_of_its_own(world):
    key_id = new_id()
    await put(world, budget("key", str(key_id), hard_tokens=100))
    await spend(world, key_id=key_id, usd=None)
    assert await check(world) == []
    with pytest.raises(Busy, match="of the key"):
        await check(world, key_id=key_id)


async def test_a_limit_is_closed_where_what_is_spent_waits_for_long(world):
    await put(world, budget(soft_tokens=1000))
    assert await check(world, unstored_s=3600) == []
    await put(world, budget(soft_tokens=1000, hard_usd=Decimal(1)))
    assert await check(world, unstored_s=59) == []
    with pytest.raises(Unavailable, match="nobody can say"):
        await check(world, unstored_s=61)
    await spend(world)
    with pytest.raises(Busy):
        await check(world, unstored_s=61)


async def test_a_month_is_more_than_a_day(world):
    await put(world, budget(hard_usd=Decimal(1)), budget(period="month", hard_usd=Decimal(1)))
    await spend(world)
    with pytest.raises(Busy, match="this month"):
        await check(world)


@pytest.mark.parametrize(
    ("period", "today", "first"),
    [("day", 15, 15), ("month", 15, 1), ("month", 1, 1)],
    ids=["day", "month", "first-of-month"],
)
async def test_a_period_counts_from_its_first_moment_on(world, monkeypatch, period, today, first):
    begins = datetime(2024, 5, first, tzinfo=UTC)
    monkeypatch.setattr(budgets, "now", lambda: datetime(2024, 5, today, 12, tzinfo=UTC))
    await put(world, budget(period=period, hard_tokens=100))
    await spend(world, at=begins - timedelta(seconds=1))
    assert await check(world) == []
    await spend(world, at=begins)
    with pytest.raises(Busy, match=f"this {period} is spent"):
        await check(world)


async def test_no_known_price_is_no_money(world):
    await put(world, budget(hard_usd=Decimal("0.01"), soft_tokens=100))
    await spend(world, usd=None)
    assert len(await check(world)) == 1


@pytest.mark.parametrize(
    ("period", "moment", "end"),
    [
        ("day", datetime(2024, 2, 29, 23, 59, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("month", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("month", datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_period_ends(period, moment, end):
    assert period_end(period, moment) == end


@pytest.mark.parametrize(
    "wrong",
    [
        budget(),
        budget("release", hard_usd=Decimal(1)),
        budget(name="paid", hard_usd=Decimal(1)),
        budget(soft_usd=Decimal(2), hard_usd=Decimal(1)),
        budget(hard_tokens=-1),
    ],
)
async def test_what_limits_nothing_is_refused(world, wrong):
    with pytest.raises(Invalid):
        await put(world, wrong)


async def test_a_budget_is_set_anew_and_removed(world):
    await put(world, budget(hard_tokens=1), budget(hard_tokens=2))
    async with world.database.as_worker(world.tenant_id) as conn:
        assert [
            each.hard_tokens for each in await list_budgets(conn, tenant_id=world.tenant_id)
        ] == [2]
    await remove(world, scope="tenant", name="", period="day")
    with pytest.raises(Missing):
        await remove(world, scope="tenant", name="", period="day")


async def test_a_question_beyond_a_hard_limit_calls_no_model(desk):
    await desk.world.add("leave.txt", LEAVE)
    release = await desk.generating(["Thirty [1]."])
    await put(desk.world, budget("release", release, soft_tokens=1, hard_tokens=10))
    assert (await desk.ask(QUESTION, release=release)).answer.warnings == ()
    await desk.recorder.flush()  # 7 tokens read, 1 written
    [warning] = (await desk.ask(QUESTION, release=release)).answer.warnings
    assert "nearly spent" in warning
    await desk.recorder.flush()
    with pytest.raises(Busy, match="of the release for this day is spent"):
        await desk.ask(QUESTION, release=release)
    assert len(desk.models.requests("/chat/completions")) == 2
    assert (await desk.ask(QUESTION)).answer.outcome == "answered"  # by quotation


async def test_a_hard_limit_holds_while_nothing_is_stored(desk, monkeypatch):
    await desk.world.add("leave.txt", LEAVE)
    release = await desk.generating(["Thirty [1]."])
    await put(desk.world, budget("release", release, hard_tokens=1))
    await desk.ask(QUESTION, release=release, cache=False)
    later = time.monotonic() + 61
    monkeypatch.setattr(recorder, "time", SimpleNamespace(monotonic=lambda: later))
    with pytest.raises(Unavailable, match="cannot be stored"):
        await desk.ask(QUESTION, release=release, cache=False)
    assert len(desk.models.requests("/chat/completions")) == 1
    await remove(desk.world, scope="release", name=release, period="day")
    await desk.ask(QUESTION, release=release, cache=False)


async def test_while_budgets_cannot_be_read_no_model_is_called(desk, monkeypatch):
    """However many ask: they are told so in time, and quotations and searches go on."""
    monkeypatch.setattr(budgeting, "LONGEST_S", 0.5)
    await desk.world.add("leave.txt", LEAVE)
    release = await desk.generating(["Thirty [1]."])
    async with desk.world.database.as_worker() as conn:
        await conn.execute("LOCK TABLE budget IN ACCESS EXCLUSIVE MODE")
        asking = [asyncio.ensure_future(desk.ask(QUESTION, release=release)) for _ in range(12)]
        async with asyncio.timeout(30):
            while not all(each.done() for each in asking):
                assert (await desk.search(QUESTION)).hits
                assert (await desk.ask(QUESTION)).answer.outcome == "answered"  # by quotation
    for each in asking:
        with pytest.raises(Unavailable, match="Budgets cannot be read within"):
            await each
    assert not desk.models.requests("/chat/completions")
    assert (await desk.ask(QUESTION, release=release)).answer.outcome == "answered"


async def test_who_comes_together_is_told_by_few_reads(world, tmp_path, monkeypatch):
    """Each by one that began after he asked."""
    reads = []

    async def counted(conn, **asked):
        reads.append(asked)
        return await check_budgets(conn, **asked)

    monkeypatch.setattr(budgeting, "check_budgets", counted)
    never_late = SimpleNamespace(unstored_s=lambda: 0.0)
    checks = budgeting.BudgetCheck(database=world.database, recorder=never_late)

    async def check_all(count):
        asking = [checks.check(world.person(), release="paid", key_id=None) for _ in range(count)]
        return await asyncio.gather(*asking, return_exceptions=True)

    assert await check_all(50) == [[]] * 50
    assert len(reads) == 1
    await put(world, budget("release", "paid", hard_tokens=1))
    await spend(world)
    assert [type(each) for each in await check_all(2)] == [Busy, Busy]
    other = checks.check(world.person(), release="free", key_id=None)
    assert (await other, len(reads)) == ([], 3)


async def test_who_leaves_takes_nobody_with_him(world):
    never_late = SimpleNamespace(unstored_s=lambda: 0.0)
    checks = budgeting.BudgetCheck(database=world.database, recorder=never_late)
    first, second = [
        asyncio.ensure_future(checks.check(world.person(), release="paid", key_id=None))
        for _ in range(2)
    ]
    await asyncio.sleep(0)
    first.cancel()
    assert await second == []
    assert first.cancelled()


async def test_a_read_that_nobody_waits_for_holds_up_nobody(world, monkeypatch):
    never_late = SimpleNamespace(unstored_s=lambda: 0.0)
    checks = budgeting.BudgetCheck(database=world.database, recorder=never_late)
    began = asyncio.Event()

    async def hanging(conn, *, release, **asked):
        if release == "hangs":
            began.set()
            await asyncio.sleep(60)
        return await check_budgets(conn, release=release, **asked)

    monkeypatch.setattr(budgeting, "check_budgets", hanging)
    gone = [
        asyncio.ensure_future(checks.check(world.person(), release="hangs", key_id=None))
        for _ in range(2)
    ]
    await asyncio.wait_for(began.wait(), 10)
    gone.append(asyncio.ensure_future(checks.check(world.person(), release="hangs", key_id=None)))
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    assert await asyncio.wait_for(checks.check(world.person(), release="b", key_id=None), 4) == []
    assert not checks._to_come


async def test_nobody_who_is_answered_reads_or_changes_a_budget(urls):
    for statement in ("SELECT 1 FROM budget", "DELETE FROM budget"):
        with psycopg.connect(urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)
