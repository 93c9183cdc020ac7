"""A recorder over a spool of its own, in a database that the tests of one module share."""

import itertools

import pytest

from roadworthy.bootstrap import database_urls, provision
from roadworthy.plumbing.settings import load_settings
from roadworthy.traces import TraceRecorder
from tests.world import make_world

_numbers = itertools.count()


@pytest.fixture(scope="module")
def urls(postgres_cluster):
    """One database for a whole module; each test has a tenant of its own."""
    with postgres_cluster.fresh_database() as url:
        found = database_urls(load_settings({}), owner_url=url)
        provision(found, progress=lambda _: None)
        yield found


@pytest.fixture
async def world(database):
    return await make_world(database, f"tenant-{next(_numbers)}")


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def recorder(spool, world):
    return TraceRecorder(spool, world.database)
