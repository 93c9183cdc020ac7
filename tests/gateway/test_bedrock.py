"""Bedrock is asked as any endpoint: routes see no difference."""

import asyncio
import sys
import threading
import time

import pytest

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.bedrock import Bedrock
from roadworthy.gateway.calls import Step
from roadworthy.gateway.chat import Message
from roadworthy.gateway.endpoint import EndpointAddress, Tries
from roadworthy.gateway.lanes import ChatRequest, Lane, Limits, has_answered, is_to_blame
from roadworthy.gateway.prices import read_prices
from roadworthy.gateway.routes import Route, Router
from tests.doubles.converse import (
    error_in_converse,
    failing_in_converse,
    fault_in_converse,
    framed,
    framed_head,
    is_signed,
    said_in_converse,
    thought_in_converse,
)
from tests.doubles.model_server import KEY, Behaviour

pytestmark = pytest.mark.anyio
MESSAGES = [Message(role="system", content="Be brief."), Message(role="user", content="Why?")]
STREAM = "/model/words/converse-stream"
ARN = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"
SECRET = "s3cret/of+credentials"


@pytest.fixture
async def bedrock(models):
    """Bedrock, at the model server, asked with a key."""
    pytest.importorskip("botocore")
    models.events = said_in_converse(["It", " is."])
    made = Bedrock(EndpointAddress(url=models.url, key=KEY, timeout_s=2))
    yield made
    await made.close()


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No credentials and no region, wherever the tests run."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
async def signing(models, monkeypatch, nowhere):
    """The same without a key, by credentials of the environment."""
    pytest.importorskip("botocore")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    models.events = said_in_converse(["It", " is."])
    made = Bedrock(EndpointAddress(url=models.url, key=None, timeout_s=2))
    yield made
    await made.close()


async def heard(bedrock, *, model="words", **kwargs):
    asked = bedrock.chat(MESSAGES, model=model, max_tokens=10, **kwargs)
    return [piece async for piece in asked]


async def failure(bedrock, **kwargs) -> RoadworthyError:
    with pytest.raises(RoadworthyError) as caught:
        await heard(bedrock, **kwargs)
    return caught.value


def heard_by_botocore(url, *, model):
    """Ask as botocore's own client does; it knows credentials from the environment."""
    from botocore.session import Session  # noqa: PLC0415 - it may be missing

    client = Session().create_client("bedrock-runtime", endpoint_url=url)
    answer = client.converse_stream(
        modelId=model,
        messages=[{"role": "user", "content": [{"text": "Why?"}]}],
        system=[{"text": "Be brief."}],
        inferenceConfig={"maxTokens": 10, "temperature": 0.0},
    )
    events = list(answer["stream"])
    client.close()
    return events


@pytest.mark.parametrize("model", ["words", ARN])
async def test_what_is_sent_is_what_their_own_client_sends(models, signing, model):
    await heard(signing, model=model)
    events = await asyncio.to_thread(heard_by_botocore, models.url, model=model)
    ours, theirs = models.asked
    assert (ours.raw_path, ours.body) == (theirs.raw_path, theirs.body)
    assert is_signed(theirs, secret=SECRET)
    assert is_signed(ours, secret=SECRET)
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 2


async def test_a_signature_is_of_the_region_and_the_credentials(models, signing, monkeypatch):
    await heard(signing)
    [asked] = models.asked
    date = time.strftime("%Y%m", time.gmtime())
    assert f"Credential=AKIDEXAMPLE/{date}" in asked.headers["authorization"]
    assert "/eu-central-1/bedrock/aws4_request" in asked.headers["authorization"]
    assert not is_signed(asked, secret="another")


async def test_every_try_is_signed_anew(models, signing):
    models.plan.append(failing_in_converse(500, "InternalServerException"))
    session = signing._endpoint._client.auth._session

    def renew():
        if models.asked:
            session.set_credentials("AKIDNEW", "new", "of-a-session")

    assert await heard(signing, tries=Tries(on_try=renew))
    assert is_signed(models.asked[0], secret=SECRET)
    assert is_signed(models.asked[1], secret="new")
    assert models.asked[1].headers["x-amz-security-token"] == "of-a-session"


