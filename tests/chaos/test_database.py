"""PostgreSQL is killed and hangs under load, whole or a table: the outcome is the one told.

Nobody waits beyond the limit of an answer, no trace is lost, and all comes back by itself.
"""

import asyncio

import pytest

from tests.chaos.faults import broken, no_trace_is_lost, seen, under_load

pytestmark = pytest.mark.anyio
MANY = 12  # answers at once: more than the pool has connections


@pytest.mark.parametrize("fault", ["cut", "hung"])
async def test_without_a_database_nothing_is_told(crowd, wires, traced, fault):
    told = await under_load(crowd, broken(wires, "database", fault))
    assert seen(told, "answer", "stream", "search") == {("unavailable", ())}
    await no_trace_is_lost(crowd, traced)


@pytest.mark.parametrize("fault", ["cut", "hung"])
async def test_without_a_database_health_is_told(crowd, wires, fault):
    async with broken(wires, "database", fault), asyncio.timeout(15):
        paths = ("/livez", "/readyz", "/metrics")
        told = await asyncio.gather(*(crowd.client.get(path) for path in paths))
    assert [each.status_code for each in told] == [200, 503, 200]


LOCKED = {
    "cached_answer": {("answered", ("cache",))},
    "trace": {("answered", ())},
    "budget": {("unavailable", ())},
}


@pytest.mark.parametrize("table", LOCKED)
async def test_what_is_kept_in_a_table_that_hangs_is_done_without(crowd, locked, traced, table):
    """All but budgets: while nobody can say what may be spent, nothing is."""
    crowd.release = "kept" if table == "cached_answer" else "routed"
    told = await under_load(crowd, locked(table))
    assert seen(told, "answer", "stream") == LOCKED[table]
    assert seen(told, "search") == {("found", ())}
    await no_trace_is_lost(crowd, traced)


async def test_budgets_that_hang_keep_nobody_else_waiting(crowd, locked):
    """Keys, readiness and searches have connections left, however many wait for budgets."""
    await crowd.ask("answer")
    async with locked("budget"), asyncio.timeout(60), asyncio.TaskGroup() as people:
        answers = [people.create_task(crowd.ask("answer")) for _ in range(MANY)]
        while not all(each.done() for each in answers):
            found, ready = await asyncio.gather(crowd.ask("search"), crowd.client.get("/readyz"))
            assert (found.outcome, ready.status_code) == ("found", 200)
    assert {each.result().outcome for each in answers} == {"unavailable"}
    assert (await crowd.ask("answer")).is_whole
