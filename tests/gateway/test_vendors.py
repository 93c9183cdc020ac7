"""A vendor with a protocol of its own is asked as any endpoint: routes see no difference."""

import asyncio
import sys
import time

import httpx
import pytest

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.calls import Step
from roadworthy.gateway.chat import Message
from roadworthy.gateway.endpoint import EndpointAddress, Tries
from roadworthy.gateway.lanes import MOST_FAILURES, ChatRequest, Lane, Limits
from roadworthy.gateway.prices import read_prices
from roadworthy.gateway.routes import Route, Router
from roadworthy.gateway.vendors import Vendor
from tests.doubles.messages import fault_in_messages, said_in_messages
from tests.doubles.model_server import KEY, Behaviour, failing

pytestmark = pytest.mark.anyio
MESSAGES = [Message(role="user", content="Why?")]


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "any_llm", None)
    address = EndpointAddress(url="", key=KEY, timeout_s=5)
    with pytest.raises(Invalid, match=r"install roadworthy\[vendors\]"):
        Vendor("anthropic", address)


@pytest.fixture
async def vendor(models):
    """Anthropic, at the model server."""
    pytest.importorskip("any_llm")
    models.events = said_in_messages(["It", " is."])
    url = models.url.removesuffix("/v1")
    made = Vendor("anthropic", EndpointAddress(url=url, key=KEY, timeout_s=2))
    yield made
    await made.close()


async def heard(vendor, **kwargs):
    asked = vendor.chat(MESSAGES, model="words", max_tokens=10, **kwargs)
    return [piece async for piece in asked]


async def failure(vendor, **kwargs) -> RoadworthyError:
    with pytest.raises(RoadworthyError) as caught:
        await heard(vendor, **kwargs)
    return caught.value


async def test_the_pieces_make_the_answer(models, vendor):
    pieces = await heard(vendor)
    assert "".join(piece.text for piece in pieces) == "It is."
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]
    assert (pieces[-1].input_tokens, pieces[-1].output_tokens) == (7, 2)


async def test_what_is_asked_is_sent_in_its_protocol(models, vendor):
    await heard(vendor, temperature=0.5)
    [asked] = models.requests("/messages")
    assert asked.headers["x-api-key"] == KEY
    assert asked.body["messages"][0]["content"] == "Why?"
    assert (asked.body["max_tokens"], asked.body["temperature"]) == (10, 0.5)


@pytest.mark.parametrize("status", [429, 500, 529])
async def test_a_passing_failure_is_not_seen_and_counted(models, vendor, status):
    models.plan.append(failing(status))
    tried = []
    assert await heard(vendor, tries=Tries(on_try=lambda: tried.append(1)))
    assert len(tried) == len(models.asked) == 2


async def test_a_pause_that_would_not_end_in_time_is_not_begun(models, vendor):
    models.plan.append(failing(429, retry_after="1"))
    began = time.monotonic()
    by = asyncio.get_running_loop().time() + 0.5
    assert isinstance(await failure(vendor, tries=Tries(by=by)), Busy)
    assert (time.monotonic() - began < 0.4, len(models.asked)) == (True, 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Invalid), (401, Unavailable), (404, Unavailable), (429, Busy), (500, Unavailable)],
)
async def test_a_failure_says_what_it_is_and_not_the_key(models, vendor, status, kind):
    models.plan.extend([failing(status, f"no, {KEY}")] * 4)
    error = await failure(vendor, tries=Tries(most=1))
    assert (type(error), error.facts.get("status")) == (kind, status)
    assert KEY not in error.message


@pytest.mark.parametrize("pieces", [0, 3, 4])
async def test_a_cut_stream_is_an_error_and_no_ending(models, vendor, pieces):
    models.plan.append(Behaviour(cut_after=pieces))
    assert isinstance(await failure(vendor, tries=Tries(most=1)), Unavailable)


