"""Of a deleted document whose postings were merged nothing is left when its receipt is finished."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from benchmarks.remains import tables_that_hold
from roadworthy.corpus import clearing, segments
from roadworthy.corpus.merging import merge_tenant
from roadworthy.corpus.ownership import delete
from roadworthy.deletion import find_receipt, service
from tests.deletion.test_documents import CANARY, canary_document
from tests.deletion.test_leaving import Stopped, documents_of, in_small_batches, quiet, stop_after
from tests.world import another_world

__all__ = ["in_small_batches"]
pytestmark = pytest.mark.anyio


async def merge(world):
    return await merge_tenant(world.database, tenant_id=world.tenant_id)


async def count(world, table):
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        [number] = await (await conn.execute(f"SELECT count(*) FROM {table}")).fetchone()
        return number


@pytest.mark.parametrize("versions", [1, 2])
async def test_nothing_is_left_of_a_document(world, deletion, urls, postgres_cluster, versions):
    await world.add("kept.txt", "The harbour plan.")
    for version in range(versions):
        document = await canary_document(world)
        await merge(world)
        if version + 1 < versions:
            await world.add(f"{CANARY}.txt", f"Another text, {CANARY} too.")
            await merge(world)
    superuser = postgres_cluster.superuser_url_of(urls.owner)
    assert "posting_segment" in tables_that_hold(superuser, CANARY)
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert receipt.finished_at is not None
    assert tables_that_hold(superuser, CANARY) == set()
    assert (await count(world, "posting_gone"), await count(world, "merged_revision")) == (0, 1)
    stores = {each.store: each.count for each in receipt.stores}
    assert (stores["posting"], stores["merged_revision"], stores["posting_segment"]) == (0, 1, 2)


async def test_a_receipt_waits_until_segments_forget(world, deletion, monkeypatch):
    document = await canary_document(world)
    await merge(world)
    with monkeypatch.context() as cut_off:

        async def killed(*args, **kwargs):
            raise Stopped

        cut_off.setattr(clearing, "clear_some", killed)
        with pytest.raises(Stopped):
            await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await (await conn.execute("SELECT id FROM deletion_receipt")).fetchall()
        [receipt_id] = rows[-1]
        receipt = await find_receipt(conn, tenant_id=world.tenant_id, receipt_id=receipt_id)
    assert (receipt.erased_at is not None, receipt.finished_at) == (True, None)
    assert await count(world, "posting_gone") == 1
    assert await deletion.finish_left() == 1
    assert await count(world, "posting_gone") == await count(world, "posting_segment") == 0


async def test_a_receipt_waits_for_its_own_documents_alone(world, deletion):
    """What else a bulk load has replaced is cleared by a worker."""
    document = await canary_document(world)
    await world.add("other.txt", "The harbour plan.")
    await merge(world)
    await world.add("other.txt", "The harbour plan, anew.")
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert receipt.finished_at is not None
    assert await count(world, "posting_gone") == 1


@asynccontextmanager
async def another_turn(world):
    """Change the segments of a tenant meanwhile."""
    async with world.database.as_worker(world.tenant_id) as conn:
        await segments.wait_for_turn(conn, tenant_id=world.tenant_id)
        yield


async def test_a_receipt_is_left_to_a_worker_when_segments_take_long(world, deletion, monkeypatch):
    """Whoever deletes is not told of an error, for it is gone; nor does he wait for long."""
    monkeypatch.setattr(service, "PATIENCE_S", 0.2)
    document = await canary_document(world)
    await merge(world)
    async with another_turn(world):
        receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert (receipt.erased_at is not None, receipt.finished_at) == (True, None)
    assert await deletion.finish_left() == 1


async def test_a_receipt_that_cannot_be_finished_keeps_no_other_open(
    world, deletion, database, monkeypatch
):
    monkeypatch.setattr(service, "PATIENCE_S", 0.2)
    worlds = [world, await another_world(database)]
    async with another_turn(worlds[0]), another_turn(worlds[1]):
        for each in worlds:
            document = await canary_document(each)
            await deletion.delete_document(document, tenant_id=each.tenant_id, by=None)
    monkeypatch.setattr(segments, "TAKE_TIME", "SELECT set_config('lock_timeout', '100ms', true)")
    async with another_turn(worlds[0]):
        assert await deletion.finish_left() == 1
    assert await deletion.finish_left() == 1


async def test_a_person_is_deleted_with_what_was_merged(world, deletion, in_small_batches):
    ana = world.person("ana")
    await world.put(ana)
    await world.add("kept.txt", "The harbour plan.")
    await documents_of(world, "ana", 5)
    await merge(world)
    receipt = await deletion.delete_person(ana, report=quiet)
    assert receipt.finished_at is not None
    assert (await count(world, "posting_gone"), await count(world, "merged_revision")) == (0, 1)


async def test_a_deletion_that_was_cut_off_ends_with_nothing_left(
    world, deletion, in_small_batches
):
    ana = world.person("ana")
    await world.put(ana)
    await documents_of(world, "ana", 5)
    await merge(world)
    with pytest.raises(Stopped):
        await deletion.delete_person(ana, report=stop_after(2))
    await deletion.delete_person(ana, report=quiet)
    assert await count(world, "posting_segment") == await count(world, "posting_gone") == 0


async def test_what_another_deletion_leaves_at_the_end_is_cleared_too(world, deletion, monkeypatch):
    ana = world.person("ana")
    await world.put(ana)
    other = await world.add("other.txt", "The harbour plan.")
    await merge(world)
    cleared = service.clear_deleted

    async def and_then_another_deletes(database, *, tenant_id):
        await cleared(database, tenant_id=tenant_id)
        async with world.database.as_worker(tenant_id) as conn:
            found = await conn.execute("SELECT FROM document WHERE id = %s", [other])
            if await found.fetchone() is not None:
                await delete(conn, tenant_id=tenant_id, document_id=other, by=None)

    monkeypatch.setattr(service, "clear_deleted", and_then_another_deletes)
    await deletion.delete_person(ana, report=quiet)
    assert await count(world, "posting_gone") == 0


async def test_a_corpus_goes_with_its_segments(world, deletion):
    await documents_of(world, "ana", 3)
    await merge(world)
    await documents_of(world, "ana", 5)
    await deletion.delete_corpus(world.corpus, tenant_id=world.tenant_id, report=quiet)
    for table in ("posting", "posting_segment", "merged_revision", "posting_gone"):
        assert await count(world, table) == 0


async def test_a_tenant_goes_while_its_postings_are_merged(world, deletion):
    await documents_of(world, "ana", 6)

    async def merging():
        for _ in range(10):
            await merge(world)

    await asyncio.gather(
        merging(), deletion.delete_tenant(world.tenant_id, report=quiet), merging()
    )
    for table in ("posting", "posting_segment", "merged_revision", "posting_gone"):
        assert await count(world, table) == 0
