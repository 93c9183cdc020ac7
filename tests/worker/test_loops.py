"""A worker's loops outlive whatever meets them."""

import asyncio

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.worker import loops

pytestmark = pytest.mark.anyio


class Idle:
    """Work of which there is none."""

    async def claim(self, turn):
        return None


class Failing:
    """A receiver that meets what nobody foresaw."""

    def __init__(self):
        self.listened = asyncio.Semaphore(0)

    async def listen(self, inbox):
        self.listened.release()
        raise KeyError("nobody foresaw it")


class FailingToClose:
    """A receiver that is cancelled, and raises what its closing met instead."""

    def __init__(self, error):
        self.error = error
        self.listened = asyncio.Event()

    async def listen(self, inbox):
        self.listened.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise self.error


@pytest.mark.parametrize("error", [Unavailable("The connection was lost."), KeyError("a bug")])
async def test_a_receiver_that_fails_to_close_keeps_no_worker_from_ending(error):
    stop, heard = asyncio.Event(), FailingToClose(error)
    working = asyncio.create_task(loops.take_turns(Idle(), heard, at_once=1, stop=stop))
    await heard.listened.wait()
    stop.set()
    ended, _ = await asyncio.wait({working}, timeout=10)
    assert ended


async def test_a_receiver_that_fails_by_a_bug_is_listened_to_again():
    stop, heard = asyncio.Event(), Failing()
    working = asyncio.create_task(loops.take_turns(Idle(), heard, at_once=1, stop=stop))
    async with asyncio.timeout(30):
        for _ in range(2):
            await heard.listened.acquire()
    stop.set()
    assert await working == 0
