"""One installation for the session, and a line of jobs over each transport."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Never

import psycopg
import pytest

from roadworthy.bootstrap import Services, services
from roadworthy.core.errors import Unavailable
from roadworthy.ingestion.service import IngestionService
from roadworthy.plumbing.settings import Settings
from roadworthy.plumbing.tasks import cancelled
from roadworthy.plumbing.transports import Inbox, Publisher, Receiver, publisher, receiver
from roadworthy.plumbing.transports import kafka as kafka_transport
from roadworthy.worker.loops import LOOK_AGAIN_S, take_turns
from roadworthy.worker.main import ingestion
from roadworthy.worker.relay import announce_due, relay
from tests.brokers import Broker, kafka, rabbitmq
from tests.command_line import command_line
from tests.conftest import opened, provisioned
from tests.world import World, another_world

__all__ = ["kafka", "rabbitmq"]

_numbers = itertools.count()
LONG_S = 60.0  # so rarely do workers look unasked that a message must have told them
STATES = "SELECT state, count(*) FROM job GROUP BY state"
# Each document became searchable once: one version, and each passage once.
EFFECTS = """
SELECT (SELECT count(*) FROM document WHERE state = 'ready' AND version = 1),
       (SELECT count(*) FROM document WHERE state <> 'ready' OR version <> 1),
       (SELECT count(*) FROM passage) - (SELECT count(DISTINCT document_id) FROM passage)
"""


class Losing:
    """Receives each message, and loses it."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def listen(self, inbox: Inbox) -> Never:
        await self._receiver.listen(Hole(most=1))


class Hole(Inbox):
    """Nothing that is put into it comes out."""

    async def put(self, delivery):
        await delivery.ack()

    def put_if_room(self, delivery):
        pass


@dataclass(frozen=True, kw_only=True)
class Line:
    """Accepted work on its way to workers, over one transport."""

    world: World
    services: Services
    ingestion: IngestionService
    settings: Settings
    listen_url: str
    publisher: Publisher | None
    broker: Broker | None

    async def upload(self, count: int, *, prefix="", **kwargs) -> None:
        for number in range(count):
            await self.world.upload(f"{prefix}{number}.txt", f"Text {prefix} {number}.", **kwargs)

    async def another_tenant(self) -> "Line":
        return replace(self, world=await another_world(self.world.database))

    async def announce_once(self) -> None:
        """Do one round of the relay's; PostgreSQL needs none."""
        if self.publisher:
            while await announce_due(self.world.database, self.publisher):
                pass

    async def announce(self) -> None:
        """Do rounds of the relay's until all is told: a queue just declared may refuse at first."""
        async with asyncio.timeout(30):
            while True:
                with suppress(Unavailable):
                    return await self.announce_once()
                await asyncio.sleep(0.5)

    @asynccontextmanager
    async def relay(self, publisher: Publisher | None = None) -> AsyncIterator[None]:
        """Run a relay for a block."""
        telling = publisher or self.publisher
        if telling is None:
            yield
            return
        task = asyncio.create_task(relay(self.world.database, telling, listen_url=self.listen_url))
        try:
            yield
        finally:
            await cancelled(task)

    @asynccontextmanager
    async def workers(
        self, *, at_once=4, express=0, look_every_s=LONG_S, drain_s=8.0, work=None, loses=False
    ) -> AsyncIterator[asyncio.Event]:
        """Run a worker for a block; yields what stops it."""
        stop = asyncio.Event()
        heard = receiver(self.settings, listen_url=self.listen_url, prefetch=at_once)
        task = asyncio.create_task(
            take_turns(
                work or self.ingestion,
                Losing(heard) if loses else heard,
                at_once=at_once,
                express=express,
                stop=stop,
                look_every_s=look_every_s,
                drain_s=drain_s,
            )
        )
        try:
            yield stop
        finally:
            stop.set()
            await task

    async def heard(self) -> None:
        """Wait until a message alone makes a worker act."""
        await self.upload(1, prefix=f"first-{next(_numbers)}-")
        await self.announce()
        await self.until({"done": 1})
        await self.sql("DELETE FROM document")
        await asyncio.sleep(3 * LOOK_AGAIN_S)  # until nobody looks any more

    async def states(self) -> dict[str, int]:
        return dict(await self.sql(STATES))

    async def until(self, states: dict[str, int], *, seconds=30) -> None:
        async with asyncio.timeout(seconds):
            while await self.states() != states:  # noqa: ASYNC110 - others change it
                await asyncio.sleep(0.05)

    async def until_told(self, *, seconds=30) -> None:
        async with asyncio.timeout(seconds):
            while await self.sql("SELECT 1 FROM job WHERE announced_at IS NULL"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def until_some(self, state: str, *, seconds=30) -> None:
        async with asyncio.timeout(seconds):
            while not (await self.states()).get(state):  # noqa: ASYNC110 - others change it
                await asyncio.sleep(0.01)

    async def effects(self) -> tuple[int, int, int]:
        """Count documents done once, done otherwise, and passages too many."""
        return (await self.sql(EFFECTS))[0]

    async def order(self) -> list[str]:
        """Name the documents in the order in which their jobs were claimed."""
        rows = await self.sql(
            "SELECT document.name FROM job JOIN document ON document.id = document_id"
            " ORDER BY claimed_at"
        )
        return [name for (name,) in rows]

    async def sql(self, statement: str) -> list[tuple]:
        """Ask, or change, of all tenants."""
        async with await psycopg.AsyncConnection.connect(_superuser[0], autocommit=True) as conn:
            cursor = await conn.execute(statement)
            return await cursor.fetchall() if cursor.description else []


_superuser: list[str] = []


@pytest.fixture(scope="session")
def anyio_backend():
    """One event loop for the session, in which the services stay open."""
    return "asyncio"


@pytest.fixture(scope="session")
def urls(postgres_cluster):
    with postgres_cluster.fresh_database() as url:
        name = url.rpartition("/")[2]
        _superuser[:] = [postgres_cluster.server.superuser_url(name)]
        yield provisioned(url)


@pytest.fixture(scope="session")
async def database(urls):
    async with opened(urls) as database:
        yield database


@pytest.fixture(scope="session")
async def installed(urls, database, model_server, tmp_path_factory):
    """The services of a worker, and its ingestion."""
    home = tmp_path_factory.mktemp("home")
    settings = command_line(
        home=home, database_url=urls.owner, models_url=model_server.url
    ).settings
    await another_world(database)  # declares the space of words
    async with services(settings, urls=urls, engine=None) as found, ingestion(found) as work:
        yield found, work


@pytest.fixture(params=["postgresql", "rabbitmq", "kafka"])
def broker(request) -> Broker | None:
    """A broker that runs; None where PostgreSQL is the transport."""
    return None if request.param == "postgresql" else request.getfixturevalue(request.param)


@pytest.fixture
async def line(broker, database, installed, urls, models):
    """A line of a queue of its own, and no jobs but its own."""
    found, work = installed
    told = {
        "broker_url": broker.url if broker else None,
        "broker_queue": f"test-{next(_numbers)}",
    }
    settings = Settings.model_validate(found.settings.model_dump() | told)
    publishing = publisher(settings)
    line = Line(
        world=await another_world(database),
        services=found,
        ingestion=work,
        settings=settings,
        listen_url=urls.worker,
        publisher=publishing,
        broker=broker,
    )
    yield line
    await line.sql("DELETE FROM document")
    if publishing:
        await publishing.close()
    if kafka_transport._beside_us:
        await asyncio.wait(kafka_transport._beside_us, timeout=30)
