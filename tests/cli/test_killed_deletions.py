"""A deletion that is killed again and again hides all at once, goes on, and counts rows once."""

import asyncio
import json

import psycopg
import pytest

from roadworthy.corpus.documents import list_documents
from roadworthy.deletion import Receipt, list_receipts
from roadworthy.plumbing.epochs import HOLD, LOCK_CLASS

pytestmark = pytest.mark.anyio
DOCUMENTS = 160


async def left(world) -> int:
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        [(count,)] = await (await conn.execute("SELECT count(*) FROM document")).fetchall()
    return count


async def killed_at(cli, world, number: int) -> None:
    """Kill the command when no more than so many documents are left."""
    with cli.running("corpus", "delete", "main", "--yes") as deleting:
        async with asyncio.timeout(60):
            while await left(world) > number:
                assert deleting.poll() is None
                await asyncio.sleep(0.002)
        deleting.kill()
        assert deleting.wait(30) == -9


async def test_it_goes_on_after_kills(cli, world):
    for number in range(DOCUMENTS):
        await world.upload(f"{number}.txt", f"Document {number}.\n\nIts second part.")
    await world.publish_all()
    ana = world.person("ana")
    for number in (DOCUMENTS - 20, 80, 20):
        await killed_at(cli, world, number)
        assert 0 < await left(world) <= number
        async with world.database.read_as(ana) as conn:
            assert await list_documents(conn, tenant_id=world.tenant_id) == []
    [under_way] = json.loads(cli.run("deletion", "list", "--json").stdout)
    assert (under_way["documents"], under_way["erased_at"]) == (DOCUMENTS, None)
    assert cli.run("corpus", "delete", "main", "--yes").returncode == 0
    [receipt] = json.loads(cli.run("deletion", "list", "--json").stdout)
    counts = {each["store"]: each["count"] for each in receipt["stores"]}
    assert (receipt["id"], counts["document"]) == (under_way["id"], DOCUMENTS)
    assert counts["passage"] == counts["embedding"] == 2 * DOCUMENTS
    assert await left(world) == 0


async def receipt_when(world, is_so) -> Receipt:
    async with asyncio.timeout(60):
        while True:
            async with world.database.as_worker(world.tenant_id) as conn:
                found = await list_receipts(conn, tenant_id=world.tenant_id)
            if found and is_so(found[0]):
                return found[0]
            await asyncio.sleep(0.02)


async def test_killed_between_erasing_and_finishing_it_is_finished_by_a_worker(cli, world, urls):
    document = await world.add("a.txt", "Alpha.")
    with psycopg.connect(urls.app, autocommit=True) as somebody_who_tells_it_still:
        somebody_who_tells_it_still.execute(HOLD, {"class": LOCK_CLASS, "epoch": 0})
        with cli.running("document", "delete", str(document)) as deleting:
            receipt = await receipt_when(world, lambda each: each.erased_at is not None)
            deleting.kill()
            assert deleting.wait(30) == -9
    assert receipt.finished_at is None
    with cli.running("worker"):
        await receipt_when(world, lambda each: each.finished_at is not None)
