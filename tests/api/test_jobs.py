"""Accepted work is listed, replayed and dropped over HTTP, and there is a limit to what waits."""

import uuid
from dataclasses import replace

import pytest

from roadworthy.api.app import create_app
from roadworthy.corpus.publishing import mark_failed
from roadworthy.plumbing import jobs

pytestmark = pytest.mark.anyio


async def upload(client, *names):
    files = [("file", (name, f"Text {name}.".encode(), "text/plain")) for name in names]
    return await client.post("/v1/documents", files=files)


async def fail_next(world):
    lease = None
    while lease is None or lease.tenant_id != world.tenant_id:  # other tests may have left some
        async with world.database.as_worker() as conn:
            lease = await jobs.claim(conn)
        assert lease is not None
    async with world.database.as_worker(world.tenant_id) as conn:
        await mark_failed(conn, lease, problem="it is broken")
        await jobs.fail(conn, lease, problem="it is broken")
    return lease.id


async def listed(client, **params):
    return (await client.get("/v1/jobs", params=params)).json()


async def test_jobs_are_listed_by_state_and_page(client, world):
    await upload(client, "a.txt", "b.txt", "c.txt")
    failed = await fail_next(world)
    first = await listed(client, limit=2)
    second = await listed(client, limit=2, before=first["next"])
    names = [each["document_name"] for each in first["data"] + second["data"]]
    assert names == ["c.txt", "b.txt", "a.txt"]
    assert second["next"] is None
    [letter] = (await listed(client, state="failed"))["data"]
    assert (letter["id"], letter["problem"]) == (str(failed), "it is broken")


async def test_a_dead_letter_is_replayed(client, world):
    await upload(client, "a.txt")
    job_id = await fail_next(world)
    response = await client.post(f"/v1/jobs/{job_id}/retry")
    assert (response.status_code, response.json()["state"]) == (200, "queued")
    await world.publish_all()
    assert (await client.post(f"/v1/jobs/{job_id}/retry")).status_code == 409


async def test_a_dead_letter_is_dropped(client, world):
    await upload(client, "a.txt")
    job_id = await fail_next(world)
    assert (await client.delete(f"/v1/jobs/{job_id}")).status_code == 204
    assert (await client.get(f"/v1/jobs/{job_id}")).status_code == 404


async def test_only_the_owner_with_a_key_that_may_ingest_changes_a_job(client, door, world):
    await upload(client, "a.txt")
    job_id = await fail_next(world)
    for key in (await door.key("bo"), await door.key("ana", may_ingest=False)):
        async with door.client(key) as other:
            assert (await other.post(f"/v1/jobs/{job_id}/retry")).status_code == 403
            assert (await other.delete(f"/v1/jobs/{job_id}")).status_code == 403
    assert (await client.delete(f"/v1/jobs/{uuid.uuid4()}")).status_code == 404


async def test_one_file_comes_before_many(client):
    await upload(client, "a.txt", "b.txt")
    await upload(client, "c.txt")
    found = {each["document_name"]: each["priority"] for each in (await listed(client))["data"]}
    assert found["c.txt"] < found["a.txt"] == found["b.txt"]


@pytest.fixture
async def narrow(door):
    """A client of a door where two files of a tenant may wait."""
    settings = door.services.settings.model_copy(update={"max_queued_jobs": 2})
    app = create_app(replace(door.services, settings=settings))
    async with replace(door, app=app).client(await door.key()) as client:
        yield client


async def test_more_than_may_wait_is_told_when_to_come_again(narrow):
    assert (await upload(narrow, "a.txt", "b.txt")).status_code == 202
    refused = await upload(narrow, "c.txt")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 1
    assert "max_queued_jobs" in refused.json()["detail"]
    handed = (await upload(narrow, "d.txt", "a.txt")).json()["data"]
    assert [each["outcome"] for each in handed] == ["failed", "unchanged"]
    assert len((await narrow.get("/v1/documents")).json()["data"]) == 2