async def test_the_token_of_a_session_is_not_logged(models, signing, monkeypatch, logged):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-a-session")
    await heard(signing)
    assert models.asked[0].headers["x-amz-security-token"] == "of-a-session"
    assert "of-a-session" not in logged.getvalue()


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("bedrock-runtime.us-east-1.api.aws", "us-east-1"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("vpce-0a-1b.bedrock-runtime.us-gov-west-1.vpce.amazonaws.com", "us-gov-west-1"),
        ("bedrock-runtime.internal.example", "eu-central-1"),
        ("bedrock-runtime.internal.amazonaws.com.example", "eu-central-1"),
    ],
)
async def test_the_region_stands_in_a_url_of_theirs_else_in_the_settings(signing, host, region):
    made = Bedrock(EndpointAddress(url=f"https://{host}", key=None, timeout_s=2))
    request = made._endpoint._client.build_request("POST", "/model/x/converse-stream", json={})
    [sent] = [each async for each in made._endpoint._client.auth.async_auth_flow(request)]
    assert f"/{region}/bedrock/" in sent.headers["authorization"]
    await made.close()


def test_a_region_that_nothing_tells_is_asked_for(models, nowhere):
    pytest.importorskip("botocore")
    with pytest.raises(Invalid, match=r"bedrock-runtime\.REGION\.amazonaws\.com"):
        Bedrock(EndpointAddress(url=models.url, key=None, timeout_s=2))


@pytest.mark.parametrize("profile", [None, "missing"])
async def test_credentials_that_are_nowhere_are_ours_to_mend(models, signing, monkeypatch, profile):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    error = await failure(signing)
    assert (type(error), error.facts["status"], models.asked) == (Unavailable, 401, [])
    assert "needs a key, or credentials of AWS" in error.message
    # Nothing was sent: the endpoint is neither down nor there.
    assert (is_to_blame(error), has_answered(error)) == (False, False)


@pytest.mark.parametrize(
    "program", ["missing-program", "echo {", "echo 5", "sh -c 'echo hushed >&2; exit 1'"]
)
async def test_a_program_for_credentials_that_fails_is_not_quoted(
    models, signing, monkeypatch, tmp_path, logged, program
):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    (tmp_path / "AWS_CONFIG_FILE").write_text(f"[default]\ncredential_process = {program}\n")
    error = await failure(signing)
    assert (type(error), error.facts["status"], models.asked) == (Unavailable, 401, [])
    assert "hushed" not in error.message + logged.getvalue()
    assert "credentials of AWS cannot be had" in logged.getvalue()


async def test_credentials_that_hang_hold_nobody_long_and_are_looked_up_once(
    models, signing, monkeypatch
):
    auth, come, looked = signing._endpoint._client.auth, threading.Event(), []
    look = auth._session.get_credentials

    def hang():
        looked.append(1)
        return come.wait(10) and look()

    monkeypatch.setattr(auth._session, "get_credentials", hang)
    monkeypatch.setattr(auth, "_longest_s", 0.3)
    began = time.monotonic()
    errors = await asyncio.gather(*[failure(signing) for _ in range(40)])
    assert {error.facts["status"] for error in errors} == {401}
    await failure(signing)
    await asyncio.to_thread(len, "")
    assert (time.monotonic() - began < 1, looked, models.asked) == (True, [1], [])
    come.set()
    await asyncio.to_thread(auth._found.result, 2)
    assert await heard(signing)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.setitem(sys.modules, "botocore.eventstream", None)
    with pytest.raises(Invalid, match=r"install roadworthy\[vendors\]"):
        Bedrock(EndpointAddress(url="http://127.0.0.1", key=KEY, timeout_s=5))


async def test_the_pieces_make_the_answer(bedrock):
    pieces = await heard(bedrock)
    assert "".join(piece.text for piece in pieces) == "It is."
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]
    assert (pieces[-1].input_tokens, pieces[-1].output_tokens) == (7, 2)


async def test_a_key_is_sent_as_one(models, bedrock):
    await heard(bedrock)
    [asked] = models.requests(STREAM)
    assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_a_schema_is_sent_in_its_protocol(models, bedrock):
    lane = Lane("x", bedrock, limits=Limits(capabilities=frozenset({"json_schema"})))
    asked = ChatRequest(messages=MESSAGES, max_tokens=10, json_schema={"type": "object"})
    route = Route(steps=[Step(endpoint="x", model="words")], deadline_s=5)
    calls = []
    router = Router({"x": lane}, read_prices())
    _ = [piece async for piece in router.chat(route, asked, on_end=calls.append)]
    assert [(call.outcome, call.output_tokens) for call in calls] == [("answered", 2)]
    structure = {"jsonSchema": {"name": "answer", "schema": '{"type": "object"}'}}
    told = models.asked[0].body["outputConfig"]["textFormat"]
    assert told == {"type": "json_schema", "structure": structure}


