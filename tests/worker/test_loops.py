"""A worker's loops outlive whatever meets them."""

import asyncio

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.tasks import cancelled
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


@pytest.mark.parametrize("error", [Unavailable("Away."), KeyError("nobody foresaw it")])
async def test_a_chore_that_fails_is_done_again(error):
    done, twice = 0, asyncio.Event()

    async def chore():
        nonlocal done
        done += 1
        if done > 1:
            twice.set()
        raise error

    doing = asyncio.create_task(loops.now_and_then("try", chore, every_s=0.01))
    async with asyncio.timeout(30):
        await twice.wait()
    await cancelled(doing)
