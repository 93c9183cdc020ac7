"""The request path over a real database and a real model server, for one tenant a test."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from roadworthy.answering.admission import Admission, Bounds
from roadworthy.answering.converse import ConversingAnswerer
from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.generate import GeneratingAnswerer
from roadworthy.answering.guarding import Guarding
from roadworthy.answering.in_flight import InFlight
from roadworthy.answering.records import Answer, Answerer, Asked, Citation, Event, TextPiece
from roadworthy.answering.searching import SearchResult, SearchService, Sought
from roadworthy.answering.service import AnsweringService
from roadworthy.core.identity import Principal
from roadworthy.gateway import endpoint as gateway_endpoint
from roadworthy.gateway.chat import Message
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.lanes import Lane
from roadworthy.gateway.prices import read_prices
from roadworthy.gateway.routes import Router
from roadworthy.releases import BUILT_IN, add_release
from roadworthy.traces import TraceRecorder
from roadworthy.traces.store import StoredTrace, list_traces
from tests.conftest import opened, provisioned
from tests.doubles.model_server import KEY, ModelServer
from tests.world import DECLARED, World, another_world


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where one tenant's questions are answered."""

    world: World
    models: ModelServer
    answering: AnsweringService
    searching: SearchService
    recorder: TraceRecorder
    router: Router
    embedders: Mapping[str, SpaceEmbedder]
    answerers: Mapping[str, Answerer]

    def stream(
        self,
        question: str,
        *,
        who: Principal | None = None,
        before: Sequence[str] = (),
        release=None,
        timeout_s=None,
        cache=True,
        on_end=lambda _: None,
    ) -> AsyncIterator[Event]:
        turns = [Message(role="user", content=earlier) for earlier in before]
        turns.append(Message(role="user", content=question))
        asked = Asked(
            turns=turns, surface="answers", release=release, timeout_s=timeout_s, cache=cache
        )
        return self.answering.answer(who or self.world.person(), asked, on_end=on_end)

    async def ask(self, question: str, **kwargs) -> "Told":
        return Told([event async for event in self.stream(question, **kwargs)])

    async def search(self, question: str, *, who: Principal | None = None) -> SearchResult:
        sought = Sought(question=question, surface="search")
        return await self.searching.search(who or self.world.person(), sought)

    async def generating(self, pieces: Sequence[str], **changes) -> str:
        """Let the model say `pieces`; gives the release that asks it."""
        self.models.pieces = pieces
        changes = {"space": "words", "model": "words", "least_relevance": 0} | changes
        release = BUILT_IN["smollm2"].model_copy(update=changes)
        name = f"generate-{release.hash[:8]}"
        await self._add(name, release)
        return name

    async def quoting(self, **changes) -> str:
        """Give a release that quotes."""
        release = BUILT_IN["extract"].model_copy(update={"space": "words"} | changes)
        name = f"extract-{release.hash[:8]}"
        await self._add(name, release)
        return name

    async def _add(self, name, release) -> None:
        async with self.world.database.as_worker(self.world.tenant_id) as conn:
            await add_release(conn, tenant_id=self.world.tenant_id, name=name, release=release)

    async def traces(self, who: Principal | None = None) -> list[StoredTrace]:
        """Read what was recorded of a person."""
        await self.recorder.flush()
        who = who or self.world.person()
        async with self.world.database.read_as(who, pseudonym=pseudonym(who)) as conn:
            return await list_traces(conn, tenant_id=who.tenant_id)


@dataclass(frozen=True)
class Told:
    """The events of one answer."""

    events: list[Event]

    @property
    def answer(self) -> Answer:
        assert isinstance(self.events[-1], Answer)
        return self.events[-1]

    @property
    def degraded(self) -> Sequence[str]:
        return self.answer.degraded

    @property
    def pieces(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, TextPiece)]

    @property
    def citations(self) -> list[Citation]:
        return [event for event in self.events if isinstance(event, Citation)]


def pseudonym(principal: Principal) -> str:
    return f"pseudonym of {principal.user_id}"


def bounded(*, answers=64, searches=64, waiting=0, patience_s=5, timeout_s=30):
    """Bound what a desk does at once; without a line, one too many is refused."""
    return Bounds(
        answers=Admission(places=answers, waiting=waiting, patience_s=patience_s),
        direct_searches=Admission(places=answers, waiting=waiting, patience_s=patience_s),
        embeddings=Admission(places=answers, waiting=waiting, patience_s=patience_s),
        searches=Admission(places=searches, waiting=64, patience_s=patience_s),
        timeout_s=timeout_s,
    )


@asynccontextmanager
async def open_desk(
    world, models, folder, *, bounds=None, reranker=None, cache=None, classifier=None, judging=None
):
    endpoint = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=5))
    recorder = TraceRecorder(folder, world.database)
    embedders = {"words": SpaceEmbedder(endpoint, space=world.space, declared=DECLARED)}
    shared = {
        "database": world.database,
        "embedders": embedders,
        "recorder": recorder,
        "pseudonym": pseudonym,
        "in_flight": InFlight(),
        "bounds": bounds or bounded(),
        "prices": read_prices(),
        "reranker": reranker,
    }
    router = Router({"chat": Lane("chat", endpoint)}, read_prices())
    answerers = {
        "extract": ExtractingAnswerer(),
        "generate": GeneratingAnswerer(router),
        "chat": ConversingAnswerer(router),
    }
    try:
        yield Desk(
            world=world,
            models=models,
            answering=AnsweringService(
                **shared,
                answerers=answerers,
                cache=cache,
                guarding=Guarding(classifier),
                judging=judging,
            ),
            searching=SearchService(**shared),
            recorder=recorder,
            router=router,
            embedders=embedders,
            answerers=answerers,
        )
    finally:
        await endpoint.close()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """Try again sooner than in earnest, with the same number of tries."""
    monkeypatch.setattr(gateway_endpoint, "FIRST_PAUSE_S", 0.01)


@pytest.fixture(scope="package")
def urls(postgres_cluster):
    """One database for these tests: each is a tenant of its own."""
    with postgres_cluster.fresh_database() as url:
        yield provisioned(url)


@pytest.fixture(scope="package")
def anyio_backend():
    """One event loop for these tests, in which the pools stay open."""
    return "asyncio"


@pytest.fixture(scope="package")
async def database(urls):
    """The pools of the app role and the worker role, for these tests."""
    async with opened(urls) as database:
        yield database


@pytest.fixture
async def world(database):
    """A tenant that no other test knows."""
    return await another_world(database)


@pytest.fixture
async def desk(world, models, tmp_path):
    async with open_desk(world, models, tmp_path / "spool") as opened:
        yield opened
