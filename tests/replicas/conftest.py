"""A replica for the tests of a module, and a database that reads it."""

from contextlib import asynccontextmanager

import psycopg
import pytest

from roadworthy.bootstrap import database_urls, provision
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.settings import load_settings
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.search import search
from tests.replicas.standby import running_standby
from tests.world import another_world


def with_replica(standby, owner_url):
    """Give one database as each role, and its replica."""
    settings = load_settings({}, overrides={"database_read_url": standby.url(owner_url)})
    return database_urls(settings, owner_url=owner_url)


@asynccontextmanager
async def opened(urls):
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=4, read_url=urls.read)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(scope="module")
def standby(postgres_cluster):
    with running_standby(postgres_cluster.server) as standby:
        yield standby


@pytest.fixture(scope="module")
def urls(postgres_cluster, standby):
    with postgres_cluster.fresh_database() as url:
        urls = with_replica(standby, url)
        provision(urls, progress=lambda _: None)
        standby.catch_up()
        yield urls


@pytest.fixture
def superuser(postgres_cluster, urls):
    """A connection that may change anything in this module's database."""
    url = postgres_cluster.superuser_url_of(urls.owner)
    with psycopg.connect(url, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def database(urls):
    async with opened(urls) as database:
        yield database


@pytest.fixture
async def world(database):
    return await another_world(database)


async def found(world, question="pump", *, who=None, among=None):
    """Name the documents that a search finds."""
    who = who or world.person()
    result = await world.database.look_as(
        who,
        lambda conn: search(
            conn,
            question,
            queries=[world.query(question)],
            corpus=world.corpus,
            tenant_id=world.tenant_id,
            among=among or Filter(),
            limit=20,
            fusion=Fusion(vector_weight=0.6),
        ),
    )
    return sorted(hit.document_name for hit in result.hits)


async def outcome(world, **asked):
    """Search once; gives what was found, and how the read of the replica ended."""
    before = world.database.replica.outcomes
    names = await found(world, **asked)
    after = world.database.replica.outcomes
    [ended] = [name for name in after if after[name] > before[name]]
    return names, ended