async def test_a_thought_is_no_text(models, bedrock):
    models.events = [thought_in_converse("Hm."), *said_in_converse(["It is."])]
    assert "".join(piece.text for piece in await heard(bedrock)) == "It is."


async def test_a_message_may_come_in_parts_and_two_at_once(models, bedrock):
    whole = b"".join(said_in_converse(["It", " is."]))
    models.events = [whole[:5], whole[5:60], whole[60:]]
    assert "".join(piece.text for piece in await heard(bedrock)) == "It is."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
async def test_a_passing_failure_is_not_seen_and_counted(models, bedrock, status, kind):
    models.plan.append(failing_in_converse(status, kind))
    tried = []
    assert await heard(bedrock, tries=Tries(on_try=lambda: tried.append(1)))
    assert len(tried) == len(models.asked) == 2


async def test_how_long_to_wait_is_read(models, bedrock):
    models.plan.append(failing_in_converse(429, "ThrottlingException", retry_after="7"))
    error = await failure(bedrock, tries=Tries(most=1))
    assert (type(error), error.facts["retry_after_s"]) == (Busy, 7)


@pytest.mark.parametrize(
    ("status", "kind", "failing"),
    [
        (400, "ValidationException", Unavailable),
        (403, "AccessDeniedException", Unavailable),
        (404, "ResourceNotFoundException", Unavailable),
        (429, "ThrottlingException", Busy),
        (500, "InternalServerException", Unavailable),
    ],
)
async def test_a_failure_says_what_it_is_and_not_the_key(models, bedrock, status, kind, failing):
    models.plan.append(failing_in_converse(status, kind, f"no, {KEY}"))
    error = await failure(bedrock, tries=Tries(most=1))
    assert (type(error), error.facts.get("status")) == (failing, status)
    assert "no, ***" in error.message


@pytest.mark.parametrize(
    "words",
    [
        "The model returned the following errors: Input is too long for requested model.",
        "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
        "This model's maximum context length is 8192 tokens.",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 204698",
        "Malformed input request: expected maxLength: 42000, actual: 46189",
        "Output blocked by content filtering policy",
    ],
)
async def test_what_is_asked_may_be_refused(models, bedrock, words):
    models.plan.append(failing_in_converse(400, "ValidationException", words))
    assert (type(await failure(bedrock)), len(models.asked)) == (Invalid, 1)


async def test_a_model_that_is_refused_is_followed_by_the_next_step(models, bedrock):
    words = "The provided model identifier is invalid."
    models.plan.append(failing_in_converse(400, "ValidationException", words))
    steps = [Step(endpoint="x", model=name) for name in ("typo", "words")]
    lane, calls = Lane("x", bedrock), []
    asking = Router({"x": lane}, read_prices()).chat(
        Route(steps=steps, deadline_s=5),
        ChatRequest(messages=MESSAGES, max_tokens=10),
        on_end=calls.append,
    )
    assert "".join([piece.text async for piece in asking]) == "It is."
    assert (len(calls), len(models.asked), lane.breaker.is_well) == (2, 2, True)


async def test_a_temperature_of_0_that_a_model_refuses_is_left_out_from_then_on(models, bedrock):
    words = "The model returned the following errors: `temperature` is deprecated for this model."
    models.plan.append(failing_in_converse(400, "ValidationException", words))
    assert [await heard(bedrock), await heard(bedrock)]
    await heard(bedrock, model="another")
    told = [asked.body["inferenceConfig"] for asked in models.asked]
    assert told == [
        {"maxTokens": 10} | each for each in ({"temperature": 0}, {}, {}, {"temperature": 0})
    ]


async def test_a_temperature_that_was_chosen_is_not_given_up(models, bedrock):
    words = "The value 1.5 of temperature is out of range."
    models.plan.append(failing_in_converse(400, "ValidationException", words))
    assert isinstance(await failure(bedrock, temperature=1.5), Unavailable)
    await heard(bedrock)
    assert [asked.body["inferenceConfig"]["temperature"] for asked in models.asked] == [1.5, 0]


