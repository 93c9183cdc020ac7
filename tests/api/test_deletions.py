"""Who deletes gets a receipt; an answer that was being made from the document tells no more."""

import asyncio
import uuid

import pytest

from roadworthy.corpus.access import access
from roadworthy.deletion import add_hold

pytestmark = pytest.mark.anyio
ASKED = {"question": "What is the plan?", "release": "generating"}


@pytest.fixture
def dawdling(models, generating):
    """The chat model takes a minute for its answer, and quotes all the time."""
    models.pieces = ["The plan is to leave on Monday [1]. "] * 600
    models.pause_s = 0.1
    return models


async def test_the_receipt_names_every_store_and_is_kept(client, plan):
    response = await client.delete(f"/v1/documents/{plan}")
    assert response.status_code == 200
    receipt = response.json()
    assert (receipt["scope"], receipt["subject"]) == ("document", str(plan))
    assert {each["store"]: each["count"] for each in receipt["stores"]}["passage"] == 2
    assert receipt["finished_at"] is not None
    assert (await client.get(f"/v1/deletions/{receipt['id']}")).json() == receipt
    page = (await client.get("/v1/deletions")).json()
    assert (page["data"], page["next"]) == ([receipt], None)


async def test_nobody_else_sees_it(door, client, plan):
    receipt = (await client.delete(f"/v1/documents/{plan}")).json()
    async with door.client(await door.key("bo")) as other:
        assert (await other.get("/v1/deletions")).json()["data"] == []
        assert (await other.get(f"/v1/deletions/{receipt['id']}")).status_code == 404
        assert (await other.get(f"/v1/deletions/{uuid.uuid4()}")).status_code == 404


async def test_pages_hold_each_receipt_once(client, world):
    for number in range(5):
        document = await world.add(f"{number}.txt", f"Number {number}.", owner="ana")
        await client.delete(f"/v1/documents/{document}")
    first = (await client.get("/v1/deletions", params={"limit": 3})).json()
    rest = (await client.get("/v1/deletions", params={"before": first["next"]})).json()
    ids = [each["id"] for each in (*first["data"], *rest["data"])]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 5


async def test_a_held_document_is_told_to_be_so(client, world, plan):
    async with world.database.as_worker(world.tenant_id) as conn:
        hold = await add_hold(
            conn, tenant_id=world.tenant_id, reason="Secret.", by="operator", document_id=plan
        )
    told = await client.delete(f"/v1/documents/{plan}")
    assert told.status_code == 409
    assert str(hold) in told.json()["detail"]
    files = [("file", ("plan.txt", b"Another plan.", "text/plain"))]
    renewed = await client.post("/v1/documents", files=files)
    assert (renewed.status_code, str(hold) in renewed.text) == (409, True)
    assert "Secret" not in told.text + renewed.text
    assert (await client.get(f"/v1/documents/{plan}")).json()["version"] == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_is_being_written_tells_no_more(
    door, served, plan, dawdling, wait_for_traces, stream
):
    async with door.client(await door.key(), url=served) as client:
        told = asyncio.create_task(client.post("/v1/answers", json=ASKED | {"stream": stream}))
        await dawdling.until_asked("/chat/completions")
        await asyncio.sleep(0.3)
        receipt = (await client.delete(f"/v1/documents/{plan}")).json()
        assert receipt["finished_at"] is not None
        response = await asyncio.wait_for(told, 5)
        if stream:
            assert "event: error" in response.text
            assert response.text.count("Monday") < 30
        else:
            assert (response.status_code, "Monday" in response.text) == (409, False)
        [trace] = await wait_for_traces(client)
        assert (trace["outcome"], trace["answer"]) == ("refused", None)
    spooled = [path.read_text() for path in (door.services.settings.home / "spool").glob("*.jsonl")]
    assert not [text for text in spooled if "Monday" in text]


async def test_an_answer_from_other_documents_goes_on(
    door, served, world, plan, models, generating
):
    models.pieces, models.pause_s = ["The plan is to leave [1]. "] * 10, 0.1
    other = await world.add("menu.txt", "Soup is on every day of it.", owner="ana")
    asked = ASKED | {"filter": {"name": "plan"}}
    async with door.client(await door.key(), url=served) as client:
        told = asyncio.create_task(client.post("/v1/answers", json=asked))
        await models.until_asked("/chat/completions")
        await asyncio.sleep(0.2)
        receipt = (await client.delete(f"/v1/documents/{other}")).json()
        assert receipt["finished_at"] is not None
        assert not told.done()
        assert (await told).json()["outcome"] == "answered"


async def test_all_documents_of_a_person_go_and_no_other(door, client, world, plan):
    others = await world.add("other.txt", "Other.", owner="bo")
    await world.add("secret.txt", "Mine.", owner="ana", readers=access(groups=["left"]))
    receipt = (await client.post("/v1/deletions", json={"documents": "mine"})).json()
    assert (receipt["scope"], receipt["documents"]) == ("documents of a person", 2)
    assert receipt["finished_at"] is not None
    assert (await client.get(f"/v1/deletions/{receipt['id']}")).json() == receipt
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await (await conn.execute("SELECT id FROM document")).fetchall()
    assert rows == [(others,)]


async def test_a_key_for_reading_deletes_nothing(door, plan):
    async with door.client(await door.key(may_ingest=False)) as client:
        refused = await client.post("/v1/deletions", json={"documents": "mine"})
        assert refused.status_code == 403
        assert (await client.get(f"/v1/documents/{plan}")).status_code == 200


@pytest.mark.parametrize("body", [{}, {"documents": "all"}, {"documents": "mine", "of": "bo"}])
async def test_nothing_else_can_be_named(client, plan, body):
    assert (await client.post("/v1/deletions", json=body)).status_code == 422
    assert (await client.get(f"/v1/documents/{plan}")).status_code == 200
