"""One database for all releases; each test has a tenant of its own."""

import itertools

import pytest

from roadworthy.bootstrap import database_urls, provision
from roadworthy.plumbing.settings import load_settings
from tests.world import make_world

_numbers = itertools.count()


@pytest.fixture(scope="module")
def urls(postgres_cluster):
    with postgres_cluster.fresh_database() as url:
        found = database_urls(load_settings({}), owner_url=url)
        provision(found, progress=lambda _: None)
        yield found


@pytest.fixture
async def world(database):
    return await make_world(database, f"tenant-{next(_numbers)}")
