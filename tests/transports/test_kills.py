"""Over each transport worker, parser, relay and broker may be killed: nothing is lost or doubled.

`make bench NAME=kills` does so 50 times over each, at random, to a whole installation.
"""

import asyncio
import signal
import time
from contextlib import ExitStack

import psutil
import pytest

from tests.command_line import CommandLine, command_line
from tests.world import words_vector

pytestmark = pytest.mark.anyio

EACH = 6  # documents that are handed in before each kill
EXPIRE = "UPDATE job SET leased_until = now() - interval '1 s' WHERE state = 'running'"


def slow_vector(text):
    time.sleep(0.05)
    return words_vector(text)


class Processes:
    """A worker and, where there is a broker, a relay; each is started again when it is killed."""

    def __init__(self, cli: CommandLine, line, stack: ExitStack) -> None:
        self._cli, self._line, self._stack = cli, line, stack
        self._running = {kind: self._start(kind) for kind in self.kinds - {"broker", "parser"}}

    @property
    def kinds(self) -> set[str]:
        return {"worker", "parser"} | ({"relay", "broker"} if self._line.broker else set())

    async def kill(self, kind: str) -> None:
        if kind == "broker":
            self._line.broker.kill()
            await asyncio.to_thread(self._line.broker.start)
        elif kind == "parser":
            (await self._parser()).kill()
        else:
            self._running[kind].send_signal(signal.SIGKILL)
            self._running[kind].wait()
            if kind == "worker":  # time passes for its leases
                await self._line.sql(EXPIRE)
            self._running[kind] = self._start(kind)

    async def _parser(self) -> psutil.Process:
        async with asyncio.timeout(30):
            while True:
                for child in psutil.Process(self._running["worker"].pid).children():
                    if "roadworthy.ingestion.parser_process" in child.cmdline():
                        return child
                await asyncio.sleep(0.02)

    def _start(self, kind: str):
        return self._stack.enter_context(self._cli.running(kind))


@pytest.fixture
def cli(line, urls, models):
    home = line.services.settings.home  # of one key: they are one installation
    found = command_line(home=home, database_url=urls.owner, models_url=models.url)
    if line.broker:
        found.environ["ROADWORTHY_BROKER_URL"] = line.broker.url
        found.environ["ROADWORTHY_BROKER_QUEUE"] = line.settings.broker_queue
    return found


async def test_killed_at_work_they_lose_and_double_nothing(line, cli, models):
    models.embed = slow_vector
    if line.broker:
        await line.publisher.publish([])
        await asyncio.to_thread(line.broker.settle)
    with ExitStack() as stack:
        processes = Processes(cli, line, stack)
        order = sorted(processes.kinds)
        for kind in order:
            await line.upload(EACH, prefix=f"{kind}-")
            await line.until_some("running")
            await processes.kill(kind)
        await line.until({"done": EACH * len(order)}, seconds=120)
    assert await line.effects() == (EACH * len(order), 0, 0)
