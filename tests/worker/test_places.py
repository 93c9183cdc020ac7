"""A worker moves the vectors of a tenant that has grown, and goes on through outages."""

import asyncio

import pytest

from roadworthy.corpus.places import find_place
from roadworthy.worker.places import keep_places

pytestmark = pytest.mark.anyio


async def settled(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        place = await find_place(conn, tenant_id=world.tenant_id)
    return place is not None and place.is_settled


async def test_it_moves_what_has_grown(world, urls):
    await world.add("pumps.txt", "Pump.\n\nValve.")
    keeping = asyncio.create_task(keep_places(world.database, owner_url=urls.owner, most=1))
    async with asyncio.timeout(60):
        while not await settled(world):  # noqa: ASYNC110 - another task is waited for
            await asyncio.sleep(0.1)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize("owner_url", [None, "postgresql://nobody@127.0.0.1:1/none"])
async def test_it_waits_where_it_can_do_nothing(world, owner_url):
    keeping = asyncio.create_task(keep_places(world.database, owner_url=owner_url, most=1))
    await asyncio.wait([keeping], timeout=0.3)
    assert not keeping.done()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
