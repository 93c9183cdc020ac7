"""A moment is past when no process goes on with what it had begun before it."""

import asyncio
from contextlib import asynccontextmanager

import psycopg
import pytest

from roadworthy.plumbing.epochs import EpochHolder, is_past
from tests.waiting import until

pytestmark = pytest.mark.anyio


class Process:
    """Holds an epoch, and leaves it when `may_leave` is set."""

    def __init__(self, url):
        self.may_leave = asyncio.Event()
        self.may_leave.set()
        self.left = self.lost = 0
        self.problem = None
        self.holder = EpochHolder(url, leave=self.leave, lose=self.lose)

    async def leave(self):
        await self.may_leave.wait()
        if self.problem is not None:
            raise self.problem
        self.left += 1
        return True

    def lose(self):
        self.lost += 1


@asynccontextmanager
async def running(urls):
    process = Process(urls.app)
    task = asyncio.create_task(process.holder.run())
    await process.holder.is_holding.wait()
    try:
        yield process
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_with_nobody_there_it_is_past_at_once(database):
    assert await is_past(database, patience_s=0)


async def test_it_waits_for_every_process(database, urls):
    async with running(urls) as one, running(urls) as other:
        other.may_leave.clear()
        assert not await is_past(database, patience_s=0.3)
        assert one.left >= 1
        waiting = asyncio.create_task(is_past(database, patience_s=5))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        other.may_leave.set()
        assert await waiting


async def test_who_waits_later_does_not_pass_who_waits_before(database, urls):
    async with running(urls) as process:
        process.may_leave.clear()
        both = [asyncio.create_task(is_past(database, patience_s=5)) for _ in range(3)]
        await asyncio.sleep(0.2)
        assert not any(each.done() for each in both)
        process.may_leave.set()
        assert await asyncio.gather(*both) == [True, True, True]


async def test_a_process_that_dies_holds_nobody_up(database, urls):
    async with running(urls) as process:
        process.may_leave.clear()
        waiting = asyncio.create_task(is_past(database, patience_s=5))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await waiting


async def test_what_begins_afterwards_is_not_waited_for(database, urls):
    async with running(urls):
        assert await is_past(database, patience_s=5)
        async with running(urls) as newer:
            newer.may_leave.clear()
            # Held, but in the epoch that has begun: the moment before it stays past.
            assert not await is_past(database, patience_s=0.2)
            newer.may_leave.set()


def cut(urls):
    """Take its connection, and with it the lock, from every process."""
    with psycopg.connect(urls.app, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'roadworthy-epochs' AND datname = current_database()"
        )


async def test_a_lost_connection_is_made_again_and_all_is_left(database, urls):
    async with running(urls) as process:
        before = process.left
        cut(urls)
        await until(lambda: process.left > before)
        process.may_leave.clear()
        assert not await is_past(database, patience_s=0.2)


async def test_with_the_connection_all_is_lost_before_another_is_made(database, urls):
    async with running(urls) as process:
        process.may_leave.clear()
        cut(urls)
        await until(lambda: process.lost == 1)
        assert await is_past(database, patience_s=0)


async def test_what_cannot_be_left_ends_it_with_all_that_was_begun(database, urls):
    process = Process(urls.app)
    holding = asyncio.create_task(process.holder.run())
    await process.holder.is_holding.wait()
    process.problem = RuntimeError("a bug")
    await is_past(database, patience_s=2)
    with pytest.raises(RuntimeError, match="a bug"):
        await asyncio.wait_for(holding, 5)
    assert process.lost == 1
