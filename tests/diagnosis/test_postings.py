"""Doctor tells postings that nobody merges, or that nobody takes out."""

import asyncio

import psycopg
import pytest

from roadworthy.corpus.clearing import clear_tenant
from roadworthy.corpus.merging import merge_tenant
from roadworthy.corpus.withdrawal import Scope, withdraw
from roadworthy.deletion.receipts import DOCUMENTS_OF, begin_receipt
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


async def test_a_deletion_that_was_cut_off_hides_no_others_that_wait(world, urls, postgres_cluster):
    await world.add("hers.txt", "Pump.", owner="ana")
    await world.add("pumps.txt", "Valve.")
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        receipt = await begin_receipt(
            conn, tenant_id=world.tenant_id, scope=DOCUMENTS_OF, subject="ana", by="operator"
        )
        scope = Scope(tenant_id=world.tenant_id, owner="ana")
        await withdraw(conn, scope, deletion_id=receipt)
    age(postgres_cluster, urls, "posting", "written_at")
    assert not (await checked(urls)).ok


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
