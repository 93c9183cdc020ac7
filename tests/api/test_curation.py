"""Whoever may read a document is told how it was curated; its owner and reviewers may decide."""

import pytest

from roadworthy.corpus.policies import policy_of, write_policy
from roadworthy.corpus.quarantine import keep_back
from roadworthy.corpus.verdicts import QUARANTINED, Removal, Verdict, write_verdicts
from roadworthy.plumbing import jobs

pytestmark = pytest.mark.anyio

SECRETS = Verdict(
    check="secrets", outcome=QUARANTINED, reason="Found 1 password.", figures={"password": 1}
)


async def upload(client, text="A plan with a password.", **fields):
    file = ("file", ("plan.txt", text.encode(), "text/plain"))
    [handed] = (await client.post("/v1/documents", files=[file], data=fields)).json()["data"]
    return handed["document_id"]


async def curated(world, *, kept_back=True):
    """Do the waiting job as a worker does that finds a secret."""
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(world.tenant_id) as conn:
        if kept_back:
            await keep_back(conn, lease, problem="Kept back for review. Found 1 password.")
        removed = [Removal(at=0, page=1, text="ACME")]
        await write_verdicts(conn, lease, [SECRETS], compared_in=0, removals=removed)
        await jobs.complete(conn, lease)


async def review(client, document_id, decision, reason="As agreed."):
    told = {"decision": decision, "reason": reason}
    return await client.post(f"/v1/documents/{document_id}/review", json=told)


async def test_what_was_found_is_shown(client, world):
    document_id = await upload(client)
    await curated(world)
    found = (await client.get(f"/v1/documents/{document_id}/verdicts")).json()
    by_check = {each["check"]: each for each in found["verdicts"]}
    assert by_check["secrets"]["figures"] == {"password": 1}
    assert by_check["secrets"]["outcome"] == "quarantined"
    assert by_check["exact_duplicates"]["outcome"] == "pass"
    assert (found["removals"], found["reviews"]) == ([], [])  # nothing of it is searchable


async def test_what_is_kept_back_is_listed_with_the_reason(client, world, plan):
    document_id = await upload(client)
    await curated(world)
    listed = (await client.get("/v1/documents?state=quarantined")).json()["data"]
    assert [each["id"] for each in listed] == [document_id]
    assert "1 password" in listed[0]["problem"]
    assert (await client.get("/v1/documents?state=nonsense")).status_code == 422


async def test_the_owner_releases_it(client, world):
    document_id = await upload(client)
    await curated(world)
    response = await review(client, document_id, "release")
    assert response.status_code == 202
    body = response.json()
    assert (body["document"]["state"], body["job_id"] is None) == ("pending", False)
    await world.publish_all()
    shown = (await client.get(f"/v1/documents/{document_id}")).json()
    assert shown["state"] == "ready"
    [decided] = (await client.get(f"/v1/documents/{document_id}/verdicts")).json()["reviews"]
    assert (decided["decision"], decided["reason"], decided["decided_by"]) == (
        "release",
        "As agreed.",
        "ana",
    )
    assert (await review(client, document_id, "release")).status_code == 409


async def test_the_owner_rejects_it(client, world):
    document_id = await upload(client)
    await curated(world)
    body = (await review(client, document_id, "reject")).json()
    assert (body["document"]["state"], body["job_id"]) == ("rejected", None)
    assert "As agreed." in body["document"]["problem"]
    assert (await review(client, document_id, "reject")).status_code == 409


async def test_a_reader_may_look_but_not_decide(client, door, world):
    document_id = await upload(client)
    await curated(world)
    async with door.client(await door.key("bo")) as bo:
        assert (await bo.get(f"/v1/documents/{document_id}/verdicts")).status_code == 200
        assert (await review(bo, document_id, "release")).status_code == 403
    async with world.database.as_worker(world.tenant_id) as conn:
        policy = policy_of({"reviewers": ["audit"]})
        await write_policy(conn, policy, tenant_id=world.tenant_id, corpus="main")
    async with door.client(await door.key("cy", groups={"audit"})) as cy:
        assert (await review(cy, document_id, "release")).status_code == 202
    await world.publish_all()


async def test_nobody_else_learns_that_it_is_there(client, door, world):
    document_id = await upload(client, users=["ana"])
    await curated(world)
    async with door.client(await door.key("bo")) as bo:
        assert (await bo.get(f"/v1/documents/{document_id}/verdicts")).status_code == 404
        assert (await review(bo, document_id, "release")).status_code == 404
        assert (await bo.get("/v1/documents?state=quarantined")).json()["data"] == []


async def test_a_key_that_may_not_upload_may_not_decide(client, door, world):
    document_id = await upload(client)
    await curated(world)
    async with door.client(await door.key(may_ingest=False)) as reading:
        assert (await review(reading, document_id, "release")).status_code == 403


@pytest.mark.parametrize(
    "body",
    [{}, {"decision": "maybe"}, {"decision": "reject", "reason": "x" * 1001},
     {"decision": "reject", "more": 1}],
)  # fmt: skip
async def test_a_wrong_decision_is_refused(client, plan, body):
    response = await client.post(f"/v1/documents/{plan}/review", json=body)
    assert response.status_code == 422
