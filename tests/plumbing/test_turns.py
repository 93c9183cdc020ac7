"""Whose turn it is: tenants take turns, who waits comes before a bulk load, and nobody starves."""

from datetime import timedelta

import pytest

from roadworthy.core.errors import Busy
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.plumbing import jobs
from roadworthy.plumbing.jobs import BULK, INTERACTIVE, Turn
from tests.world import another_world

pytestmark = pytest.mark.anyio


async def upload(world, *names, priority=INTERACTIVE):
    for name in names:
        await world.upload(name, f"Text {name}.", priority=priority)


async def claimed(world, turn=Turn.URGENT, scans_below=jobs.ANY_PRIORITY):
    """Claim a job; give its lease."""
    async with world.database.as_worker() as conn:
        return await jobs.claim(conn, turn=turn, scans_below=scans_below)


async def give_back(world, lease, *, is_scan=False):
    async with world.database.as_worker() as conn:
        await jobs.give_back(conn, lease, is_scan=is_scan)


async def give_back_as_scan(world):
    await give_back(world, await claimed(world), is_scan=True)


async def expire(world, *leases):
    """Let half a minute pass in which the workers of these, or of all, are dead."""
    async with world.database.as_worker() as conn:
        await conn.execute(
            "UPDATE job SET leased_until = now() - interval '1 second'"
            " WHERE state = 'running' AND (%(all)s OR id = ANY (%(ids)s))",
            {"all": not leases, "ids": [lease.id for lease in leases]},
        )


async def finish(world, lease):
    async with world.database.as_worker() as conn:
        await jobs.complete(conn, lease)


async def priority_of(world, lease):
    async with world.database.as_worker() as conn:
        [state] = await jobs.job_states(conn, tenant_id=lease.tenant_id, job_ids=[lease.id])
    return state.priority


async def test_who_waits_comes_before_a_bulk_load(world):
    await upload(world, "a", "b", priority=BULK)
    await upload(world, "c")
    order = [await priority_of(world, await claimed(world)) for _ in range(3)]
    assert order == [INTERACTIVE, BULK, BULK]


async def test_tenants_take_turns_however_much_one_has_waiting(world):
    await upload(world, *"abcdef")
    other = await another_world(world.database)
    await upload(other, "a", "b")
    order = []
    for _ in range(4):
        lease = await claimed(world)
        order.append(lease.tenant_id)
        await finish(world, lease)
    assert order == [world.tenant_id, other.tenant_id] * 2


async def test_who_has_the_fewest_running_has_its_turn(world):
    await upload(world, *"abcdef")
    assert [(await claimed(world)).tenant_id for _ in range(3)] == [world.tenant_id] * 3
    other = await another_world(world.database)
    await upload(other, *"abcd")
    assert [(await claimed(world)).tenant_id for _ in range(3)] == [other.tenant_id] * 3


