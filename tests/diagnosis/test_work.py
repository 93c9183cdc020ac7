"""Doctor tells due work that nobody takes, and work that failed by a mistake of ours."""

import asyncio

import pytest

from roadworthy.diagnosis.work import check_work
from roadworthy.plumbing import jobs
from tests.world import World

pytestmark = pytest.mark.anyio

LATE = "UPDATE job SET run_at = now() - interval '6 minutes' WHERE state = 'queued'"
LONG_AGO = "UPDATE job SET claimed_at = now() - interval '6 minutes'"


async def checked(urls):
    return await asyncio.to_thread(check_work, urls)


async def sql(world: World, *statements: str):
    async with world.database.as_worker() as conn:
        for statement in statements:
            await conn.execute(statement)


async def claimed(world: World):
    async with world.database.as_worker() as conn:
        return await jobs.claim(conn)


async def test_a_long_line_is_no_fault_while_a_worker_takes_jobs(world, urls):
    for name in ("a", "b"):
        await world.upload(name, f"Text {name}.")
    assert (await checked(urls)).ok
    await claimed(world)
    await sql(world, LATE)
    assert (await checked(urls)).ok  # taken just now
    await sql(world, LONG_AGO)
    assert (await checked(urls)).ok  # and at work


async def test_due_work_that_nobody_takes_is_told(world, urls):
    await world.upload("a", "Text.")
    await sql(world, LATE)
    check = await checked(urls)
    assert (check.ok, "worker" in check.mend) == (False, True)
    assert "0:06:0" in check.sentence


async def test_what_is_to_be_tried_again_later_is_no_fault(world, urls):
    await world.upload("a", "Text.")
    await sql(world, "UPDATE job SET run_at = now() + interval '1 hour'", LONG_AGO)
    assert (await checked(urls)).ok


@pytest.mark.parametrize(("kind", "ok"), [("invalid", True), ("bug", False)])
async def test_a_mistake_of_ours_is_told_a_broken_file_is_its_owners(world, urls, kind, ok):
    await world.upload("a", "Text.")
    lease = await claimed(world)
    async with world.database.as_worker() as conn:
        await jobs.fail(conn, lease, problem="It is broken.", kind=kind)
    assert (await checked(urls)).ok == ok
