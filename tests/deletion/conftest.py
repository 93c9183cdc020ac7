"""A world in a database that the tests of one module share, and who deletes in it."""

import pytest

from roadworthy.bootstrap import STORES
from roadworthy.deletion import DeletionService
from tests.shared_database import urls, world

__all__ = ["urls", "world"]


def pseudonym(principal) -> str:
    return f"pseudonym of {principal.user_id}"


@pytest.fixture
def deletion(world):
    return DeletionService(database=world.database, stores=STORES, pseudonym=pseudonym)
