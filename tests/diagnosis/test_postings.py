"""Doctor tells postings that nobody merges, or that nobody takes out."""

import asyncio

import psycopg
import pytest

from roadworthy.corpus.clearing import clear_tenant
from roadworthy.corpus.merging import merge_tenant
from roadworthy.diagnosis.postings import check_postings

pytestmark = pytest.mark.anyio


async def checked(urls):
    return await asyncio.to_thread(check_postings, urls)


def age(postgres_cluster, urls, table, column):
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        conn.execute(f"UPDATE {table} SET {column} = now() - interval '61 minutes'")


async def test_postings_that_nobody_merges_are_told(world, urls, postgres_cluster):
    await world.add("pumps.txt", "Pump.")
    assert (await checked(urls)).ok
    age(postgres_cluster, urls, "posting", "written_at")
    check = await checked(urls)
    assert (check.ok, "merged" in check.sentence) == (False, True)
    assert "roadworthy worker" in check.mend
    await merge_tenant(world.database, tenant_id=world.tenant_id)
    assert (await checked(urls)).ok


async def test_postings_that_nobody_takes_out_are_told(world, urls, postgres_cluster):
    await world.add("pumps.txt", "Pump.")
    await merge_tenant(world.database, tenant_id=world.tenant_id)
    await world.add("pumps.txt", "Valve.")
    assert (await checked(urls)).ok
    age(postgres_cluster, urls, "posting_gone", "gone_at")
    check = await checked(urls)
    assert (check.ok, "taken out" in check.sentence, "merged" in check.sentence) == (
        False,
        True,
        False,
    )
    await clear_tenant(world.database, tenant_id=world.tenant_id)
    assert (await checked(urls)).ok
