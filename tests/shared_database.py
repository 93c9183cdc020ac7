"""One database for the tests of a module; each test has a tenant of its own in it."""

import pytest

from tests.conftest import provisioned
from tests.world import another_world


@pytest.fixture(scope="module")
def urls(postgres_cluster):
    with postgres_cluster.fresh_database() as url:
        yield provisioned(url)


@pytest.fixture
async def world(database):
    return await another_world(database)
