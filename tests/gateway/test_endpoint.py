"""A call to a model endpoint is repeated where that helps, ends in time, and tells no secret."""

import asyncio
import logging
import time

import httpx
import pytest

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway import endpoint as endpoints
from roadworthy.gateway.endpoint import MOST_TRIES, Endpoint, EndpointAddress
from tests.doubles.model_server import KEY, Behaviour, failing

pytestmark = pytest.mark.anyio
BODY = {"model": "words", "input": ["a"]}


async def embed(endpoint: Endpoint) -> bytes:
    return await endpoint.post("/embeddings", BODY)


async def failure(endpoint: Endpoint) -> RoadworthyError:
    with pytest.raises(RoadworthyError) as caught:
        await embed(endpoint)
    return caught.value


@pytest.fixture
async def hasty(models):
    """An endpoint with half a second of patience."""
    made = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=0.5))
    yield made
    await made.close()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_passing_failure_is_not_seen(models, endpoint, status):
    models.plan.extend([failing(status), failing(status)])
    assert await embed(endpoint)
    assert len(models.asked) == 3


@pytest.mark.parametrize("status", [520, 529])
async def test_every_server_error_is_tried_again(models, endpoint, status):
    models.plan.append(failing(status))
    assert await embed(endpoint)


async def test_who_cannot_be_connected_to_is_tried_again_and_not_called_slow():
    asked = []

    def connect(request):
        asked.append(request)
        raise httpx.ConnectTimeout("no answer")

    address = EndpointAddress(url="http://nowhere/v1", key=None, timeout_s=5)
    endpoint = Endpoint(address, transport=httpx.MockTransport(connect))
    assert "cannot be reached" in (await failure(endpoint)).message
    assert len(asked) == MOST_TRIES


async def test_who_waits_for_a_connection_of_ours_in_vain_is_told_that_we_are_busy(models):
    address = EndpointAddress(url=models.url, key=KEY, timeout_s=0.5)
    endpoint = Endpoint(address, most_connections=1)
    models.plan.append(Behaviour(drip_s=0.02))
    async with endpoint.stream("/embeddings", BODY):
        error = await failure(endpoint)
    await endpoint.close()
    assert (type(error), error.facts) == (Busy, {"retry_after_s": 1})


async def test_a_reset_connection_is_not_seen(models, endpoint):
    models.plan.extend([Behaviour(is_reset=True)] * 3)
    assert await embed(endpoint)
    assert len(models.asked) == 4


async def test_a_restart_between_two_calls_is_not_seen(models, endpoint):
    await embed(endpoint)
    models.restart()
    assert await embed(endpoint)


@pytest.mark.parametrize("behaviour", [failing(503), Behaviour(is_reset=True)])
async def test_there_are_four_tries_and_no_more(models, endpoint, behaviour):
    models.plan.extend([behaviour] * 10)
    assert isinstance(await failure(endpoint), Unavailable)
    assert len(models.asked) == MOST_TRIES


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *[(status, Invalid) for status in (400, 413, 422)],
        *[(status, Unavailable) for status in (401, 402, 403, 404, 405, 409, 410, 418, 451, 499)],
    ],
)
async def test_a_refusal_is_not_tried_again(models, endpoint, status, kind):
    models.plan.append(failing(status, "input is too long"))
    error = await failure(endpoint)
    assert (type(error), len(models.asked)) == (kind, 1)
    assert "input is too long" in error.message
    assert str(status) in error.message


async def test_a_redirect_is_a_fault_of_the_settings_not_of_the_asker(models, endpoint):
    models.plan.append(Behaviour(status=307, body=b"", headers={"location": "http://else.where/"}))
    assert isinstance(await failure(endpoint), Unavailable)


async def test_a_lasting_limit_is_busy(models, endpoint):
    models.plan.extend([failing(429, "slow down")] * 4)
    error = await failure(endpoint)
    assert isinstance(error, Busy)
    assert "slow down" in error.message


async def test_the_pause_that_the_server_asks_for_is_kept(models, endpoint):
    models.plan.append(failing(429, retry_after="1"))
    await embed(endpoint)
    first, second = models.asked
    assert 1 <= second.at - first.at < 2


async def test_a_long_pause_that_the_server_asks_for_is_kept_too(models, endpoint, monkeypatch):
    monkeypatch.setattr(endpoints, "LONGEST_PAUSE_S", 0.1)  # of those that it does not ask for
    models.plan.append(failing(429, retry_after="1"))
    await embed(endpoint)
    first, second = models.asked
    assert second.at - first.at >= 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("told", "fact"), [("60", 60), ("3600", 3600), ("9" * 400, 86_400), ("0", 0)]
)
async def test_callers_are_told_when_to_come_back(models, status, told, fact):
    endpoint = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=5), tries=1)
    models.plan.append(failing(status, retry_after=told))
    assert (await failure(endpoint)).facts == {"status": status, "retry_after_s": fact}
    await endpoint.close()


async def test_a_pause_that_would_not_end_in_time_is_not_begun(models, hasty):
    models.plan.append(failing(429, retry_after="1"))
    began = time.monotonic()
    assert isinstance(await failure(hasty), Busy)
    assert (time.monotonic() - began < 0.4, len(models.asked)) == (True, 1)


