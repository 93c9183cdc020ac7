"""Accepted work is done once: leases part it, and the job ends together with its effect."""

import asyncio
from collections import Counter
from datetime import timedelta

import psycopg
import pytest

from roadworthy.core.errors import Conflict, Missing, Unavailable
from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete
from roadworthy.corpus.publishing import mark_failed, publish
from roadworthy.plumbing import jobs
from tests.world import extract

pytestmark = pytest.mark.anyio

OVERTAKEN = (Missing, Conflict)  # what the worker takes for an ordinary end
STATE = "SELECT version, state FROM document"


async def claim(world):
    async with world.database.as_worker() as conn:
        return await jobs.claim(conn)


async def run_out(world):
    """Let every lease run out, as when its worker had died half a minute ago."""
    async with world.database.as_worker() as conn:
        await conn.execute("UPDATE job SET leased_until = now() - interval '1 second'")


async def texts(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT text FROM passage ORDER BY ordinal")
        return [text for (text,) in await rows.fetchall()]


async def publish_and_complete(world, lease, text):
    async with world.database.as_worker(world.tenant_id) as conn:
        await publish(conn, lease, extract(text, world.space))
        await jobs.complete(conn, lease)


async def test_many_claimers_share_the_jobs_without_overlap(world):
    for number in range(24):
        await world.upload(f"{number}.txt", f"Text {number}.")
    claimed = Counter()

    async def claimer():
        while True:
            async with world.database.as_worker() as conn:
                some = [await jobs.claim(conn) for _ in range(3)]
                await asyncio.sleep(0.01)  # the others meet these rows while they are locked
            claimed.update(lease.id for lease in some if lease)
            if None in some:
                return

    await asyncio.gather(*(claimer() for _ in range(8)))
    while left := await claim(world):
        claimed[left.id] += 1
    assert len(claimed) == 24 == claimed.total()


async def test_the_job_that_waits_longest_comes_first(world):
    receipts = [await world.upload(f"{n}.txt", f"Text {n}.") for n in range(3)]
    order = [(await claim(world)).document_id for _ in receipts]
    assert order == [receipt.document_id for receipt in receipts]


async def test_a_leased_job_is_nobody_elses(world):
    await world.upload("plan.txt", "The plan.")
    assert await claim(world)
    assert await claim(world) is None


async def test_a_job_whose_lease_ran_out_is_claimed_again(world):
    await world.upload("plan.txt", "The plan.")
    first = await claim(world)
    await run_out(world)
    second = await claim(world)
    assert (second.id, first.attempts, second.attempts) == (first.id, 1, 2)
    async with world.database.as_worker() as conn:
        assert not await jobs.heartbeat(conn, first, stage="reading")
        assert await jobs.heartbeat(conn, second, stage="reading", done=1, total=2)


async def test_a_worker_whose_clock_was_set_ahead_takes_nobodys_job(world, monkeypatch):
    await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    ahead = jobs.now() + timedelta(hours=1)
    monkeypatch.setattr(jobs, "now", lambda: ahead)
    assert await claim(world) is None
    async with world.database.as_worker() as conn:
        await jobs.retry(conn, lease, after=timedelta(0), problem="busy")
    assert await claim(world) is not None


async def test_a_beating_worker_keeps_its_job(world):
    await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    await run_out(world)
    async with world.database.as_worker() as conn:
        assert await jobs.heartbeat(conn, lease, stage="reading")
    assert await claim(world) is None


async def test_the_effect_of_a_late_worker_is_rolled_back(world):
    await world.upload("plan.txt", "The plan.")
    late = await claim(world)
    await run_out(world)
    assert await claim(world)
    with pytest.raises(OVERTAKEN):
        await publish_and_complete(world, late, "The plan.")
    assert await texts(world) == []


async def test_a_late_worker_of_a_finished_job_is_told_so(world):
    await world.upload("plan.txt", "The plan.")
    late = await claim(world)
    await run_out(world)
    await world.publish_all()
    with pytest.raises(OVERTAKEN):
        await publish_and_complete(world, late, "The plan.")
    assert await texts(world) == ["The plan."]


async def test_a_worker_whose_content_was_replaced_is_told_so(world):
    await world.upload("plan.txt", "The plan.")
    overtaken = await claim(world)
    await world.upload("plan.txt", "The newer plan.")
    with pytest.raises(OVERTAKEN):
        await publish_and_complete(world, overtaken, "The plan.")
    await world.publish_all()
    assert await texts(world) == ["The newer plan."]


@pytest.mark.parametrize("end", ["complete", "fail"])
async def test_a_job_ends_once(world, end):
    await world.upload("plan.txt", "The plan.")
    lease = await claim(world)

    async def finish():
        async with world.database.as_worker() as conn:
            await (
                jobs.complete(conn, lease)
                if end == "complete"
                else jobs.fail(conn, lease, problem="broken")
            )

    await finish()
    with pytest.raises(Conflict):
        await finish()
    await run_out(world)
    assert await claim(world) is None


async def test_a_retried_job_waits_its_time(world):
    await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    async with world.database.as_worker() as conn:
        await jobs.retry(conn, lease, after=timedelta(seconds=0.4), problem="busy")
        [state] = await jobs.job_states(conn, tenant_id=world.tenant_id, job_ids=[lease.id])
    assert (state.state, state.problem) == ("queued", "busy")
    assert await claim(world) is None
    await asyncio.sleep(0.45)
    assert (await claim(world)).attempts == 2


async def test_a_late_worker_cannot_put_the_job_back(world):
    await world.upload("plan.txt", "The plan.")
    late = await claim(world)
    await run_out(world)
    await world.publish_all()
    async with world.database.as_worker() as conn:
        await jobs.retry(conn, late, after=timedelta(0), problem="late")
    assert await claim(world) is None


async def test_the_job_of_a_deleted_document_vanishes(world):
    receipt = await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=receipt.document_id, by=None)
    with pytest.raises(Missing):
        await publish_and_complete(world, lease, "The plan.")
    await run_out(world)
    assert await claim(world) is None


