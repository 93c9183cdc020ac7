"""A world in a database that the tests of one module share, and who deletes in it."""

from functools import partial

import pytest

from roadworthy.bootstrap import STORES
from roadworthy.deletion import DeletionService
from roadworthy.traces import bring_left
from roadworthy.traces.pseudonyms import Pseudonyms
from tests.shared_database import urls, world

__all__ = ["urls", "world"]


pseudonym = Pseudonyms("of the tests that delete")


def deletions(world, folder, pseudonyms=pseudonym, stores=STORES):
    return DeletionService(
        database=world.database,
        stores=stores,
        pseudonyms=pseudonyms,
        bring_left=partial(bring_left, folder / "spool", world.database),
    )


@pytest.fixture
def deletion(world, tmp_path):
    return deletions(world, tmp_path)
