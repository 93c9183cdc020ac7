"""One database for all searches of a module; each test has a tenant of its own."""

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
def new_world(database):
    """Make a world, as often as a test wants one."""
    return lambda: make_world(database, f"tenant-{next(_numbers)}")


@pytest.fixture
async def world(new_world):
    return await new_world()