@pytest.mark.parametrize("told", ["²", "soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
async def test_an_odd_retry_after_does_no_harm(models, endpoint, told):
    models.plan.append(failing(429, retry_after=told))
    assert await embed(endpoint)


async def test_pauses_differ_so_that_callers_do_not_come_back_together(models, endpoint):
    models.plan.extend([failing(503)] * 8)
    with pytest.raises(Unavailable):
        await embed(endpoint)
    with pytest.raises(Unavailable):
        await embed(endpoint)
    at = [asked.at for asked in models.asked]
    first, again = at[1] - at[0], at[5] - at[4]
    assert abs(first - again) > 1e-4


async def test_an_answer_that_has_begun_is_not_asked_for_again(models, endpoint):
    models.plan.append(Behaviour(cut_after=20))
    with pytest.raises(Unavailable, match="broke off"):
        await embed(endpoint)
    assert len(models.asked) == 1


async def test_a_silent_server_is_given_up_in_time(models, hasty):
    models.plan.append(Behaviour(delay_s=3))
    began = time.monotonic()
    assert "0.5 s" in (await failure(hasty)).message
    assert time.monotonic() - began < 1


async def test_tries_share_one_limit_of_time(models, hasty):
    models.plan.extend([Behaviour(delay_s=0.4, status=503, body=b"")] * 4)
    began = time.monotonic()
    await failure(hasty)
    assert time.monotonic() - began < 1


async def test_a_dripping_answer_is_given_up_in_time(models, hasty):
    models.plan.append(Behaviour(drip_s=0.02))
    began = time.monotonic()
    await failure(hasty)
    assert time.monotonic() - began < 1


async def test_nobody_listening_is_unavailable(models):
    endpoint = Endpoint(EndpointAddress(url="http://127.0.0.1:9/v1", key=KEY, timeout_s=5))
    assert "cannot be reached" in (await failure(endpoint)).message
    await endpoint.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "input is too long", "error_type": "validation"}',
        b'{"message": "input is too long", "type": "validation"}',
        b'{"object": "error", "message": "input is too long", "code": 400}',
        b'{"detail": "input is too long"}',
        b'{"Message": "input is too long"}',
        b"input is too long",
    ],
    ids=["ollama-tei", "tei-openai", "old-vllm", "fastapi", "aws", "text"],
)
async def test_the_words_of_every_usual_server_reach_us(models, endpoint, body):
    models.plan.append(Behaviour(status=400, body=body))
    assert "input is too long" in (await failure(endpoint)).message


async def test_an_error_without_end_is_not_read(models, endpoint):
    models.plan.append(Behaviour(status=400, body=b"no " * 10_000, is_endless=True))
    error = await failure(endpoint)
    assert (type(error), error.facts) == (Invalid, {"status": 400})


async def test_a_list_without_end_is_not_read(models, endpoint):
    models.plan.append(Behaviour(body=b" " * 100_000, is_endless=True))
    with pytest.raises(Unavailable, match="more than 4000000 bytes"):
        await endpoint.get("/lists")


async def test_long_words_are_cut(models, endpoint):
    models.plan.append(failing(400, "no" * 10_000))
    assert len((await failure(endpoint)).message) < 1_000


async def test_words_hold_no_control_characters(models, endpoint):
    models.plan.append(failing(400, "no\0 such\x1b[31m thing"))
    message = (await failure(endpoint)).message
    assert message.isprintable()


async def test_the_key_is_sent(models, endpoint):
    await embed(endpoint)
    assert models.asked[0].headers["authorization"] == f"Bearer {KEY}"


async def test_the_key_stands_in_no_error_repr_or_log(models, endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    models.plan.extend([failing(503, f"bad key {KEY}")] * 3 + [failing(401, f"bad key {KEY}")])
    error = await failure(endpoint)
    shown = f"{error!r} {error.facts} {endpoint!r} {endpoint.address!r} {endpoint.address}"
    assert KEY not in shown
    assert KEY not in caplog.text


@pytest.mark.parametrize("key", [f"{KEY}\n", f"schlüssel-{KEY}"], ids=["line-end", "not-ascii"])
async def test_a_key_that_cannot_be_sent_is_named_and_not_shown(models, key):
    async def use():
        endpoint = Endpoint(EndpointAddress(url=models.url, key=key, timeout_s=2))
        try:
            await embed(endpoint)
        finally:
            await endpoint.close()

    with pytest.raises(RoadworthyError) as caught:
        await use()
    assert "key" in caught.value.message
    chain = [caught.value, caught.value.__cause__]
    assert not any(KEY in str(error) for error in chain)


def test_a_password_in_the_address_is_refused_and_not_shown():
    address = EndpointAddress(url=f"http://ana:{KEY}@127.0.0.1:9/v1", key=None, timeout_s=2)
    with pytest.raises(Invalid, match="password") as caught:
        Endpoint(address)
    assert KEY not in str(caught.value)


async def test_a_proxy_of_the_environment_is_not_used(models, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    endpoint = Endpoint(EndpointAddress(url=models.url, key=None, timeout_s=2))
    assert await embed(endpoint)
    await endpoint.close()


async def test_a_connection_is_used_again(models, endpoint):
    for _ in range(3):
        await embed(endpoint)
    assert endpoint.connections == 1


async def test_there_are_no_more_connections_than_are_allowed(models):
    address = EndpointAddress(url=models.url, key=KEY, timeout_s=5)
    endpoint = Endpoint(address, most_connections=2)
    await asyncio.gather(*[embed(endpoint) for _ in range(10)])
    await endpoint.close()
    assert endpoint.connections == 2


async def test_a_caller_who_leaves_hangs_up(models, endpoint):
    models.plan.append(Behaviour(delay_s=3))
    task = asyncio.create_task(embed(endpoint))
    await models.until_asked("/embeddings")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endpoint._client._transport._pool.connections == []


async def test_a_fault_of_the_caller_in_mid_stream_stays_what_it_is(models, endpoint):
    with pytest.raises(KeyError):
        async with endpoint.stream("/embeddings", BODY):
            raise KeyError("ours")
