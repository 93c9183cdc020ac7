"""The disk of the spool is full, or a file on it cannot be read: the outcome is the one told.

Nobody waits beyond the limit of an answer, no trace is lost, and all comes back by itself.
"""

from contextlib import asynccontextmanager

import pytest

from roadworthy.bootstrap import SPOOL
from tests.chaos.faults import no_trace_is_lost, seen, under_load

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def full(disk):
    disk["left"] = 0
    yield
    disk["left"] = None


async def test_where_nothing_can_be_recorded_nothing_begins(crowd, disk, traced):
    told = await under_load(crowd, full(disk))
    assert seen(told, "answer", "stream", "search") == {("unavailable", ())}
    away = [each for each in crowd.replies if each.outcome == "unavailable"]
    surfaces = ["search" if each.of == "search" else "answers" for each in away]
    await no_trace_is_lost(crowd, traced, unbegun=[(each, "failed") for each in surfaces])


async def test_a_file_of_traces_that_cannot_be_read_is_done_without(crowd, opened_services, traced):
    unreadable = opened_services.settings.home / SPOOL / "0.jsonl"
    unreadable.mkdir()
    async with crowd.asking():
        await crowd.until_whole()
    assert all(each.is_whole for each in crowd.replies)
    await no_trace_is_lost(crowd, traced)
    unreadable.rmdir()
