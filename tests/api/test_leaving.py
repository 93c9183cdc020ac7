"""Who goes away stops the work: down to the model, and the trace says so."""

import asyncio
import contextlib

import httpx
import pytest

pytestmark = pytest.mark.anyio

CHAT = {"model": "generating", "messages": [{"role": "user", "content": "What is the plan?"}]}
ANSWER = {"question": "What is the plan?", "release": "generating"}


@pytest.fixture
def dawdling(models, generating):
    """The chat model takes a minute for its answer."""
    models.pieces = ["The plan. "] * 600
    models.pause_s = 0.1
    return models


async def left(models):
    asked = await models.until_asked("/chat/completions")
    return await asyncio.to_thread(asked.is_left.wait, 5)


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
        assert 'outcome="cancelled"} 1.0' in (await client.get("/metrics")).text
    assert door.services.answering._running == 0


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


async def test_a_too_large_upload_is_told_so_by_a_real_server(door, served):
    async with door.client(await door.key(), url=served) as client:
        files = [("file", ("a.txt", b"x" * 3_000_000, "text/plain"))]
        try:
            response = await client.post("/v1/documents", files=files)
        except httpx.WriteError:
            return  # the server may hang up on who goes on sending
        assert response.status_code == 413
