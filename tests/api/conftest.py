"""The door over real services: a database of its own, and a model server on loopback."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import structlog

from roadworthy.api.app import create_app
from roadworthy.api.main import listening, serve
from roadworthy.bootstrap import services
from roadworthy.corpus.people import create_key
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.plumbing.settings import load_settings
from roadworthy.releases import Release, add_release
from tests.conftest import provisioned
from tests.doubles.model_server import running_model_server
from tests.world import DECLARED, another_world


@pytest.fixture(scope="package", autouse=True)
def plain_logs():
    """Log lines of JSON on standard output, as a server writes them."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    yield
    structlog.reset_defaults()


@dataclass(frozen=True, kw_only=True)
class Door:
    """A running app, and keys to it."""

    world: object
    services: object
    app: object

    async def key(self, user="ana", *, groups=(), clearance=0, may_ingest=True) -> str:
        person = self.world.person(user, groups=groups, clearance=clearance)
        await self.world.put(person)
        async with self.world.database.as_worker(self.world.tenant_id) as conn:
            _, key = await create_key(
                conn, person, valid_for=timedelta(days=1), may_ingest=may_ingest
            )
        return key

    @asynccontextmanager
    async def client(self, key: str | None, *, url: str | None = None):
        """Open an HTTP client; without a url it calls the app itself."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(
            transport=None if url else httpx.ASGITransport(self.app),
            base_url=url or "http://door",
            headers=headers,
            trust_env=False,
            timeout=20,
        ) as client:
            yield client


@pytest.fixture(scope="package")
def anyio_backend():
    """One event loop for these tests, in which the services stay open."""
    return "asyncio"


@pytest.fixture(scope="package")
def urls(postgres_cluster):
    """One database for these tests: each is a tenant of its own in it."""
    with postgres_cluster.fresh_database() as url:
        yield provisioned(url)


@pytest.fixture(scope="package")
def model_server():
    """The models of these tests alone: services that stay open look at theirs now and then."""
    with running_model_server() as server:
        yield server


@asynccontextmanager
async def open_services(urls, models_url, home, **told):
    """Open all that a door needs; `told` are settings."""
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    told = {"home": home, "embeddings_model": DECLARED.model, "port": port, **told}
    engine = EngineAddress(url=models_url, token="none")
    settings = load_settings({}, overrides=told)
    async with services(settings, urls=urls, engine=engine) as opened:
        yield opened


@pytest.fixture(scope="package")
async def opened_services(urls, model_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    async with open_services(urls, model_server.url, home, max_upload_mb=1) as opened:
        yield opened


@pytest.fixture
async def world(opened_services):
    """A tenant that no other test knows."""
    return await another_world(opened_services.database)


@pytest.fixture
async def door(opened_services, world, models):
    return Door(world=world, services=opened_services, app=create_app(opened_services))


@pytest.fixture
async def client(door):
    """Ana's client; her key may upload."""
    async with door.client(await door.key()) as client:
        yield client


@pytest.fixture
async def served(door):
    """The address of the door behind a real server."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(door.services, stop=stop))
    url = f"http://127.0.0.1:{door.services.settings.port}"
    async with door.client(None, url=url) as client:
        for _ in range(200):
            try:
                await client.get("/livez")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
    yield url
    stop.set()
    await serving


@pytest.fixture
async def plan(world):
    """A document that everyone may read."""
    return await world.add(
        "plan.txt", "The plan is to leave on Monday.\n\nTake one coat with you .", owner="ana"
    )


@pytest.fixture
async def generating(world, models):
    """The name of a release whose answers a chat model writes."""
    models.pieces = ["The", " plan", " [1]", "."]
    release = Release(
        answerer="generate",
        model="words",
        prompt="answer-1",
        space=DECLARED.name,
        least_relevance=0,
    )
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_release(conn, tenant_id=world.tenant_id, name="generating", release=release)
    return "generating"


async def traces(client, *, of=1):
    """Wait for traces to reach the database."""
    for _ in range(100):
        found = (await client.get("/v1/traces")).json()["data"]
        if len(found) >= of:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("no trace came")


@pytest.fixture
def wait_for_traces():
    return traces
