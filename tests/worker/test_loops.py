"""A worker's loops outlive whatever meets them."""

import asyncio

import pytest

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


async def test_a_receiver_that_fails_by_a_bug_is_listened_to_again():
    stop, heard = asyncio.Event(), Failing()
    working = asyncio.create_task(loops.take_turns(Idle(), heard, at_once=1, stop=stop))
    async with asyncio.timeout(30):
        for _ in range(2):
            await heard.listened.acquire()
    stop.set()
    assert await working == 0
