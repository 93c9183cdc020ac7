"""A door whose every dependency is at the end of a wire, and people who ask all the time."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from roadworthy.answering.relevance import CALIBRATIONS
from roadworthy.api import threshold
from roadworthy.api.app import create_app
from roadworthy.core.clock import now
from roadworthy.gateway.engine.catalogue import E5_SMALL
from roadworthy.releases import Guards, JudgedGuard, Release, Rerank, add_release, make_live
from roadworthy.releases.records import Step
from tests.answering.test_judging import CALIBRATED
from tests.api.conftest import Door, open_services, plain_logs, served
from tests.conftest import provisioned
from tests.disk import disk
from tests.doubles.model_server import running_model_server
from tests.wire import wired
from tests.world import DECLARED, another_world, words_vector

__all__ = ["disk", "plain_logs", "served"]

ANSWER_S = 4.0  # limit of an answer
SLACK_S = 6.0  # to say who asks, and what a loaded machine may take
WAYS = ("answer", "stream", "search")
ASKING = 6  # people
PAUSE_S = 0.1  # of each, between two questions
TOLD = 3  # replies, by each way of asking, until a fault has been seen
MODELS = ("embeddings", "reranker", "engine", "chat", "spare")
RELEASE = Release(
    answerer="generate",
    route=(Step(endpoint="chat", model="words"), Step(endpoint="spare", model="words")),
    prompt="answer-1",
    space=DECLARED.name,
    least_relevance=0,
    rerank=Rerank(candidates=5, budget_ms=2000),
    cache=False,
)
RELEASES = {
    "routed": RELEASE,
    "kept": RELEASE.model_copy(update={"cache": True}),
    # Any relevance is enough, but is told by a close look, which the engine is asked for alone.
    "judged": RELEASE.model_copy(update={"least_relevance": 1e-99, "guards": None}),
    "closed": RELEASE.model_copy(
        update={"guards": Guards(injection=JudgedGuard(on_failure="closed"))}
    ),
}
_numbers = itertools.count()  # of questions: none is asked twice
TRACED = """
SELECT id::text, surface, outcome FROM trace
WHERE tenant_id = %(tenant_id)s AND started_at >= %(since)s
"""


@pytest.fixture(scope="package")
def anyio_backend():
    """One event loop for these tests, in which services and wires stay open."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _known_soon(monkeypatch):
    """Wait for less time than in earnest until it is known who asks."""
    monkeypatch.setattr(threshold, "KNOWN_WITHIN_S", 2)


@pytest.fixture(autouse=True)
def _unsure(monkeypatch):
    """Have a fit of the space of these tests that is always unsure."""
    monkeypatch.setitem(CALIBRATIONS, DECLARED.name, CALIBRATED)


@pytest.fixture(scope="package")
def model_server():
    with running_model_server() as server:
        yield server


@pytest.fixture(scope="package")
def urls(postgres_cluster):
    with postgres_cluster.fresh_database() as url:
        yield provisioned(url)


@pytest.fixture(scope="package")
async def wires(urls, model_server):
    """The wires, by what is at their ends."""
    database = conninfo_to_dict(urls.app)
    async with AsyncExitStack() as stack:
        models = {
            name: await stack.enter_async_context(wired("127.0.0.1", model_server.port))
            for name in MODELS
        }
        to_database = wired(str(database["host"]), int(str(database["port"])))
        yield models | {"database": await stack.enter_async_context(to_database)}


@pytest.fixture(scope="package")
async def opened_services(urls, wires, tmp_path_factory):
    def over(name):
        return f"http://127.0.0.1:{wires[name].port}/v1"

    port = wires["database"].port
    through = replace(
        urls, app=make_conninfo(urls.app, port=port), worker=make_conninfo(urls.worker, port=port)
    )
    told = {
        "embeddings_url": over("embeddings"),
        "chat_url": over("chat"),
        "rerank_url": over("reranker"),
        "rerank_model": "words",
        "endpoints": {"spare": {"url": over("spare")}},
        "answer_timeout_s": ANSWER_S,
    }
    home = tmp_path_factory.mktemp("home")
    async with open_services(through, over("engine"), home, **told) as opened:
        yield opened


@pytest.fixture(scope="package")
async def world(opened_services):
    """A tenant with a plan, that asks chat models."""
    world = await another_world(opened_services.database)
    await world.add("plan.txt", "The plan is to leave on Monday.\n\nTake one coat with you.")
    async with world.database.as_worker(world.tenant_id) as conn:
        for name, release in RELEASES.items():
            await add_release(conn, tenant_id=world.tenant_id, name=name, release=release)
        await make_live(conn, tenant_id=world.tenant_id, name="routed")
    return world


