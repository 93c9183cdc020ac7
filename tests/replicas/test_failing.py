"""A replica that is dead, deaf, slow or another server costs a bounded wait, and no answer."""

import asyncio
import time

import psycopg
import pytest

from roadworthy.plumbing.replica import PATIENCE_S
from tests.replicas.conftest import found, opened, outcome, with_replica
from tests.replicas.standby import running_standby
from tests.waiting import until
from tests.world import another_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(database, standby):
    """A tenant with a document that the replica has."""
    world = await another_world(database)
    await world.add("old.txt", "The old pump.")
    standby.catch_up()
    assert await outcome(world) == (["old.txt"], "served")
    return world


async def until_served(world):
    for _ in range(600):
        if (await outcome(world))[1] == "served":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the replica does not serve again")


async def test_one_that_is_killed_under_load_fails_no_search(world, standby):
    replica = world.database.replica
    is_over = False

    async def search_on():
        while not is_over:
            assert await found(world) == ["old.txt"]

    async with asyncio.TaskGroup() as searching:
        for _ in range(6):
            searching.create_task(search_on())
        await until(lambda: replica.outcomes["served"] >= 10)
        standby.kill()
        await until(lambda: replica.outcomes["failed"] and replica.outcomes["resting"] >= 10)
        is_over = True
    standby.start()
    await until_served(world)


async def test_one_that_hangs_is_waited_for_once(world, standby):
    with standby.hung():
        began = time.monotonic()
        assert await outcome(world) == (["old.txt"], "failed")
        assert time.monotonic() - began < 5 * PATIENCE_S
        for _ in range(20):
            assert (await outcome(world))[1] in {"resting", "failed"}
        assert world.database.replica.outcomes["failed"] <= 3
    await until_served(world)


@pytest.mark.parametrize("naps_s", [[20], [0.4] * 50], ids=["one-statement", "many"])
async def test_a_slow_look_is_given_up_and_concerns_no_other_tenant(world, standby, naps_s):
    """Its first answer came in time, so the server is well; it is left with nothing to do."""
    other = await another_world(world.database)
    await other.add("new.txt", "The new pump.")
    standby.catch_up()

    async def look(conn):
        [[is_replica]] = await (await conn.execute("SELECT pg_is_in_recovery()")).fetchall()
        for nap_s in naps_s if is_replica else []:
            await (await conn.execute("SELECT pg_sleep(%(s)s)", {"s": nap_s})).fetchone()
        return is_replica

    began = time.monotonic()
    assert await world.database.look_as(world.person(), look) is False
    assert time.monotonic() - began < 10
    assert world.database.replica.outcomes["slow"] == 1
    assert await outcome(world) == (["old.txt"], "resting")
    assert await outcome(other) == (["new.txt"], "served")
    await until_idle(standby)
    await until_served(world)


async def until_idle(standby):
    """Wait until the replica sleeps for nobody, far shorter than it was asked to."""
    napping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    async with asyncio.timeout(5):
        with standby.superuser() as conn:
            while conn.execute(napping).fetchone() != (0,):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_many_wait_for_one_that_hangs_at_the_same_time_and_not_one_after_another(
    world, standby
):
    with standby.hung():
        began = time.monotonic()
        assert set(map(tuple, await asyncio.gather(*(found(world) for _ in range(12))))) == {
            ("old.txt",)
        }
        assert time.monotonic() - began < 10
    assert world.database.replica.outcomes["busy"] > 0
    await until_served(world)


async def test_whoever_goes_away_does_not_wait_for_one_that_hangs(world, standby):
    with standby.hung():
        asking = asyncio.create_task(found(world))
        await asyncio.sleep(0.1)
        asking.cancel()
        began = time.monotonic()
        await asyncio.wait({asking})
        assert asking.cancelled()
        assert time.monotonic() - began < 3
    await until_served(world)


async def test_closing_does_not_wait_for_one_that_hangs(urls, standby):
    async with opened(urls) as database:
        other = await another_world(database)
        await other.add("old.txt", "The old pump.")
        with standby.hung():
            await found(other)
            began = time.monotonic()
            await database.close()
            assert time.monotonic() - began < 5


async def test_a_promoted_one_serves_only_what_has_not_changed_since(postgres_cluster):
    """It follows no more; what it takes in itself makes it no newer."""
    with (
        postgres_cluster.fresh_database() as url,
        running_standby(postgres_cluster.server) as standby,
    ):
        standby.catch_up()
        async with opened(with_replica(standby, url)) as database:
            world = await another_world(database)
            document = await world.add("old.txt", "The old pump.")
            standby.catch_up()
            standby.promote()
            assert await outcome(world) == (["old.txt"], "served")
            with psycopg.connect(standby.superuser_url(url), autocommit=True) as conn:
                conn.execute("DELETE FROM document WHERE id = %(id)s", {"id": document})
            assert await outcome(world) == (["old.txt"], "behind")
            await world.add("new.txt", "The new pump.")
            assert await outcome(world) == (["new.txt", "old.txt"], "behind")
