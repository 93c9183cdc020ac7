"""A job whose change is refused though it is its worker's own waits, and says why in the end."""

import pytest

from roadworthy.core.errors import Conflict
from roadworthy.ingestion import service
from roadworthy.ingestion.queue import list_jobs
from roadworthy.plumbing.jobs import Turn
from tests.ingestion.curation.documents import prose

pytestmark = pytest.mark.anyio

WHY = "The document is kept as it is."
DUE = "UPDATE job SET run_at = now() WHERE state = 'queued'"


@pytest.fixture(autouse=True)
def _refused(monkeypatch):
    async def publish(*_):
        raise Conflict(WHY)

    monkeypatch.setattr(service, "publish", publish)


async def job(intake):
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        [found] = await list_jobs(conn, tenant_id=intake.world.tenant_id)
        await conn.execute(DUE)
    return found


async def test_it_is_tried_again_and_fails_with_what_was_said(intake):
    await intake.world.upload("a.txt", prose(1))
    seen = []
    while lease := await intake.service.claim(Turn.URGENT):
        await intake.service.do(lease)
        found = await job(intake)
        seen.append((found.state, found.attempts, found.problem))
    assert seen == [*(("queued", n, WHY) for n in range(1, 5)), ("failed", 5, WHY)]


async def test_what_was_taken_over_meanwhile_is_left_alone(intake, monkeypatch):
    await intake.world.upload("a.txt", prose(1))
    lease = await intake.service.claim(Turn.URGENT)
    async with intake.world.database.as_worker() as conn:
        await conn.execute("UPDATE job SET leased_until = now() - interval '1 s'")
    assert await intake.service.claim(Turn.URGENT)
    await intake.service.do(lease)
    found = await job(intake)
    assert (found.state, found.problem) == ("running", None)
