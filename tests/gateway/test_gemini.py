"""Gemini is asked as any endpoint: routes see no difference."""

import asyncio
import sys

import pytest

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.chat import Message
from roadworthy.gateway.endpoint import EndpointAddress, Tries
from roadworthy.gateway.vendors import Vendor
from tests.doubles.generate_content import (
    failing_in_contents,
    fault_in_contents,
    said_in_contents,
)
from tests.doubles.model_server import KEY, Behaviour, event

pytestmark = pytest.mark.anyio
MESSAGES = [Message(role="system", content="Be brief."), Message(role="user", content="Why?")]
PATH = "/v1/models"


@pytest.fixture
async def gemini(models):
    """Gemini, at the model server."""
    pytest.importorskip("google.genai")
    models.events = said_in_contents(["It", " is."])
    url = models.url.removesuffix("/v1")
    made = Vendor("gemini", EndpointAddress(url=url, key=KEY, timeout_s=2))
    yield made
    await made.close()


async def heard(gemini, **kwargs):
    asked = gemini.chat(MESSAGES, model="words", max_tokens=10, **kwargs)
    return [piece async for piece in asked]


async def failure(gemini, **kwargs) -> RoadworthyError:
    with pytest.raises(RoadworthyError) as caught:
        await heard(gemini, **kwargs)
    return caught.value


async def test_the_pieces_make_the_answer(gemini):
    pieces = await heard(gemini)
    assert "".join(piece.text for piece in pieces) == "It is."
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]


async def test_tokens_are_told_once_at_the_end(gemini):
    """What is told on the way is no count of the whole; a call that breaks off is estimated."""
    told = [piece for piece in await heard(gemini) if piece.input_tokens is not None]
    assert [(piece.input_tokens, piece.output_tokens) for piece in told] == [(7, 2)]


async def test_what_is_asked_is_sent_in_its_protocol(models, gemini):
    await heard(gemini, temperature=0.5)
    [asked] = models.asked
    assert asked.path == f"{PATH}/words:streamGenerateContent"
    assert asked.headers["x-goog-api-key"] == KEY
    assert asked.body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert asked.body["contents"] == [{"role": "user", "parts": [{"text": "Why?"}]}]
    config = asked.body["generationConfig"]
    assert (config["maxOutputTokens"], config["temperature"]) == (10, 0.5)


async def test_their_library_logs_nothing_of_a_call(gemini, logged):
    await heard(gemini)
    assert "google_genai" not in logged.getvalue()


async def test_a_schema_is_sent_in_its_protocol(models, gemini):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    told = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    await heard(gemini, options={"response_format": told})
    [asked] = models.asked
    assert asked.body["generationConfig"]["responseJsonSchema"] == schema


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_failure_is_not_seen_and_counted(models, gemini, status):
    models.plan.append(failing_in_contents(status))
    tried = []
    assert await heard(gemini, tries=Tries(on_try=lambda: tried.append(1)))
    assert len(tried) == len(models.asked) == 2


@pytest.mark.parametrize(("told", "pause_s"), [("1s", 1), ("34.074824224s", 35), ("", None)])
async def test_how_long_to_wait_is_read(models, gemini, told, pause_s):
    models.plan.append(failing_in_contents(429, retry_delay=told))
    error = await failure(gemini, tries=Tries(most=1))
    assert (type(error), error.facts.get("retry_after_s")) == (Busy, pause_s)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Invalid), (401, Unavailable), (404, Unavailable), (429, Busy), (500, Unavailable)],
)
async def test_a_failure_says_what_it_is_and_not_the_key(models, gemini, status, kind):
    models.plan.append(failing_in_contents(status, f"no, {KEY}"))
    error = await failure(gemini, tries=Tries(most=1))
    assert (type(error), error.facts.get("status")) == (kind, status)
    assert "no, ***" in error.message
    assert KEY not in error.message


async def test_a_key_that_is_refused_is_ours_to_mend(models, gemini):
    """It comes with the status of a request that is wrong."""
    models.plan.append(failing_in_contents(400, "API key not valid. Please pass a valid API key."))
    error = await failure(gemini)
    assert (type(error), error.facts["status"]) == (Unavailable, 401)


async def test_nobody_there_is_unavailable(models, gemini):
    models.plan.append(Behaviour(is_reset=True))
    assert isinstance(await failure(gemini, tries=Tries(most=1)), Unavailable)


