"""However far a replica lags, a search finds what there is, and nothing that is gone."""

import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.withdrawal import Scope, withdraw
from roadworthy.deletion.receipts import CORPUS, begin_receipt
from roadworthy.retrieval.filters import Filter
from tests.replicas.conftest import outcome
from tests.world import another_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def old(world, standby):
    """A document that the replica has."""
    document_id = await world.add("old.txt", "The old pump.", owner="ana", metadata={"year": 1})
    standby.catch_up()
    return document_id


async def test_the_replica_serves_what_it_has(world, old):
    assert await outcome(world) == (["old.txt"], "served")


async def test_what_serves_is_the_replica(world, old):
    async def look(conn):
        return await (await conn.execute("SELECT pg_is_in_recovery()")).fetchone()

    assert await world.database.look_as(world.person(), look) == (True,)


async def test_what_is_ready_is_found(world, old, standby):
    with standby.lagging():
        await world.add("new.txt", "The new pump.")
        assert await outcome(world) == (["new.txt", "old.txt"], "behind")
    assert await outcome(world) == (["new.txt", "old.txt"], "served")


async def test_only_the_tenant_that_changed_is_turned_away(world, old, standby):
    with standby.lagging():
        await (await another_world(world.database)).add("new.txt", "The new pump.")
        assert await outcome(world) == (["old.txt"], "served")


async def test_what_is_shared_less_is_not_found(world, old, standby):
    tenant = {"tenant_id": world.tenant_id, "document_id": old}
    with standby.lagging():
        async with world.database.as_worker(world.tenant_id) as conn:
            await reshare(conn, **tenant, wanted=access(groups=["hr"]), by=None)
        assert await outcome(world) == ([], "behind")


async def test_what_is_deleted_is_not_found(world, old, standby):
    with standby.lagging():
        async with world.database.as_worker(world.tenant_id) as conn:
            await delete(conn, tenant_id=world.tenant_id, document_id=old, by=None)
        assert await outcome(world) == ([], "behind")


async def test_what_is_withdrawn_is_not_found(world, old, standby):
    scope = Scope(tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    with standby.lagging():
        async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
            receipt = await begin_receipt(
                conn,
                tenant_id=world.tenant_id,
                scope=CORPUS,
                subject=str(world.corpus.id),
                by="operator",
            )
            await withdraw(conn, scope, deletion_id=receipt)
        assert await outcome(world) == ([], "behind")


async def test_new_metadata_are_filtered_by(world, old, standby):
    among = Filter(metadata={"year": 2})
    with standby.lagging():
        await world.upload("old.txt", "The old pump.", owner="ana", metadata={"year": 2})
        assert await outcome(world, among=among) == (["old.txt"], "behind")


async def test_a_person_who_lost_a_group_loses_what_it_could_read(world, standby):
    """His groups are those of the primary, whoever serves."""
    await world.add("salaries.txt", "The pump of hr.", readers=access(groups=["hr"]))
    standby.catch_up()
    assert await outcome(world, who=world.person(groups=["hr"])) == (["salaries.txt"], "served")
    assert await outcome(world, who=world.person()) == ([], "served")


async def test_policies_of_a_newer_version_are_obeyed(world, old, standby, urls, superuser):
    """A replica that has not replayed them would judge by the older ones."""
    with standby.lagging():
        superuser.execute("UPDATE schema_migration SET applied_at = now() WHERE name LIKE 'rep%'")
        assert await outcome(world) == (["old.txt"], "behind")
