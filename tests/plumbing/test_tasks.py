"""A task that has no end of its own is ended, whatever becomes of its cancellation."""

import asyncio

import pytest

from roadworthy.plumbing import tasks
from roadworthy.plumbing.tasks import cancelled

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(tasks, "AGAIN_S", 0.01)


async def endless(_):
    await asyncio.Event().wait()


async def forgetting(began):
    """Lose the first cancellation, as a library may."""
    try:
        began.set()
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def going_on(began):
    """Take what a client raises while it closes for an outage."""
    while True:
        try:
            try:
                began.set()
                await asyncio.Event().wait()
            finally:
                raise ConnectionError
        except ConnectionError:
            await asyncio.sleep(60)


@pytest.mark.parametrize("work", [endless, forgetting, going_on])
async def test_a_task_is_cancelled_until_it_ends(work):
    began = asyncio.Event()
    task = asyncio.create_task(work(began))
    if work is not endless:
        await began.wait()
    ending = asyncio.create_task(cancelled(task))
    ended, _ = await asyncio.wait({ending}, timeout=10)
    assert ended
    assert task.cancelled()


async def test_what_ended_a_task_before_is_raised():
    async def failing():
        raise KeyError("a mistake")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    with pytest.raises(KeyError):
        await cancelled(task)
