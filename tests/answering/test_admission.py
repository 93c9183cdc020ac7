"""So many have a place, so many wait in line for a while; who has waited longest goes first."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.answering.admission import Admission
from roadworthy.bootstrap import bounds_of
from roadworthy.core.errors import Busy
from roadworthy.plumbing.settings import load_settings

pytestmark = pytest.mark.anyio


class Guests:
    """People who take a place and keep it until they are told to go.

    The first letter of a name is its tenant.
    """

    def __init__(self, **bounds) -> None:
        self.admission = Admission(**({"places": 1, "waiting": 2, "patience_s": 30} | bounds))
        self.told: list[str] = []  # what happened, in order
        self.going = {}
        self.visits = {}
        self._in = set()  # who has or had a place

    async def come(self, *names):
        for name in names:
            self.going[name] = asyncio.Event()
            self.visits[name] = asyncio.create_task(self._visit(name))
        await settled()

    async def go(self, name):
        self.going[name].set()
        await settled()

    @property
    def inside(self):
        return [name for name, task in self.visits.items() if name in self._in and not task.done()]

    def in_line(self, tenant):
        waiting = [name for name, task in self.visits.items() if not task.done()]
        return len([name for name in waiting if name[0] == tenant and name not in self._in])

    async def _visit(self, name):
        try:
            async with self.admission.place(tenant_id=ord(name[0])):
                self._in.add(name)
                self.told.append(f"{name} in")
                await self.going[name].wait()
        except Busy:
            self.told.append(f"{name} sent away")


async def settled():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_places_are_taken_at_once_while_there_are_some():
    guests = Guests(places=2)
    await guests.come("a", "b")
    assert guests.told == ["a in", "b in"]
    assert (guests.admission.running, guests.admission.waiting) == (2, 0)


async def test_a_place_is_given_to_who_has_waited_longest():
    guests = Guests()
    await guests.come("a", "b", "c")
    await guests.go("a")
    assert guests.told == ["a in", "b in"]
    await guests.go("b")
    assert guests.told == ["a in", "b in", "c in"]
    await guests.go("c")
    assert (guests.admission.running, guests.admission.waiting) == (0, 0)


async def test_who_finds_the_line_full_sends_away_who_has_waited_longest():
    guests = Guests()
    await guests.come("a", "b", "c", "d")
    assert guests.told == ["a in", "b sent away"]
    await guests.go("a")
    assert guests.told[-1] == "c in"


async def test_a_flood_of_one_tenant_sends_away_its_own():
    guests = Guests(waiting=3)
    await guests.come("a", "b", *(f"a{number}" for number in range(100)))
    assert guests.told == ["a in", *(f"a{number} sent away" for number in range(98))]
    await guests.go("a")
    assert guests.told[-1] == "b in"


async def test_who_comes_to_a_line_that_one_tenant_fills_finds_room():
    guests = Guests(waiting=3)
    await guests.come("a", "a1", "a2", "a3", "b", "c")
    assert guests.told == ["a in", "a1 sent away", "a2 sent away"]


async def test_a_line_of_those_who_have_just_given_up_is_empty():
    guests = Guests()
    await guests.come("a", "b", "c")
    for name in "bc":
        guests.visits[name].cancel()
    await guests.come("d")
    assert guests.told == ["a in"]
    await guests.go("a")
    assert guests.told == ["a in", "d in"]


@given(st.lists(st.sampled_from(["a", "a", "a", "b", "c", "go"]), max_size=60))
def test_who_takes_no_more_than_its_share_of_the_line_is_never_sent_away(steps):
    asyncio.run(crowd(steps))


async def crowd(steps):
    """Let `a` come at any time, and others while they have less than a third of the line."""
    guests = Guests(waiting=6)
    for number, step in enumerate(steps):
        if step == "go" and guests.inside:
            await guests.go(guests.inside[0])
        elif step == "a" or (step != "go" and guests.in_line(step) < 2):
            await guests.come(f"{step}{number}")
        assert guests.admission.running == len(guests.inside)
        assert guests.inside or not guests.admission.waiting
    assert not [each for each in guests.told if each[0] in "bc" and "away" in each]
    for visit in guests.visits.values():
        visit.cancel()
    await settled()
    assert (guests.admission.running, guests.admission.waiting) == (0, 0)


async def test_nobody_waits_beyond_his_patience():
    guests = Guests(patience_s=0.05)
    await guests.come("a", "b")
    await asyncio.sleep(0.1)
    assert guests.told == ["a in", "b sent away"]
    assert guests.admission.waiting == 0


async def test_without_a_line_one_too_many_is_sent_away_and_told_when_to_come_again():
    admission = Admission(places=1, waiting=0, patience_s=2.5)
    async with admission.place(tenant_id=1):
        with pytest.raises(Busy) as told:
            await admission.place(tenant_id=1).__aenter__()
    assert told.value.facts == {"retry_after_s": 3}


async def test_what_was_waited_in_another_line_counts():
    admission = Admission(places=1, waiting=1, patience_s=30)
    async with admission.place(tenant_id=1, waited_s=40):
        with pytest.raises(Busy):
            await admission.place(tenant_id=1, waited_s=30).__aenter__()
    assert (admission.running, admission.waiting) == (0, 0)


async def test_how_long_it_was_waited_for_a_place_is_told():
    admission = Admission(places=1, waiting=1, patience_s=30)
    async with AsyncExitStack() as first:
        assert await first.enter_async_context(admission.place(tenant_id=1)) == 0
        asyncio.get_running_loop().call_later(0.05, admission._leave)
        async with admission.place(tenant_id=1) as waited_s:
            assert waited_s >= 0.04
        admission.running += 1  # the first leaves a second time


async def test_who_gives_up_leaves_the_line():
    admission = Admission(places=1, waiting=2, patience_s=30)
    async with admission.place(tenant_id=1):
        waiting = asyncio.create_task(admission.place(tenant_id=1).__aenter__())
        await settled()
        assert admission.waiting == 1
        waiting.cancel()
        await settled()
        assert admission.waiting == 0
    assert admission.running == 0


async def test_a_place_that_is_given_to_who_gives_up_goes_to_the_next():
    guests = Guests()
    await guests.come("a", "b", "c")
    guests.going["a"].set()
    async with asyncio.timeout(10):
        while guests.admission.waiting != 1:  # noqa: ASYNC110 - b was given the place
            await asyncio.sleep(0)
    guests.visits["b"].cancel()
    await settled()
    assert guests.told == ["a in", "c in"]
    assert (guests.admission.running, guests.admission.waiting) == (1, 0)


async def test_who_gives_up_at_the_moment_when_a_place_is_free_is_passed_over():
    guests = Guests()
    await guests.come("a", "b", "c")
    guests.going["a"].set()
    guests.visits["b"].cancel()  # b and a are run after each other
    await settled()
    assert guests.told == ["a in", "c in"]
    await guests.come("d", "e")
    guests.visits["d"].cancel()
    await guests.come("f")
    assert guests.told == ["a in", "c in"]
    assert (guests.admission.running, guests.admission.waiting) == (1, 2)


async def test_whatever_happens_no_place_is_lost():
    admission = Admission(places=3, waiting=5, patience_s=0.01)
    most = 0

    async def visit(number):
        nonlocal most
        async with admission.place(tenant_id=1):
            most = max(most, admission.running)
            await asyncio.sleep(number % 7 / 1000)

    visits = [asyncio.create_task(visit(number)) for number in range(300)]
    for number, each in enumerate(visits):
        if number % 5 == 0:
            each.cancel()
        if number % 10 == 0:
            await asyncio.sleep(0.001)
    await asyncio.gather(*visits, return_exceptions=True)
    assert (most, admission.running, admission.waiting) == (3, 0, 0)


async def room(admission):
    """Let many come at once; gives how many are in, how many wait, what others are told."""

    async def come():
        async with admission.place(tenant_id=1):
            await asyncio.Event().wait()

    coming = [asyncio.create_task(come()) for _ in range(20)]
    await settled()
    told = admission.running, admission.waiting
    for each in coming:
        each.cancel()
    ends = await asyncio.gather(*coming, return_exceptions=True)
    return *told, {end.facts["retry_after_s"] for end in ends if isinstance(end, Busy)}


@pytest.mark.parametrize(
    ("changes", "searches"),
    [({}, 3), ({"database_connections": 2}, 1), ({"max_concurrent_searches": 4}, 4)],
    ids=["two-connections-stay", "one-search-at-least", "told"],
)
async def test_the_settings_say_how_much_is_done_at_once(changes, searches):
    told = {"max_concurrent_answers": 2, "max_waiting_answers": 5, "max_wait_s": 7}
    told |= {"database_connections": 5, "answer_timeout_s": 9} | changes
    bounds = bounds_of(load_settings({}, overrides=told))
    assert await room(bounds.answers) == await room(bounds.direct_searches) == (2, 5, {7})
    assert await room(bounds.searches) == (searches, 4, {7})
    assert bounds.timeout_s == 9
