"""Ways to ask: so many at once, one after the other; or so many a second, whatever comes of it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.light_client import Client, Reply

# Asks the question of that number over a connection.
Ask = Callable[[Client, int], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of many requests."""

    replies: Sequence[Reply]  # whole ones with status 200
    others: dict[str, int]  # of the rest: how many by status, or by what went wrong
    seconds: float

    @property
    def a_second(self) -> float:
        """Give how many were answered a second."""
        return len(self.replies) / self.seconds


async def at_once(
    ask: Ask, clients: Sequence[Client], *, requests: int | None = None, seconds: float = 0
) -> Run:
    """Let each client ask one question after the other: so many in all, or for so long."""
    replies, others = list[Reply](), dict[str, int]()
    began, number = time.perf_counter(), iter(range(10**9 if requests is None else requests))

    async def one(client: Client) -> None:
        for each in number:
            if requests is None and time.perf_counter() - began > seconds:
                return
            _note(await _asked(ask, client, each), replies, others)

    await asyncio.gather(*(one(client) for client in clients))
    return Run(replies=replies, others=others, seconds=time.perf_counter() - began)


async def a_second(
    ask: Ask, new: Callable[[], Client], *, rate: float, seconds: float, patience_s: float
) -> Run:
    """Ask at random moments, so many a second on average; who waits too long hangs up."""
    replies, others = list[Reply](), dict[str, int]()
    idle: list[Client] = []

    async def one(number: int) -> None:
        client = idle.pop() if idle else new()
        try:
            async with asyncio.timeout(patience_s):
                found = await _asked(ask, client, number)
        except TimeoutError:
            found = "out of patience"
        _note(found, replies, others)
        idle.append(client)

    async with asyncio.TaskGroup() as group:
        began = time.perf_counter()
        async for number in _moments(rate, seconds):
            group.create_task(one(number))
        took = time.perf_counter() - began
        within = len(replies)  # what is answered afterwards was not in this time
    for client in idle:
        client.hang_up()
    return Run(replies=replies[:within], others=others, seconds=took)


async def _moments(rate: float, seconds: float) -> AsyncIterator[int]:
    """Count moments that are as far apart as those at which strangers come."""
    chance = random.Random(7)  # noqa: S311
    began = due = time.perf_counter()
    number = 0
    while (due := due + chance.expovariate(rate)) < began + seconds:
        await asyncio.sleep(max(0, due - time.perf_counter()))
        yield number
        number += 1


async def _asked(ask: Ask, client: Client, number: int) -> Reply | str:
    try:
        return await ask(client, number)
    except (OSError, EOFError) as error:
        return type(error).__name__


def _note(found: Reply | str, replies: list[Reply], others: dict[str, int]) -> None:
    if isinstance(found, Reply) and found.status == 200:
        replies.append(found)
    else:
        told = found if isinstance(found, str) else str(found.status)
        others[told] = others.get(told, 0) + 1
