"""A world in a database that the tests of one module share, and who deletes in it."""

from functools import partial

import pytest

from roadworthy.bootstrap import STORES
from roadworthy.deletion import DeletionService
from roadworthy.traces import bring_left
from tests.shared_database import urls, world

__all__ = ["urls", "world"]


def pseudonym(principal) -> str:
    return f"pseudonym of {principal.user_id}"


@pytest.fixture
def deletion(world, tmp_path):
    return DeletionService(
        database=world.database,
        stores=STORES,
        pseudonym=pseudonym,
        bring_left=partial(bring_left, tmp_path / "spool", world.database),
    )
