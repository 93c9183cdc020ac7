"""A pile of scans holds a worker's loops only for the one that is recognised, and the next."""

import pytest

from roadworthy.ingestion.limits import MIB, Limits
from roadworthy.ingestion.queue import list_jobs
from roadworthy.ingestion.reading import DocumentReader
from tests.ingestion.files import picture, scan

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def reader():
    reader = DocumentReader(
        timeout_s=30, memory_mb=1024, max_bytes=MIB, limits=Limits(), scans_at_hand=0
    )
    yield reader
    reader.close()


async def test_a_scan_waits_outside_and_written_text_goes_on(intake):
    await intake.world.upload("scan.pdf", scan(picture("Hello")))
    await intake.world.upload("plan.txt", "The plan.")
    await intake.work()
    async with intake.world.database.read_as(intake.world.person()) as conn:
        listed = await list_jobs(conn, tenant_id=intake.world.tenant_id)
        waits = await conn.execute("SELECT state, attempts - waits FROM job")
        counted = await waits.fetchall()
    assert {(job.state, job.problem) for job in listed} == {("queued", None), ("done", None)}
    assert sorted(counted) == [("done", 1), ("queued", 0)]
