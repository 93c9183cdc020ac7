"""Over each transport the same holds: what is accepted is done once, in a fair order."""

import asyncio
from contextlib import AsyncExitStack

import aio_pika
import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.ingestion.queue import list_jobs, retry_job
from roadworthy.plumbing import jobs
from roadworthy.plumbing.jobs import BULK, CHANNEL, INTERACTIVE
from roadworthy.worker.relay import announce_due
from tests.doubles.model_server import Behaviour, failing
from tests.parsers import hanging_parsers

pytestmark = pytest.mark.anyio

COUNT = 12
SOON = 0.1  # a worker that looks unasked, as often as a test can wait for
EXPIRE = "UPDATE job SET leased_until = now() - interval '1 s' WHERE state = 'running'"
WAITING = """
SELECT problem_kind, problem, attempts - waits FROM job WHERE waits > 0 AND state = 'queued'
"""
DUE = "UPDATE job SET run_at = now() WHERE state = 'queued'"


class Counting:
    """Publishes, and counts of how many jobs."""

    def __init__(self, publisher):
        self.publisher, self.told = publisher, 0

    async def publish(self, announcements):
        await self.publisher.publish(announcements)
        self.told += len(announcements)


async def test_told_of_work_a_worker_does_it_at_once_and_once(line):
    async with line.workers():
        for _ in range(3):  # after one that got through, a worker goes on unasked
            await line.heard()
        await line.upload(COUNT)
        await line.announce()
        await line.until({"done": COUNT}, seconds=10)
    assert await line.effects() == (COUNT, 0, 0)


class Held:
    """Takes no job until it may."""

    def __init__(self, work):
        self.may, self.work = asyncio.Event(), work
        self.do, self.put_back = work.do, work.put_back

    async def claim(self, turn):
        await self.may.wait()
        return await self.work.claim(turn)


async def test_a_doubled_message_changes_nothing(line):
    work = Held(line.ingestion)
    telling = Counting(line.publisher)
    async with line.workers(work=work):
        await line.upload(COUNT)
        for _ in range(3):
            if line.publisher:
                await announce_due(line.world.database, telling)
                await line.sql("UPDATE job SET announced_at = NULL")
            else:
                await line.sql(f"SELECT pg_notify('{CHANNEL}', id::text) FROM job")
        work.may.set()
        await line.until({"done": COUNT}, seconds=10)
    assert telling.told == (3 * COUNT if line.publisher else 0)
    assert await line.effects() == (COUNT, 0, 0)
    assert await line.sql("SELECT DISTINCT attempts FROM job") == [(1,)]


async def test_a_lost_message_changes_nothing(line):
    async with line.workers(look_every_s=SOON, loses=True):
        await line.upload(COUNT)
        await line.announce()
        await line.until({"done": COUNT}, seconds=10)
    assert await line.effects() == (COUNT, 0, 0)


async def test_accepted_while_the_broker_is_down_it_is_delivered_afterwards(line):
    if line.broker is None:
        pytest.skip("PostgreSQL accepts and delivers alike")
    await line.publisher.publish([])
    await asyncio.to_thread(line.broker.settle)
    async with line.workers(), line.relay():
        await line.heard()
        line.broker.kill()
        await line.upload(COUNT)
        with pytest.raises(Unavailable, match="jobs wait in the database"):
            await line.announce_once()
        assert await line.states() == {"queued": COUNT}
        await asyncio.to_thread(line.broker.start)
        await line.until({"done": COUNT}, seconds=90)
    assert await line.effects() == (COUNT, 0, 0)


async def test_a_queue_that_was_deleted_is_made_anew_and_listened_to(line):
    if line.broker is None or not line.broker.url.startswith("amqp"):
        pytest.skip("only RabbitMQ has queues")
    async with line.workers():
        await line.heard()
        async with await aio_pika.connect(line.broker.url) as connection:
            channel = await connection.channel()
            await channel.queue_delete(line.settings.broker_queue)
        await asyncio.sleep(3)  # a worker that is told by its channel listens anew
        await line.heard()


