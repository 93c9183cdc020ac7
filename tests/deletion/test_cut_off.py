"""A deletion whose process ended before its receipt was finished is finished by others."""

import psycopg
import pytest

from roadworthy.deletion import find_receipt, list_receipts, service
from roadworthy.plumbing.epochs import HOLD, LOCK_CLASS

pytestmark = pytest.mark.anyio


class Stopped(Exception):
    """Somebody killed it."""


@pytest.fixture
def holding(urls, monkeypatch):
    """A process that goes on telling what it had read before everything."""
    monkeypatch.setattr(service, "PATIENCE_S", 0.1)
    monkeypatch.setitem(service.DeletionService.finish.__kwdefaults__, "patience_s", 0.1)
    with psycopg.connect(urls.app, autocommit=True) as conn:
        conn.execute(HOLD, {"class": LOCK_CLASS, "epoch": 0})
        yield conn


async def receipt_of(world, receipt_id):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await find_receipt(conn, tenant_id=world.tenant_id, receipt_id=receipt_id)


async def begun(world, deletion):
    document = await world.add("a.txt", "Alpha.")
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert (receipt.erased_at is None, receipt.finished_at) == (False, None)
    return receipt


async def test_it_is_finished_when_nobody_tells_it_any_more(world, deletion, holding):
    receipt = await begun(world, deletion)
    assert await deletion.finish_left() == 0
    assert (await receipt_of(world, receipt.id)).finished_at is None
    holding.close()
    assert await deletion.finish_left() >= 1
    finished = await receipt_of(world, receipt.id)
    assert finished.stores == receipt.stores
    assert finished.erased_at == receipt.erased_at < finished.finished_at
    assert await deletion.finish_left() == 0


async def test_what_is_only_hidden_is_not_called_finished(world, deletion, monkeypatch):
    monkeypatch.setattr(service, "BATCH", 1)
    ana = world.person("ana")
    await world.put(ana)
    for n in range(3):
        await world.add(f"{n}.txt", f"Text {n}.", owner="ana")

    def report(progress):
        raise Stopped

    with pytest.raises(Stopped):
        await deletion.delete_person(ana, report=report)
    await deletion.finish_left()
    async with world.database.as_worker(world.tenant_id) as conn:
        [receipt] = await list_receipts(conn, tenant_id=world.tenant_id)
    assert (receipt.erased_at, receipt.finished_at) == (None, None)