async def test_a_folder_comes_before_what_is_embedded_again(world):
    embedded = await world.add("old", "Text.")
    async with world.database.as_worker(world.tenant_id) as conn:
        found = await enqueue_reindex(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    await upload(world, "new", priority=BULK)
    assert len(found) == 1
    assert (await claimed(world)).document_id != embedded
    assert (await claimed(world)).document_id == embedded


async def test_what_is_embedded_again_fills_no_queue(world):
    await world.add("old", "Text.")
    async with world.database.as_worker(world.tenant_id) as conn:
        await enqueue_reindex(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)
        await jobs.check_room(conn, most=1)


async def test_an_upload_does_not_wait_for_the_one_before_it_behind_loads_of_others(world):
    others = [await another_world(world.database) for _ in range(3)]
    await upload(world, "long")
    assert (await claimed(world)).tenant_id == world.tenant_id
    for other in others:
        await upload(other, "a", "b", priority=BULK)
    loads = [await claimed(world) for _ in others]
    await upload(world, "short")
    await finish(world, loads[0])
    lease = await claimed(world)
    assert (lease.tenant_id, lease.is_urgent) == (world.tenant_id, True)


async def test_uploads_overlook_one_running_job_and_no_more(world):
    other = await another_world(world.database)
    await upload(world, *"abcd")
    await upload(other, *"ab", priority=BULK)
    served = [(await claimed(world)).tenant_id for _ in range(4)]
    assert sorted(served) == sorted([world.tenant_id] * 3 + [other.tenant_id])


async def test_a_known_scan_waits_for_its_place_and_holds_up_nobody(world):
    await upload(world, "scan", priority=BULK)
    await give_back_as_scan(world)
    await upload(world, "a", "b", priority=BULK)
    first = await claimed(world, scans_below=BULK)
    assert await claimed(world, scans_below=BULK)
    assert await claimed(world, scans_below=BULK) is None
    scan = await claimed(world)
    assert scan is not None
    assert scan.id < first.id


async def test_the_last_place_is_for_the_scan_that_somebody_waits_for(world):
    await upload(world, "bulk", priority=BULK)
    await give_back_as_scan(world)
    await upload(world, "person")
    await give_back_as_scan(world)
    assert await claimed(world, scans_below=INTERACTIVE) is None
    assert (await claimed(world, scans_below=BULK)).is_urgent
    assert await claimed(world, scans_below=BULK) is None


async def test_what_is_given_back_keeps_its_place_and_its_patience(world):
    await upload(world, "a")
    before = await claimed(world)
    for _ in range(3):
        await give_back(world, before)
        await upload(world, "later")
        again = await claimed(world)
        assert (again.id, again.attempts, again.waits) == (before.id, 1, 0)
        before = again


async def test_a_turn_by_age_lets_no_upload_starve_a_bulk_load(world):
    await upload(world, "a", priority=BULK)
    await upload(world, "b")
    assert await priority_of(world, await claimed(world, Turn.OLDEST)) == BULK


async def test_the_express_turn_is_of_one_urgent_job_a_tenant(world):
    await upload(world, "a", "b", priority=BULK)
    assert await claimed(world, Turn.EXPRESS) is None
    await upload(world, "c", "d")
    assert await priority_of(world, await claimed(world, Turn.EXPRESS)) == INTERACTIVE
    assert await claimed(world, Turn.EXPRESS) is None
    other = await another_world(world.database)
    await upload(other, "e")
    assert (await claimed(world, Turn.EXPRESS)).tenant_id == other.tenant_id


async def test_what_a_dead_worker_left_comes_first(world):
    await upload(world, "a", priority=BULK)
    left = await claimed(world)
    await upload(world, "b")
    await expire(world)
    assert (await claimed(world)).id == left.id


async def test_jobs_over_which_workers_died_twice_are_tried_one_at_a_time(world):
    names = list("abc")
    await upload(world, *names)
    for _ in range(2):
        assert all([await claimed(world) for _ in names])
        assert await claimed(world) is None
        await expire(world)
    done = []
    for _ in names:
        done.append(await claimed(world))
        assert await claimed(world) is None
        await finish(world, done[-1])
    assert len({lease.id for lease in done}) == 3


async def test_who_was_tried_twice_holds_up_no_other(world):
    await upload(world, "a")
    for _ in range(3):
        assert await claimed(world)
        await expire(world)
    suspect = await claimed(world)
    await upload(world, "b")
    fresh = await claimed(world)
    await expire(world, fresh)
    again = await claimed(world)
    assert (again.id, again.id != suspect.id) == (fresh.id, True)


async def test_what_waits_for_its_retry_holds_up_nobody(world):
    await upload(world, "a", "b")
    waiting = await claimed(world)
    async with world.database.as_worker() as conn:
        await jobs.retry(conn, waiting, after=timedelta(hours=1), problem="busy", kind="busy")
    assert (await claimed(world)).id != waiting.id
    assert await claimed(world) is None


async def test_a_tenant_may_have_so_much_waiting_and_no_more(world):
    await upload(world, "a", "b", priority=BULK)
    other = await another_world(world.database)
    asked = world.person()

    async def check(most, person=asked):
        async with world.database.write_as(person) as conn:
            await jobs.check_room(conn, most=most)

    await check(3)
    with pytest.raises(Busy, match="max_queued_jobs") as raised:
        await check(2)
    assert raised.value.facts["retry_after_s"] > 0
    await check(1, other.person())
    await claimed(world)
    await check(2)


async def test_what_finds_no_room_is_not_even_written(world):
    await upload(world, "a")
    late = Upload(name="b", content=b"Text b.", access=access(), owner="operator")
    place = {"tenant_id": world.tenant_id, "corpus": world.corpus, "by": None}
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Busy):
            await accept(conn, late, **place, most_queued=1)
        written = await conn.execute("SELECT count(*) FROM revision")
        assert await written.fetchone() == (1,)