async def test_a_stream_that_only_stops_is_an_error(models, vendor):
    models.events = said_in_messages(["a", "b"])[:3]
    assert isinstance(await failure(vendor, tries=Tries(most=1)), Unavailable)


@pytest.mark.parametrize(
    ("stop_reason", "reason"), [("refusal", "content_filter"), ("tool_use", "tool_calls")]
)
async def test_an_end_that_is_none_is_an_error_with_its_reason(models, vendor, stop_reason, reason):
    models.events = said_in_messages(["half"], stop_reason=stop_reason)
    assert reason in (await failure(vendor)).message


async def test_an_answer_that_is_cut_at_its_limit_has_an_end(models, vendor):
    models.events = said_in_messages(["a"], stop_reason="max_tokens")
    pieces = await heard(vendor)
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["length"]


@pytest.mark.parametrize(
    ("kind", "variable", "host"),
    [
        ("anthropic", "ANTHROPIC_BASE_URL", "api.anthropic.com"),
        ("gemini", "GOOGLE_GEMINI_BASE_URL", "generativelanguage.googleapis.com"),
    ],
)
async def test_the_environment_leads_nowhere_else(models, monkeypatch, kind, variable, host):
    pytest.importorskip("any_llm")
    asked = []

    async def refuse(transport, request):
        asked.append((request.url.host, type(transport._pool).__name__))
        return httpx.Response(401, json={})

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", refuse)
    for name in (variable, "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, models.url)
    vendor = Vendor(kind, EndpointAddress(url="", key=KEY, timeout_s=2))
    await failure(vendor)
    assert asked == [(host, "AsyncConnectionPool")]
    await vendor.close()


async def test_what_is_asked_is_not_logged(vendor, logged):
    await heard(vendor)
    assert "Why?" not in logged.getvalue()


async def test_a_silent_vendor_is_given_up_in_time(models, vendor):
    models.plan.append(Behaviour(delay_s=10))
    async with asyncio.timeout(5):
        assert "2 s" in (await failure(vendor)).message


async def test_who_leaves_ends_the_call(models, vendor):
    models.events = said_in_messages(["a"] * 100)
    models.pause_s = 0.1
    pieces = vendor.chat(MESSAGES, model="words", max_tokens=10)
    async for piece in pieces:
        if piece.text:
            break
    await pieces.aclose()
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_a_schema_is_sent_in_its_protocol(models, vendor):
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    lane = Lane("vendor", vendor, limits=Limits(capabilities=frozenset({"json_schema"})))
    route = Route(steps=[Step(endpoint="vendor", model="words")], deadline_s=5)
    asked = ChatRequest(messages=MESSAGES, max_tokens=10, json_schema=schema)
    calls = []
    router = Router({"vendor": lane}, read_prices())
    _ = [piece async for piece in router.chat(route, asked, on_end=calls.append)]
    [call] = calls
    assert (call.outcome, call.tries, call.output_tokens) == ("answered", 1, 2)
    [sent] = models.requests("/messages")
    assert sent.body["output_config"]["format"]["schema"] == schema


@pytest.mark.parametrize("before", [0, 3], ids=["first", "in-mid-answer"])
@pytest.mark.parametrize("kind", ["overloaded_error", "api_error"])
async def test_a_fault_within_a_stream_is_the_vendors(models, vendor, kind, before):
    models.events = [*said_in_messages(["half"])[:before], fault_in_messages(kind)]
    lane = Lane("vendor", vendor)
    route = Route(steps=[Step(endpoint="vendor", model="words")], deadline_s=5)
    asked = ChatRequest(messages=MESSAGES * 6, max_tokens=10)
    calls = []
    for _ in range(MOST_FAILURES):
        with pytest.raises(Unavailable, match="says: "):
            async for _ in Router({"vendor": lane}, read_prices()).chat(
                route, asked, on_end=calls.append
            ):
                pass
    assert lane.breaker.is_resting
    assert [(call.input_tokens, call.is_at_least) for call in calls] == [(4, True)] * MOST_FAILURES
