"""Doctor tells large tenants that nobody gives an index, and moves that take too long."""

import asyncio
from dataclasses import replace

import psycopg
import pytest

from roadworthy.corpus.moving import arrange_places
from roadworthy.corpus.partitions import ensure_partition
from roadworthy.corpus.places import enter_place
from roadworthy.diagnosis.places import check_places
from tests.world import make_other_space

pytestmark = pytest.mark.anyio

LONG_AGO = "UPDATE embedding_place SET changed_at = now() - interval '61 minutes'"
COPY = """
INSERT INTO embedding (tenant_id, space_id, corpus_id, acl_id, passage_id, document_id, vector,
                       place)
SELECT tenant_id, %(space_id)s, corpus_id, acl_id, passage_id, document_id, vector, place
  FROM embedding
"""


async def checked(urls):
    return await asyncio.to_thread(check_places, urls, most=1)


@pytest.fixture
async def large(world):
    await world.add("pumps.txt", "Pump.\n\nValve.")
    return world


async def test_a_worker_that_may_make_partitions_is_given_time(large, urls):
    assert (await checked(urls)).ok


async def test_without_an_owner_the_tenant_is_named_with_the_mend(large, urls):
    check = await checked(replace(urls, owner=None))
    assert (check.ok, "acme" in check.sentence) == (False, True)
    assert "roadworthy space arrange" in check.mend


async def test_a_move_of_more_than_an_hour_is_told(large, urls):
    async with await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as owner:
        await ensure_partition(owner, large.tenant_id)
    async with large.database.as_worker(large.tenant_id) as conn:
        await enter_place(conn, tenant_id=large.tenant_id)
    assert (await checked(urls)).ok
    async with large.database.as_worker(large.tenant_id) as conn:
        await conn.execute(LONG_AGO)
    check = await checked(urls)
    assert (check.ok, "acme" in check.sentence) == (False, True)


async def test_a_tenant_that_has_moved_is_well_for_ever(large, urls):
    await arrange_places(large.database, owner_url=urls.owner, report=lambda _: None, most=1)
    async with large.database.as_worker(large.tenant_id) as conn:
        await conn.execute(LONG_AGO)
    assert (await checked(replace(urls, owner=None))).ok


async def test_each_space_is_to_have_its_index(large, urls):
    await large.add("more.txt", "Oil.\n\nGasket.")
    await arrange_places(large.database, owner_url=urls.owner, report=lambda _: None, most=1)
    other = await make_other_space(large.database)
    async with large.database.as_worker(large.tenant_id) as conn:
        await conn.execute(LONG_AGO)
        copied = await conn.execute(COPY, {"space_id": other.id})
        assert copied.rowcount == 4
    check = await checked(urls)
    assert (check.ok, "acme" in check.sentence) == (False, True)
