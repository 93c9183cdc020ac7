"""A worker merges what was published, and clears what has gone, in every tenant."""

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.corpus.ownership import delete
from roadworthy.worker import chores
from roadworthy.worker.chores import merge_postings
from tests.world import make_world

pytestmark = pytest.mark.anyio


async def count(world, table):
    async with world.database.as_worker(world.tenant_id) as conn:
        [number] = await (await conn.execute(f"SELECT count(*) FROM {table}")).fetchone()
        return number


async def test_every_tenant_is_merged_and_cleared(world, database):
    worlds = [world, await make_world(database, "other")]
    for each in worlds:
        document = await each.add("plan.txt", "The plan.")
        await each.add("menu.txt", "Heron soup.")
        assert await merge_postings(database) == 2
        async with database.as_worker(each.tenant_id) as conn:
            await delete(conn, tenant_id=each.tenant_id, document_id=document, by=None)
    assert await merge_postings(database) == 0
    for each in worlds:
        assert (await count(each, "posting"), await count(each, "posting_gone")) == (0, 0)
        assert await count(each, "posting_segment") == 2


async def test_a_tenant_that_cannot_be_cleared_keeps_no_other_waiting(world, database, monkeypatch):
    other = await make_world(database, "other")
    await other.add("plan.txt", "The plan.")
    cleared = chores.clear_tenant

    async def clear(database, *, tenant_id):
        if tenant_id == world.tenant_id:
            raise Unavailable("It takes too long.")
        await cleared(database, tenant_id=tenant_id)

    monkeypatch.setattr(chores, "clear_tenant", clear)
    assert world.tenant_id < other.tenant_id  # it comes first
    assert await merge_postings(database) == 1
