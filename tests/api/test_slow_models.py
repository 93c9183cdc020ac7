"""Questions that a slow model answers hold no connection: not the asker's, not the database's."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from roadworthy.plumbing.tasks import cancelled
from roadworthy.releases import Release, add_release
from roadworthy.worker import questions
from tests.api.conftest import open_services
from tests.fake_provider import provider
from tests.shared_database import urls
from tests.world import DECLARED

__all__ = ["provider", "urls"]
pytestmark = pytest.mark.anyio

QUESTIONS, AT_ONCE = 64, 32
SLOW = "fake-latency=5s-text=cite"
SEARCHES = 10
LATER = {"question": "What is the plan?", "release": "slow", "async": True, "cache": False}


@pytest.fixture(scope="module")
async def opened_services(urls, model_server, provider, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    async with open_services(urls, model_server.url, home, chat_url=provider.url) as opened:
        yield opened


@pytest.fixture
async def slow(world):
    release = Release(
        answerer="generate",
        model=SLOW,
        prompt="answer-1",
        space=DECLARED.name,
        least_relevance=0,
    )
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_release(conn, tenant_id=world.tenant_id, name="slow", release=release)


async def until(condition, *, seconds=60):
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


@asynccontextmanager
async def answering(services):
    stop = asyncio.Event()
    task = asyncio.create_task(questions.answer_questions(services, stop=stop))
    try:
        yield
        stop.set()
        await task
    finally:
        await cancelled(task)


async def test_searches_go_on_while_a_slow_model_answers_many(
    door, served, plan, slow, provider, monkeypatch
):
    monkeypatch.setattr(questions, "AT_ONCE", AT_ONCE)
    many = 2 * door.services.settings.database_connections
    async with door.client(await door.key(), url=served) as client:
        asking = [client.post("/v1/answers", json=LATER) for _ in range(QUESTIONS)]
        kept = [response.headers["location"] for response in await asyncio.gather(*asking)]
        assert door.services.bounds.answers.running == 0  # nobody waits on a connection
        async with answering(door.services):
            await until(lambda: provider.stats()["live"] > many)
            for _ in range(SEARCHES):
                found = await client.post("/v1/search", json={"question": "What is the plan?"})
                assert found.status_code == 200
            await until(lambda: provider.stats()["finished"] == QUESTIONS)
        found = [(await client.get(each)).json() for each in kept]
    assert {each["state"] for each in found} == {"done"}
    assert all(each["answer"]["citations"] for each in found)
    assert provider.stats()["chat"] == QUESTIONS  # none was asked twice
