"""What is embedded of documents tells the model's server that questions go first."""

import pytest

from roadworthy.corpus import reembedding
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.ingestion.reindex import reindex
from roadworthy.plumbing import jobs
from tests.doubles.model_server import KEY
from tests.world import DECLARED, OTHER, make_other_space, turned_vector

pytestmark = pytest.mark.anyio
PUMP = "The harbour pump needs fresh oil every month."


def priorities(models):
    asked = models.requests("/embeddings")
    return {each.headers.get("priority") for each in asked if PUMP in each.body["input"][-1]}


async def test_passages_that_come_go_last(intake, models):
    await intake.add("pump.txt", PUMP)
    assert priorities(models) == {"u=7"}


async def test_passages_that_go_into_another_space_go_last(world, models):
    models.further = {"turned": turned_vector}
    await world.add("pump.txt", PUMP)
    space = await make_other_space(world.database)
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "name": "main", "space": space, "language": "*"}
        await reembedding.keep_beside(conn, **asked)
        await enqueue_reindex(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    endpoint = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=5))
    spaces = ((world.space, DECLARED), (space, OTHER))
    embedders = {s.id: SpaceEmbedder(endpoint, space=s, declared=d) for s, d in spaces}
    await reindex(world.database, lease, embedders=embedders, report=lambda *_: None)
    await endpoint.close()
    assert priorities(models) == {"u=7"}