@pytest.mark.parametrize("before", [0, 2], ids=["first", "in-mid-answer"])
@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        (fault_in_converse("throttlingException", f"no, {KEY}"), Busy),
        (fault_in_converse("validationException", f"no, {KEY}"), Unavailable),
        (fault_in_converse("modelStreamErrorException", f"no, {KEY}"), Unavailable),
        (fault_in_converse("internalServerException", f"no, {KEY}"), Unavailable),
        (error_in_converse(f"no, {KEY}"), Unavailable),
    ],
)
async def test_a_fault_within_a_stream_is_told(models, bedrock, before, fault, failing):
    models.events = [*said_in_converse(["half"])[:before], fault]
    error = await failure(bedrock)
    assert type(error) is failing
    assert "no, ***" in error.message


async def test_a_fault_whose_words_are_none_is_told(models, bedrock):
    models.events = [framed_head(b"\x0e:error-message\x00")]  # that it is true
    assert "broke off" in (await failure(bedrock)).message


@pytest.mark.parametrize("pieces", [0, 1, 2, 4])
async def test_a_cut_stream_is_an_error_and_no_ending(models, bedrock, pieces):
    models.plan.append(Behaviour(cut_after=pieces))
    assert isinstance(await failure(bedrock), Unavailable)


@pytest.mark.parametrize("pieces", [0, 2])
async def test_a_stream_that_only_stops_is_an_error(models, bedrock, pieces):
    models.events = said_in_converse(["a", "b"])[:pieces]
    assert "broke off" in (await failure(bedrock)).message


@pytest.mark.parametrize(
    "events",
    [
        [b"data: {}\n\n" * 3],
        [said_in_converse(["a"])[1].replace(b'"a"', b'"b"')],
        [framed({":message-type": "event", ":event-type": "metadata"}, b"{broken")],
        [framed_head(b"\x01a\x63")],
        [framed_head(b"\x01a\x07\x00")],
        [framed_head(b"\x01\xff\x00")],
    ],
    ids=["other-protocol", "wrong-sum", "no-json", "odd-type", "short-header", "no-text"],
)
async def test_what_is_no_protocol_of_theirs_is_unavailable(models, bedrock, events):
    models.events = events
    assert "does not stream Bedrock's protocol" in (await failure(bedrock)).message


@pytest.mark.parametrize(
    ("stop_reason", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
    ],
)
async def test_an_end_has_the_name_that_all_have(models, bedrock, stop_reason, reason):
    models.events = said_in_converse(["a"], stop_reason=stop_reason)
    pieces = await heard(bedrock)
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == [reason]


@pytest.mark.parametrize(
    ("stop_reason", "reason"),
    [
        ("content_filtered", "content_filter"),
        ("guardrail_intervened", "content_filter"),
        ("tool_use", "tool_use"),
    ],
)
async def test_an_end_that_is_none_is_an_error_with_its_reason(
    models, bedrock, stop_reason, reason
):
    models.events = said_in_converse(["half"], stop_reason=stop_reason)
    assert (await failure(bedrock)).facts["finish_reason"] == reason


@pytest.mark.parametrize("pause", ["before", "within"])
async def test_a_silent_server_is_given_up_in_time(models, bedrock, pause):
    if pause == "before":
        models.plan.append(Behaviour(delay_s=10))
    models.pause_s = 10
    async with asyncio.timeout(5):
        assert isinstance(await failure(bedrock), Unavailable)
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_who_leaves_ends_the_call(models, bedrock):
    models.events = said_in_converse(["a"] * 100)
    models.pause_s = 0.1
    pieces = bedrock.chat(MESSAGES, model="words", max_tokens=10)
    async for piece in pieces:
        if piece.text:
            break
    await pieces.aclose()
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_who_is_cancelled_before_the_first_word_ends_the_call(models, bedrock):
    models.plan.append(Behaviour(delay_s=10))
    asking = asyncio.create_task(heard(bedrock))
    asked = await models.until_asked(STREAM)
    asking.cancel()
    assert await asyncio.to_thread(asked.is_left.wait, 2)


async def test_that_a_model_is_unknown_shows_that_it_is_there(models, bedrock):
    words = "The provided model identifier is invalid."
    models.plan.append(failing_in_converse(400, "ValidationException", words))
    await bedrock.check()
    models.plan.append(failing_in_converse(403, "AccessDeniedException"))
    with pytest.raises(Unavailable, match="403"):
        await bedrock.check()