async def test_a_failure_stands_on_job_and_document(world):
    await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await mark_failed(conn, lease, problem="it is broken")
        await jobs.fail(conn, lease, problem="it is broken")
        state = await jobs.job_state(conn, tenant_id=world.tenant_id, job_id=lease.id)
        assert await (await conn.execute(STATE)).fetchone() == (0, "failed")
    assert (state.state, state.problem) == ("failed", "it is broken")


async def test_a_connection_killed_while_publishing_leaves_the_old_version(world, urls):
    await world.add("plan.txt", "The plan.")
    await world.upload("plan.txt", "The newer plan.")
    lease = await claim(world)

    async def publish_and_die():
        async with world.database.as_worker(world.tenant_id) as conn:
            await publish(conn, lease, extract("The newer plan.", world.space))
            with psycopg.connect(urls.worker, autocommit=True) as killer:
                killer.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
            await jobs.complete(conn, lease)

    with pytest.raises(Unavailable):
        await publish_and_die()
    assert await texts(world) == ["The plan."]
    await run_out(world)
    await world.publish_all()
    assert await texts(world) == ["The newer plan."]


async def test_a_worker_cancelled_while_publishing_leaves_the_old_version(world, urls):
    await world.add("plan.txt", "The plan.")
    await world.upload("plan.txt", "The newer plan.")
    lease = await claim(world)
    with psycopg.connect(urls.owner) as blocker:
        blocker.execute("LOCK TABLE posting IN EXCLUSIVE MODE")
        publishing = asyncio.create_task(publish_and_complete(world, lease, "The newer plan."))
        await asyncio.sleep(0.2)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
    assert await texts(world) == ["The plan."]
    await publish_and_complete(world, lease, "The newer plan.")
    assert await texts(world) == ["The newer plan."]


async def test_a_job_is_as_visible_as_its_document(world):
    receipt = await world.upload("plan.txt", "The plan.", readers=access(groups=["board"]))
    job_id = (await claim(world)).id
    asked = {"tenant_id": world.tenant_id, "job_id": job_id}
    async with world.database.read_as(world.person(groups=["board"])) as conn:
        assert (await jobs.job_state(conn, **asked)).document_id == receipt.document_id
    with pytest.raises(Missing):
        async with world.database.read_as(world.person()) as conn:
            await jobs.job_state(conn, **asked)


async def test_a_listener_hears_of_a_job_once_it_is_there(world, urls):
    async with await psycopg.AsyncConnection.connect(urls.worker, autocommit=True) as conn:
        await jobs.listen(conn)
        assert [note async for note in conn.notifies(timeout=0.05)] == []
        await world.upload("plan.txt", "The plan.")
        [note] = [note async for note in conn.notifies(timeout=5, stop_after=1)]
        assert note.channel == jobs.CHANNEL
        assert await claim(world)


async def test_claiming_does_not_read_what_is_done(world):
    receipt = await world.upload("plan.txt", "The plan.")
    async with world.database.as_worker() as conn:
        await conn.execute(
            "INSERT INTO job (tenant_id, id, kind, document_id, revision_id, state, attempts,"
            "                 run_at, stage, steps_done, steps_total, created_at)"
            " SELECT %s, gen_random_uuid(), 'ingest', %s, %s, 'done', 1, now(), 'done', 0, 0, now()"
            "   FROM generate_series(1, 3000)",
            (world.tenant_id, receipt.document_id, receipt.revision_id),
        )
        asked = {"lease": receipt.document_id, "lease_for": jobs.LEASE, "bulk": jobs.BULK}
        told = asked | {"by_age": False, "express": False, "scans_below": jobs.BULK, "suspect": 2}
        rows = await (await conn.execute("EXPLAIN " + jobs.CLAIM, told)).fetchall()
    plan = "\n".join(row for (row,) in rows)
    assert "job_queued" in plan
    assert "Seq Scan on job" not in plan
