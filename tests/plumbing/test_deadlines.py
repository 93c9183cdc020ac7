"""Nothing is done for somebody beyond the moment until which he waits."""

import asyncio

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.deadlines import Deadline

pytestmark = pytest.mark.anyio


async def counting(ended, *, pause_s=0.0):
    try:
        for number in range(3):
            await asyncio.sleep(pause_s)
            yield number
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    finally:
        ended.append("closed")


async def test_what_comes_in_time_is_handed_on():
    ended = []
    bounded = Deadline.after(30).bounded(counting(ended))
    assert [event async for event in bounded] == [0, 1, 2]
    assert ended == ["closed"]


async def test_what_is_awaited_when_the_moment_comes_is_cancelled():
    ended = []
    with pytest.raises(Unavailable, match=r"within 0.05 s"):
        _ = [event async for event in Deadline.after(0.05).bounded(counting(ended, pause_s=9))]
    assert ended == ["cancelled", "closed"]


async def test_time_in_which_nobody_asks_counts():
    bounded = Deadline.after(0.05).bounded(counting([], pause_s=0.01))
    assert await anext(bounded) == 0
    await asyncio.sleep(0.06)
    with pytest.raises(Unavailable):
        await anext(bounded)


async def test_each_piece_may_be_asked_for_by_another_task():
    bounded = Deadline.after(30).bounded(counting([]))
    asked = [await asyncio.create_task(anext(bounded)) for _ in range(3)]
    assert asked == [0, 1, 2]


async def test_who_stops_early_closes_what_he_was_given():
    ended = []
    bounded = Deadline.after(30).bounded(counting(ended))
    await anext(bounded)
    await bounded.aclose()
    assert ended == ["closed"]


async def test_a_timeout_of_another_is_left_alone():
    with pytest.raises(TimeoutError):
        async with Deadline.after(30).bounding():
            raise TimeoutError


async def test_a_moment_that_has_passed_leaves_nothing():
    passed = Deadline.after(0)
    assert passed.left_s == 0
    with pytest.raises(Unavailable):
        async with passed.bounding():
            await asyncio.sleep(1)
