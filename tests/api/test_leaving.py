"""Who goes away stops the work: down to the model, and the trace says so."""

import asyncio
import contextlib
import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from roadworthy.api import streams
from roadworthy.releases import Release, add_release
from tests.api.test_guards import counted
from tests.doubles.model_server import Behaviour
from tests.waiting import until
from tests.world import DECLARED

pytestmark = pytest.mark.anyio

PATIENCE_S = 60
CHAT = {"model": "generating", "messages": [{"role": "user", "content": "What is the plan?"}]}
TALKING = Release(
    answerer="generate",
    model="words",
    prompt="answer-1",
    space=DECLARED.name,
    least_relevance=0,
    guards=None,
)
ANSWER = {"question": "What is the plan?", "release": "generating"}


@pytest.fixture
def dawdling(models, generating):
    """The chat model takes a minute for its answer."""
    models.pieces = ["The plan. "] * 600
    models.pause_s = 0.1
    return models


async def left(models):
    asked = await models.until_asked("/chat/completions")
    return await asyncio.to_thread(asked.is_left.wait, PATIENCE_S)


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/answers", ANSWER)]
)
async def test_leaving_a_stream_cancels_the_answer(
    door, served, plan, dawdling, wait_for_traces, path, body
):
    async with door.client(await door.key(), url=served) as client:
        async with client.stream("POST", path, json=body | {"stream": True}) as response:
            async for piece in response.aiter_text():
                if "The plan." in piece:
                    break
        assert await left(dawdling)
        [trace] = await wait_for_traces(client)
        assert trace["outcome"] == "cancelled"
        told = (await client.get("/metrics")).text
        assert 'outcome="cancelled"} 1.0' in told
        assert counted("pass") in told
    assert door.services.bounds.answers.running == 0


async def test_who_reads_nothing_any_more_has_left(
    door, served, plan, models, world, wait_for_traces, monkeypatch
):
    monkeypatch.setattr(streams, "READ_WITHIN_S", 0.5)
    models.pieces = ["The plan. " * 500] * 4000  # more than the kernel takes for a reader
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_release(conn, tenant_id=world.tenant_id, name="talking", release=TALKING)
    key = await door.key()
    with deaf(served, key, {"question": "What is the plan?", "release": "talking", "stream": True}):
        assert await left(models)
        async with door.client(key, url=served) as client:
            [trace] = await wait_for_traces(client)
    assert trace["outcome"] == "cancelled"
    assert door.services.bounds.answers.running == 0


@contextlib.contextmanager
def deaf(url, key, body):
    """Ask, and read nothing."""
    address, content = urlsplit(url), json.dumps(body)
    with socket.socket() as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asking.connect((address.hostname, address.port))
        asking.sendall(
            f"POST /v1/answers HTTP/1.1\r\nhost: door\r\nauthorization: Bearer {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
            f"{content}".encode()
        )
        yield


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/answers", ANSWER)]
)
async def test_leaving_before_a_whole_answer_cancels_it(
    door, served, plan, dawdling, wait_for_traces, path, body
):
    key = await door.key()
    async with door.client(key, url=served) as client:
        with contextlib.suppress(httpx.ReadTimeout):
            await client.post(path, json=body, timeout=1)
            pytest.fail("the answer came too soon")
    assert await left(dawdling)
    async with door.client(key, url=served) as client:
        [trace] = await wait_for_traces(client)
        assert trace["outcome"] == "cancelled"


async def test_leaving_a_search_cancels_it(door, served, plan, models, wait_for_traces):
    models.plan.append(Behaviour(delay_s=PATIENCE_S))  # of the question's embedding
    key = await door.key()
    async with door.client(key, url=served) as client:
        with contextlib.suppress(httpx.ReadTimeout):
            await client.post("/v1/search", json={"question": "the plan"}, timeout=1)
            pytest.fail("the hits came too soon")
        [trace] = await wait_for_traces(client)
    assert (trace["outcome"], trace["problem"]) == ("cancelled", None)
    assert door.services.bounds.direct_searches.running == 0


async def test_leaving_embeddings_cancels_them(door, served, models):
    models.plan.append(Behaviour(delay_s=2 * PATIENCE_S))
    async with door.client(await door.key(), url=served) as client:
        with contextlib.suppress(httpx.ReadTimeout):
            await client.post("/v1/embeddings", json={"model": "words", "input": "a"}, timeout=1)
            pytest.fail("the vectors came too soon")
    asked = await models.until_asked("/embeddings")
    assert await asyncio.to_thread(asked.is_left.wait, 5)
    await until(lambda: not door.services.bounds.embeddings.running)


async def test_a_too_large_upload_is_told_so_by_a_real_server(door, served):
    async with door.client(await door.key(), url=served) as client:
        files = [("file", ("a.txt", b"x" * 3_000_000, "text/plain"))]
        try:
            response = await client.post("/v1/documents", files=files)
        except httpx.WriteError:
            return  # the server may hang up on who goes on sending
        assert response.status_code == 413
