"""A deletion that is killed again and again hides all at once, goes on, and counts rows once."""

import asyncio
import json

import pytest

from roadworthy.corpus.documents import list_documents

pytestmark = pytest.mark.anyio
DOCUMENTS = 160


async def left(world) -> int:
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        [(count,)] = await (await conn.execute("SELECT count(*) FROM document")).fetchall()
    return count


async def killed_at(cli, world, number: int) -> None:
    """Kill the command when no more than so many documents are left."""
    with cli.running("corpus", "delete", "main", "--yes") as deleting:
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
