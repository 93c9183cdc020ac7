"""A deletion that has its receipt is nowhere found, and reads of a replica are counted."""

import pytest

from roadworthy.api.metrics import Metrics
from tests.deletion.conftest import deletions
from tests.replicas.conftest import outcome

pytestmark = pytest.mark.anyio


async def test_what_has_a_receipt_is_not_found_on_one_that_lags(world, standby, tmp_path):
    document = await world.add("old.txt", "The old pump.")
    standby.catch_up()
    assert await outcome(world) == (["old.txt"], "served")
    with standby.lagging():
        receipt = await deletions(world, tmp_path).delete_document(
            document, tenant_id=world.tenant_id, by=None
        )
        assert receipt.finished_at is not None
        assert await outcome(world) == ([], "behind")


async def test_what_came_of_a_replica_is_counted(world, standby):
    metrics = Metrics()
    metrics.follow(world.database.replica)
    await world.add("old.txt", "The old pump.")
    standby.catch_up()
    await outcome(world)
    told = metrics.exposition().decode()
    assert 'roadworthy_replica_reads_total{outcome="served"} 1.0' in told
    assert 'roadworthy_replica_reads_total{outcome="resting"} 0.0' in told
