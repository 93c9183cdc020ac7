"""A pile of scans holds a worker's loops only for the one that is recognised, and the next."""

import asyncio

import pytest

from roadworthy.ingestion.limits import MIB, Limits
from roadworthy.ingestion.queue import list_jobs
from roadworthy.ingestion.reading import DocumentReader
from roadworthy.plumbing.jobs import BULK, Turn
from tests.ingestion.files import picture, scan
from tests.world import another_world

pytestmark = pytest.mark.anyio

PILE, LOOPS = 8, 4
COUNTS = "SELECT state, attempts, waits FROM job ORDER BY state"
# In the order in which they were last claimed: those that were put aside are claimed again.
ORDER = "SELECT tenant_id FROM job WHERE state = 'done' ORDER BY finished_at"


@pytest.fixture(scope="module")
def reader():
    reader = DocumentReader(
        timeout_s=60, memory_mb=1024, max_bytes=MIB, limits=Limits(), scans_at_hand=0
    )
    yield reader
    reader.close()


async def sql(world, statement):
    async with world.database.as_worker() as conn:
        return await (await conn.execute(statement)).fetchall()


async def test_a_scan_waits_outside_and_written_text_goes_on(intake):
    await intake.world.upload("scan.pdf", scan(picture("Hello")), priority=BULK)
    await intake.world.upload("plan.txt", "The plan.", priority=BULK)
    await intake.work()
    async with intake.world.database.read_as(intake.world.person()) as conn:
        listed = await list_jobs(conn, tenant_id=intake.world.tenant_id)
    assert {(job.state, job.problem) for job in listed} == {("queued", None), ("done", None)}
    assert await sql(intake.world, COUNTS) == [("done", 1, 0), ("queued", 0, 0)]


async def test_a_scan_that_somebody_waits_for_comes_before_a_pile_of_another(intake, reader):
    for number in range(PILE):
        await intake.world.upload(f"{number}.pdf", scan(picture(f"Page {number}")), priority=BULK)
    other = await another_world(intake.world.database)
    reader._most_scans = 1
    claims = []

    async def loop():
        while (lease := await intake.service.claim(Turn.URGENT)) or await waiting():
            if lease:
                claims.append(lease.tenant_id)
                await intake.service.do(lease)
            await asyncio.sleep(0.01)

    async def waiting():
        return await sql(other, "SELECT 1 FROM job WHERE state = 'queued'")

    async with asyncio.timeout(120), asyncio.TaskGroup() as loops:
        for _ in range(LOOPS):
            loops.create_task(loop())
        while len(await sql(other, ORDER)) < 2:  # noqa: ASYNC110 - the loops are waited for
            await asyncio.sleep(0.02)
        before = len(await sql(other, ORDER))
        await other.upload("one.pdf", scan(picture("Somebody waits")))
    order = [tenant for (tenant,) in await sql(other, ORDER)]
    # Before it come those that are at hand: one is recognised, the others were just begun.
    assert order.index(other.tenant_id) - before <= LOOPS
    # Once to find that it is a scan; then all loops at most may meet over the place for it.
    assert len(claims) <= (1 + LOOPS) * (PILE + 1)
