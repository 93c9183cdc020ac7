"""What is asked while calls are under way goes together in the next; nobody waits for company."""

import asyncio

import pytest

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.gateway.batching import Batcher

pytestmark = pytest.mark.anyio


class Server:
    """Answers in capitals, a call when it is told to."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.cancelled = 0
        self.answering = asyncio.Event()
        self.batcher = Batcher(self.call, calls=2, most=3, most_characters=9)

    async def call(self, texts):
        self.calls.append(list(texts))
        try:
            await self.answering.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if "bad" in texts:
            raise Invalid("refused")
        if "down" in texts:
            raise Unavailable("down")
        return [text.upper() for text in texts]

    async def asking(self, *texts):
        tasks = [asyncio.create_task(self.batcher.ask(text)) for text in texts]
        for _ in range(5):
            await asyncio.sleep(0)
        return tasks


@pytest.fixture
async def server():
    return Server()


async def test_what_comes_meanwhile_goes_together_in_order(server):
    tasks = await server.asking("a", "b", "c", "d", "e", "f")
    assert server.calls == [["a"], ["b"]]
    server.answering.set()
    assert await asyncio.gather(*tasks) == list("ABCDEF")
    assert server.calls[2:] == [["c", "d", "e"], ["f"]]


async def test_a_call_is_cut_at_its_characters_and_asks_for_one_text_at_least(server):
    tasks = await server.asking("a", "b", "four", "fives", "c", "more than nine", "d")
    server.answering.set()
    await asyncio.gather(*tasks)
    assert server.calls[2:] == [["four", "fives"], ["c"], ["more than nine"], ["d"]]


async def test_a_text_that_is_refused_is_no_fault_of_the_others(server):
    tasks = await server.asking("a", "b", "c", "bad", "e")
    server.answering.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [each for each in told if isinstance(each, str)] == list("ABCE")
    assert isinstance(told[3], Invalid)


async def test_an_outage_is_told_to_everybody(server):
    tasks = await server.asking("a", "b", "c", "down")
    server.answering.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in told] == [str, str, Unavailable, Unavailable]
    assert await server.batcher.ask("e") == "E"


async def test_who_goes_away_is_not_asked_for(server):
    tasks = await server.asking("a", "b", "c", "d")
    tasks[2].cancel()
    server.answering.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert server.calls == [["a"], ["b"], ["d"]]


@pytest.mark.parametrize("hangs", ["b", "c"])
async def test_after_a_refusal_who_has_gone_is_not_asked_for(server, hangs):
    async def call(texts):
        server.calls.append(list(texts))
        if len(texts) > 1:
            raise Invalid("refused")
        if texts == [hangs]:
            await server.answering.wait()
        return texts

    server.batcher = Batcher(call, calls=1, most=3, most_characters=9)
    tasks = await server.asking("a", "b", "c", "d")
    await server.asking()
    asked = [["a"], ["b", "c", "d"], ["b"], ["c"]][: 3 if hangs == "b" else 4]
    assert server.calls == asked
    for task in tasks:
        task.cancel()
    await server.asking()
    await server.asking()
    assert (server.calls, server.batcher._running) == (asked, set())


async def test_a_call_that_nobody_waits_for_is_cancelled(server):
    tasks = await server.asking("a", "b", "c", "d")
    tasks[0].cancel()
    await server.asking()
    assert server.cancelled == 1
    assert server.calls == [["a"], ["b"], ["c", "d"]]
    tasks[2].cancel()
    await server.asking()
    assert server.cancelled == 1  # d waits
    server.answering.set()
    assert await tasks[3] == "D"
