"""However many go away, the calls to the model end, no connection is left over, and traces say so.

Source: the fake provider counts how each call to it ended; the sockets are the kernel's count.
"""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psutil
import pytest

from roadworthy.plumbing.tasks import cancelled
from roadworthy.releases import Release, add_release
from tests.api.conftest import open_services
from tests.fake_provider import provider
from tests.shared_database import urls
from tests.waiting import until
from tests.world import DECLARED

__all__ = ["provider", "urls"]
pytestmark = pytest.mark.anyio

CLIENTS = 100
TALKING = "fake-rate=10-tokens=3000-text=cite"
SILENT = "fake-latency=300s"
BODIES = {
    "/v1/chat/completions": {
        "model": "fake",
        "messages": [{"role": "user", "content": "What is the plan?"}],
    },
    "/v1/answers": {"question": "What is the plan?", "release": "fake"},
}


@pytest.fixture(scope="module")
async def opened_services(urls, model_server, provider, tmp_path_factory):
    told = {"chat_url": provider.url, "max_concurrent_answers": CLIENTS, "max_wait_s": 60}
    home = tmp_path_factory.mktemp("home")
    async with open_services(urls, model_server.url, home, **told) as opened:
        yield opened


async def add(world, model):
    release = Release(
        answerer="generate",
        model=model,
        prompt="answer-1",
        space=DECLARED.name,
        least_relevance=0,
        max_tokens=8000,
    )
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_release(conn, tenant_id=world.tenant_id, name="fake", release=release)


def connections(port):
    """Count this process' connections to a port, or of it, that are not closed on our side."""
    return [
        each
        for each in psutil.Process().net_connections("tcp")
        if each.status not in {psutil.CONN_LISTEN, psutil.CONN_TIME_WAIT}
        and port in {each.laddr.port, each.raddr.port if each.raddr else None}
    ]


@asynccontextmanager
async def clients(door, served):
    """Give CLIENTS clients, half of them at each address that answers, each with its request."""
    key = await door.key()
    async with door.client(key, url=served) as client:

        async def ask(number, *, stream, leave_at=None):
            path, body = list(BODIES.items())[number % len(BODIES)]
            async with client.stream("POST", path, json=body | {"stream": stream}) as response:
                async for text in response.aiter_text():
                    if leave_at is not None and leave_at in text:
                        return
                pytest.fail(f"{path} came to an end: {response.status_code}")

        client.timeout = 60
        yield ask


async def check_all_is_over(door, provider, before):
    """All that was begun has ended, by the count of everybody who knows."""
    told = await asyncio.to_thread(provider.when_idle)
    upstream = urlsplit(provider.url).port
    await until(lambda: not connections(upstream))
    await until(lambda: not connections(door.services.settings.port))
    assert door.services.bounds.answers.running == 0
    return {name: told[name] - before[name] for name in ("chat", "cancelled", "finished")}


async def outcomes(door):
    await door.services.recorder.flush()
    async with door.client(await door.key()) as client:
        found = (await client.get("/v1/traces", params={"limit": 200})).json()["data"]
    return Counter(trace["outcome"] for trace in found)


async def test_leaving_in_mid_stream_ends_every_call(door, served, plan, provider):
    await add(door.world, TALKING)
    before = await asyncio.to_thread(provider.stats)
    async with clients(door, served) as ask:
        await asyncio.gather(*(ask(n, stream=True, leave_at="plan") for n in range(CLIENTS)))
    ended = await check_all_is_over(door, provider, before)
    assert ended == {"chat": CLIENTS, "cancelled": CLIENTS, "finished": 0}
    assert await outcomes(door) == {"cancelled": CLIENTS}


@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_before_the_first_word_ends_every_call(door, served, plan, provider, stream):
    await add(door.world, SILENT)
    before = await asyncio.to_thread(provider.stats)
    waiting = CLIENTS // 2  # all of them at the model at the same time
    async with clients(door, served) as ask:
        asking = [asyncio.create_task(ask(n, stream=stream)) for n in range(waiting)]
        await until(lambda: provider.stats()["live"] == waiting, seconds=60)
        for task in asking:
            await cancelled(task)
    ended = await check_all_is_over(door, provider, before)
    assert ended == {"chat": waiting, "cancelled": waiting, "finished": 0}
    assert await outcomes(door) == {"cancelled": waiting}
