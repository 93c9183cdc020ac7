"""A recorder over a spool of its own, in a database that the tests of one module share."""

import pytest

from roadworthy.traces import TraceRecorder
from tests.disk import disk
from tests.shared_database import urls, world

__all__ = ["disk", "urls", "world"]


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def recorder(spool, world):
    return TraceRecorder(spool, world.database)