@pytest.fixture(scope="package")
async def key(world):
    """A key that is made before anything is broken."""
    return await Door(world=world, services=None, app=None).key()


@pytest.fixture
async def models(model_server):
    model_server.forget()
    model_server.further = {E5_SMALL.name: words_vector}  # in the engine it matches, too
    model_server.pieces = ["The plan", " is to", " leave [1]", "."]
    return model_server


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What somebody was told."""

    of: str  # answer, stream, search
    status: int
    outcome: str  # of an answer; of a failure its kind; found
    degraded: tuple[str, ...]
    trace: str | None
    began: float
    ended: float

    @property
    def is_whole(self) -> bool:
        return self.outcome in {"answered", "found"} and not self.degraded


@dataclass(kw_only=True)
class Crowd:
    """People who ask one question after the other, each over HTTP, and note what they are told."""

    client: httpx.AsyncClient
    replies: list[Reply] = field(default_factory=list)
    release: str = "routed"
    is_over: bool = False

    @asynccontextmanager
    async def asking(self):
        async with asyncio.TaskGroup() as people:
            for way in WAYS * (ASKING // len(WAYS)):
                people.create_task(self._ask_on(way))
            yield
            self.is_over = True

    async def told_since(self, moment: float) -> list[Reply]:
        """Wait until some of those who begin from a moment on have been told something."""
        async with asyncio.timeout(60):
            while min(self._counted(moment).values()) < TOLD:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return self._of_late(moment)

    def _counted(self, moment: float) -> Mapping[str, int]:
        found = Counter(each.of for each in self._of_late(moment))
        return {way: found[way] for way in WAYS}

    async def until_whole(self) -> float:
        """Wait until each way of asking is answered as if nothing had been; gives the seconds."""
        began = time.monotonic()
        async with asyncio.timeout(30):
            while {each.of for each in self._of_late(began) if each.is_whole} != {*WAYS}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return time.monotonic() - began

    def _of_late(self, began: float) -> list[Reply]:
        return [each for each in self.replies if each.began >= began]

    async def _ask_on(self, way: str) -> None:
        while not self.is_over:
            await self.ask(way)
            await asyncio.sleep(PAUSE_S)

    async def ask(self, way: str) -> Reply:
        began = time.monotonic()
        asked = {
            "question": f"What is the plan of number {next(_numbers)}?",
            "release": self.release,
        }
        path = "/v1/search" if way == "search" else "/v1/answers"
        if way == "stream":
            asked |= {"stream": True}
        response = await self.client.post(path, json=asked)
        told = _told(way, response)
        reply = Reply(
            of=way,
            status=response.status_code,
            outcome=told.get("outcome") or _kind(told) or "found",
            degraded=tuple(told.get("degraded", ())),
            trace=told.get("id"),
            began=began,
            ended=time.monotonic(),
        )
        self.replies.append(reply)
        return reply


def _told(way: str, response: httpx.Response) -> Mapping:
    """Read the answer, or the problem; of a stream its last event."""
    if way != "stream" or not response.is_success:
        return response.json()
    return json.loads(response.text.strip().rpartition("data: ")[2])


def _kind(told: Mapping) -> str:
    return told.get("type", "").rpartition(":")[2]


@pytest.fixture
async def door(opened_services, world, models):
    return Door(world=world, services=opened_services, app=create_app(opened_services))


@pytest.fixture
async def crowd(door, served, key):
    """People at a door of a real server; whoever waits beyond the limit of an answer fails."""
    async with door.client(key, url=served) as client:
        client.timeout = ANSWER_S + SLACK_S
        yield Crowd(client=client)


@pytest.fixture
def locked(postgres_cluster, urls):
    """Lock a table for a block: what needs it hangs."""
    url = postgres_cluster.superuser_url_of(urls.owner)

    @asynccontextmanager
    async def lock(table):
        async with await psycopg.AsyncConnection.connect(url) as conn:
            await conn.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield

    return lock


@pytest.fixture
def traced(postgres_cluster, urls, world):
    """Read the traces of what was begun in this test, past the wire."""
    url = postgres_cluster.superuser_url_of(urls.owner)
    of = {"tenant_id": world.tenant_id, "since": now()}

    def read() -> list[tuple[str, str, str]]:
        with psycopg.connect(url) as conn:
            return conn.execute(TRACED, of).fetchall()

    return read