async def test_a_message_that_no_queue_takes_is_not_taken_for_safe(line):
    if line.broker is None or not line.broker.url.startswith("amqp"):
        pytest.skip("only RabbitMQ has queues")
    await line.publisher.publish([])
    async with await aio_pika.connect(line.broker.url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(line.settings.broker_queue)
        await line.upload(1)
        with pytest.raises(Unavailable):
            await line.announce_once()
        assert await line.sql("SELECT announced_at FROM job") == [(None,)]
        await line.announce()
        queue = await channel.declare_queue(line.settings.broker_queue, passive=True)
        assert queue.declaration_result.message_count == 1


async def test_of_several_relays_one_tells_and_another_takes_over(line):
    if line.broker is None:
        pytest.skip("PostgreSQL needs no relay")
    first, second = Counting(line.publisher), Counting(line.publisher)
    async with AsyncExitStack() as working, AsyncExitStack() as standing_by:
        await working.enter_async_context(line.relay(first))
        await line.upload(1)
        await line.until_told()
        await standing_by.enter_async_context(line.relay(second))
        await line.upload(COUNT, prefix="more")
        await line.until_told()
        assert (first.told, second.told) == (1 + COUNT, 0)
        await working.aclose()
        await line.upload(COUNT, prefix="last")
        await line.until_told()
    assert (first.told, second.told) == (1 + COUNT, COUNT)


async def test_a_relay_that_stands_by_hears_of_no_job(line, monkeypatch):
    if line.broker is None:
        pytest.skip("PostgreSQL needs no relay")
    heard, listen = [], jobs.listen

    async def listening(conn):
        heard.append(conn)
        await listen(conn)

    monkeypatch.setattr(jobs, "listen", listening)
    async with AsyncExitStack() as working, AsyncExitStack() as standing_by:
        await working.enter_async_context(line.relay())
        await line.upload(1)
        await line.until_told()
        await standing_by.enter_async_context(line.relay())
        await asyncio.sleep(1)
        assert len(heard) == 1  # a client keeps each word until it is read
        await working.aclose()
        await line.upload(1, prefix="last")
        await line.until_told()
    assert len(heard) == 2


async def test_while_the_broker_is_down_workers_look_by_themselves(line):
    if line.broker is None:
        pytest.skip("without PostgreSQL nothing is accepted")
    line.broker.kill()
    try:
        async with line.workers(look_every_s=SOON), line.relay():
            await line.upload(COUNT)
            await line.until({"done": COUNT}, seconds=10)
    finally:
        await asyncio.to_thread(line.broker.start)
    assert await line.effects() == (COUNT, 0, 0)


async def test_a_message_that_met_no_database_keeps_none_from_coming(line):
    class CutOff:
        """Reaches no database while it is away."""

        do, put_back = line.ingestion.do, line.ingestion.put_back
        is_away = False
        was_missed = asyncio.Event()

        async def claim(self, turn):
            if self.is_away:
                self.was_missed.set()
                raise Unavailable("The database is away.")
            return await line.ingestion.claim(turn)

    work = CutOff()
    async with line.workers(work=work, at_once=1):
        await line.heard()
        work.is_away = True
        await line.upload(1, prefix="early")
        await line.announce()
        await work.was_missed.wait()
        work.is_away = False
        await line.upload(1, prefix="late")
        await line.announce()
        await line.until({"done": 2}, seconds=10)
    assert await line.effects() == (2, 0, 0)


async def test_what_a_dead_worker_had_begun_is_done_by_another(line):
    class Dying:
        """Takes jobs, and is never heard of again."""

        claim = line.ingestion.claim
        put_back = line.ingestion.put_back

        async def do(self, lease):
            await asyncio.sleep(60)

    await line.upload(COUNT)
    await line.announce()
    async with line.workers(work=Dying(), look_every_s=SOON, drain_s=0):
        await line.until({"running": 4, "queued": COUNT - 4})
    assert await line.states() == {"running": 4, "queued": COUNT - 4}
    await line.sql(EXPIRE)
    async with line.workers(look_every_s=SOON):
        await line.until({"done": COUNT})
    assert await line.effects() == (COUNT, 0, 0)


async def test_a_persons_upload_comes_before_a_bulk_load(line):
    await line.upload(COUNT, prefix="bulk", priority=BULK)
    await line.upload(1, prefix="person", priority=INTERACTIVE)
    await line.announce()
    async with line.workers(at_once=1, look_every_s=SOON):
        await line.until({"done": COUNT + 1})
    assert (await line.order())[0] == "person0.txt"


async def test_a_bulk_load_of_one_tenant_delays_no_other(line):
    await line.upload(COUNT, prefix="bulk")
    other = await line.another_tenant()
    await other.upload(1, prefix="other")
    await line.announce()
    async with line.workers(at_once=1, look_every_s=SOON):
        await line.until({"done": COUNT + 1})
    assert "other0.txt" in (await line.order())[:2]


async def test_an_upload_does_not_wait_behind_large_documents(line, models):
    models.plan.extend([Behaviour(delay_s=3)] * 4)
    await line.upload(4, prefix="large", priority=BULK)
    await line.announce()
    async with line.workers(express=1, look_every_s=SOON):
        await line.until({"running": 4})
        other = await line.another_tenant()
        await other.upload(1, prefix="small")
        await line.until({"running": 4, "done": 1}, seconds=2.5)


async def test_an_upload_does_not_wait_behind_files_that_are_slow_to_read(line):
    async with line.workers(express=1, look_every_s=SOON):
        await line.upload(1, prefix="first")
        await line.until({"done": 1})
        with hanging_parsers():
            await line.upload(4, prefix="slow", priority=BULK)
            await line.announce()
            await line.until({"running": 4, "done": 1})
            other = await line.another_tenant()
            await other.upload(1, prefix="small")
            await line.until({"running": 4, "done": 2}, seconds=15)
        await line.until({"done": 6})


async def test_when_a_dependency_is_down_a_job_waits_and_loses_no_attempt(line, models):
    models.plan.extend([failing(503)] * 50)
    await line.upload(1)
    await line.announce()
    async with line.workers(look_every_s=SOON):
        async with asyncio.timeout(20):
            while not (waiting := await line.sql(WAITING)):  # noqa: ASYNC110 - a worker changes it
                await asyncio.sleep(0.02)
        [(kind, problem, counted)] = waiting
        assert (kind, counted) == ("unavailable", 0)
        assert "503" in problem
        models.plan.clear()
        await line.sql(DUE)
        await line.announce()
        await line.until({"done": 1})
    assert await line.effects() == (1, 0, 0)


async def test_a_broken_document_is_tried_once_and_may_be_replayed(line, models):
    models.plan.append(failing(400, "too odd"))
    await line.upload(1)
    await line.announce()
    async with line.workers(look_every_s=SOON):
        await line.until({"failed": 1})
        letter = await dead_letter(line)
        assert (letter.attempts, letter.problem_kind) == (1, "invalid")
        assert letter.problem
        async with line.world.database.as_worker(line.world.tenant_id) as conn:
            await retry_job(conn, tenant_id=line.world.tenant_id, job_id=letter.id, by=None)
        await line.announce()
        await line.until({"done": 1})
    assert await line.effects() == (1, 0, 0)


async def test_told_to_stop_a_worker_gives_back_what_it_cannot_end(line, models):
    models.plan.extend([Behaviour(delay_s=5)] * 4)
    await line.upload(COUNT)
    await line.announce()
    async with line.workers(look_every_s=SOON, drain_s=0):
        await line.until({"running": 4, "queued": COUNT - 4})
    assert await line.states() == {"queued": COUNT}
    models.plan.clear()
    async with line.workers(look_every_s=SOON):
        await line.until({"done": COUNT})
    assert await line.effects() == (COUNT, 0, 0)
    assert await line.sql("SELECT DISTINCT attempts - waits FROM job") == [(1,)]


async def dead_letter(line):
    async with line.world.database.as_worker(line.world.tenant_id) as conn:
        [letter] = await list_jobs(conn, tenant_id=line.world.tenant_id, state="failed")
    return letter