@pytest.mark.parametrize("pieces", [0, 1, 2])
async def test_a_cut_stream_is_an_error_and_no_ending(models, gemini, pieces):
    models.events = said_in_contents(["a", "b", "c"])
    models.plan.append(Behaviour(cut_after=pieces))
    assert isinstance(await failure(gemini, tries=Tries(most=1)), Unavailable)


@pytest.mark.parametrize("pieces", [0, 1])
async def test_a_stream_that_only_stops_is_an_error(models, gemini, pieces):
    models.events = said_in_contents(["a", "b"])[:pieces]
    assert isinstance(await failure(gemini, tries=Tries(most=1)), Unavailable)


@pytest.mark.parametrize("before", [0, 1], ids=["first", "in-mid-answer"])
async def test_a_fault_within_a_stream_is_the_vendors(models, gemini, before):
    models.events = [*said_in_contents(["half", ""])[:before], fault_in_contents(503)]
    error = await failure(gemini, tries=Tries(most=1))
    assert isinstance(error, Unavailable)
    assert error.facts.get("status", 503) == 503


async def test_what_fails_as_it_begins_is_hung_up(models, gemini):
    models.events = [fault_in_contents(503), *said_in_contents(["a"] * 100)]
    models.pause_s = 0.1
    await failure(gemini, tries=Tries(most=1))
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


@pytest.mark.parametrize("said", [b"{broken", b'{"candidates": [{"content": 5}]}'])
@pytest.mark.parametrize("before", [0, 1], ids=["first", "in-mid-answer"])
async def test_what_is_no_protocol_of_theirs_is_unavailable(models, gemini, said, before):
    models.events = [*said_in_contents(["half", ""])[:before], b"data: " + said + b"\n\n"]
    assert isinstance(await failure(gemini, tries=Tries(most=1)), Unavailable)


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT"])
async def test_an_end_that_is_none_is_an_error_with_its_reason(models, gemini, reason):
    models.events = said_in_contents(["half"], finish_reason=reason)
    assert (await failure(gemini)).facts["finish_reason"] == "content_filter"


async def test_a_question_that_is_blocked_says_so(models, gemini):
    models.events = [event({"promptFeedback": {"blockReason": "SAFETY"}})]
    assert (await failure(gemini)).facts["finish_reason"] == "content_filter"


async def test_an_answer_that_is_cut_at_its_limit_has_an_end(models, gemini):
    models.events = said_in_contents(["a"], finish_reason="MAX_TOKENS")
    pieces = await heard(gemini)
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["length"]


async def test_a_silent_vendor_is_given_up_in_time(models, gemini):
    models.plan.append(Behaviour(delay_s=10))
    async with asyncio.timeout(5):
        assert "2 s" in (await failure(gemini)).message
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_who_leaves_ends_the_call(models, gemini):
    models.events = said_in_contents(["a"] * 100)
    models.pause_s = 0.1
    pieces = gemini.chat(MESSAGES, model="words", max_tokens=10)
    async for piece in pieces:
        if piece.text:
            break
    await pieces.aclose()
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_who_is_cancelled_before_the_first_word_ends_the_call(models, gemini):
    models.plan.append(Behaviour(delay_s=10))
    asking = asyncio.create_task(heard(gemini))
    while not models.asked:  # noqa: ASYNC110 - it comes from another thread
        await asyncio.sleep(0.01)
    asking.cancel()
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_closing_ends_its_connections(models, gemini):
    await heard(gemini)
    await gemini.close()
    assert gemini._model.client.aio._api_client._async_httpx_client.is_closed


async def test_it_is_asked_whether_it_is_there(models, gemini):
    await gemini.check()
    [asked] = models.asked
    assert asked.path == PATH
    models.key = "another"
    with pytest.raises(Unavailable):
        await gemini.check()


def test_a_missing_library_is_named(monkeypatch):
    pytest.importorskip("any_llm")
    for name in [name for name in sys.modules if name.startswith("any_llm.providers.gemini")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "google.genai", None)
    with pytest.raises(Invalid, match=r"install roadworthy\[vendors\]"):
        Vendor("gemini", EndpointAddress(url="", key=KEY, timeout_s=5))


async def test_the_environment_sends_no_question_elsewhere(models, monkeypatch):
    pytest.importorskip("google.genai")
    models.events = said_in_contents(["It", " is."])
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    url = models.url.removesuffix("/v1")
    vendor = Vendor("gemini", EndpointAddress(url=url, key=KEY, timeout_s=2))
    assert await heard(vendor)
    assert models.asked[0].path.startswith(PATH)
    await vendor.close()
