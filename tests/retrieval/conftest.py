"""One database for all searches of a module; each test has a tenant of its own."""

import pytest

from tests.shared_database import urls, world
from tests.world import another_world

__all__ = ["urls", "world"]


@pytest.fixture
def new_world(database):
    """Make a world, as often as a test wants one."""
    return lambda: another_world(database)
