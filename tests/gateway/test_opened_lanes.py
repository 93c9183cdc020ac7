"""What the settings say of an endpoint holds in its lane; what our own engine can is known."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.gateway.chat import Message
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.gateway.lanes import ChatRequest, Limits, Patience
from roadworthy.models import opened_lanes
from roadworthy.plumbing.settings import load_settings
from tests.doubles.converse import said_in_converse
from tests.doubles.messages import said_in_messages
from tests.doubles.model_server import KEY

pytestmark = pytest.mark.anyio
SCHEMA = {"type": "object"}


@pytest.fixture
def opening(models):
    @asynccontextmanager
    async def opened(*, endpoint=None, **told):
        told |= {"endpoints": {"x": {"url": models.url} | endpoint}} if endpoint else {}
        settings = load_settings({}, overrides={"model_timeout_s": 7} | told)
        async with opened_lanes(settings, EngineAddress(url=models.url, token=KEY)) as lanes:
            yield lanes

    return opened


async def ask(lane, *, text="Why?", max_tokens=10, **asked):
    by = asyncio.get_running_loop().time() + 5
    request = ChatRequest(
        messages=[Message(role="user", content=text)], max_tokens=max_tokens, **asked
    )
    patience = Patience(first_by=by, all_by=by, tries=1)
    return [piece async for piece in lane.chat(request, model="words", patience=patience)]


async def test_an_endpoint_is_asked_as_much_as_is_set(opening):
    limits = {"most_concurrent": 3, "requests_per_minute": 5, "wait_s": 0.5, "context_tokens": 100}
    can = ["json_schema", "logprobs"]
    async with opening(endpoint=limits | {"capabilities": can, "timeout_s": 4}) as lanes:
        assert lanes["x"].limits == Limits(**limits, capabilities=frozenset(can))
        assert lanes["x"].endpoint.address.timeout_s == 4


async def test_an_endpoint_has_the_time_of_all_models_where_none_is_set(opening):
    async with opening(endpoint={"key": KEY}) as lanes:
        assert lanes["x"].endpoint.address.timeout_s == 7


async def test_a_vendor_is_asked_in_its_protocol_with_its_key(opening, models):
    pytest.importorskip("any_llm")
    models.events = said_in_messages(["It", " is."])
    url = models.url.removesuffix("/v1")
    async with opening(endpoint={"kind": "anthropic", "url": url, "key": KEY}) as lanes:
        await ask(lanes["x"])
    [asked] = models.requests("/messages")
    assert asked.headers["x-api-key"] == KEY


async def test_a_region_of_bedrock_is_asked_in_its_protocol_with_its_key(opening, models):
    pytest.importorskip("botocore")
    models.events = said_in_converse(["It", " is."])
    limits = {"most_concurrent": 3, "timeout_s": 4}
    async with opening(endpoint={"kind": "bedrock", "key": KEY} | limits) as lanes:
        await ask(lanes["x"])
        assert lanes["x"].endpoint.address.timeout_s == 4
    [asked] = models.requests("/model/words/converse-stream")
    assert asked.headers["authorization"] == f"Bearer {KEY}"


def test_a_library_of_vendors_is_loaded_only_for_an_endpoint_of_theirs():
    told = "import sys, roadworthy.models; print(*sys.modules)"
    started = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True)
    loaded = {name.split(".")[0] for name in started.stdout.decode().split()}
    assert "httpx" in loaded
    assert not loaded & {"any_llm", "anthropic", "botocore", "google"}


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["engine", "chat_url"])
async def test_a_schema_and_logprobs_are_asked_of_the_engine(opening, models, is_elsewhere):
    async with opening(chat_url=models.url if is_elsewhere else "") as lanes:
        await ask(lanes["chat"], json_schema=SCHEMA, asks_confidence=True)
    sent = models.asked[-1].body.keys() & {"response_format", "logprobs"}
    assert sent == (set() if is_elsewhere else {"response_format", "logprobs"})


async def test_the_engine_is_not_asked_what_it_cannot_read(opening, models):
    async with opening() as lanes:
        with pytest.raises(Invalid, match="4096 tokens"):
            await ask(lanes["chat"], text="word " * 6_000)
    assert models.asked == []


async def test_the_engine_is_asked_for_more_than_it_has_room_to_write(opening):
    """It cuts its answer at the end of its context."""
    async with opening() as lanes:
        assert await ask(lanes["chat"], text="word " * 4_000, max_tokens=2_000)
