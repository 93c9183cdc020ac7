"""An endpoint is asked within its limits, and left alone while it is not well."""

import asyncio
import time
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway import lanes
from roadworthy.gateway.chat import Message
from roadworthy.gateway.lanes import (
    MOST_FAILURES,
    SILENCE_S,
    ChatRequest,
    Lane,
    Limits,
    Patience,
    Rate,
    Silence,
)
from roadworthy.plumbing.breaker import FIRST_REST_S
from tests.doubles.model_server import Behaviour, event, failing, said

pytestmark = pytest.mark.anyio
ASKED = ChatRequest(messages=[Message(role="user", content="Why?")], max_tokens=10)


def patience(*, s=5.0, tries=1):
    by = asyncio.get_running_loop().time() + s
    return Patience(first_by=by, all_by=by, tries=tries)


async def heard(lane, *, asked=ASKED, model="words", **kwargs) -> str:
    pieces = lane.chat(asked, model=model, patience=patience(**kwargs))
    return "".join([piece.text async for piece in pieces])


async def failure(lane, **kwargs) -> RoadworthyError:
    with pytest.raises(RoadworthyError) as caught:
        await heard(lane, **kwargs)
    return caught.value


@pytest.fixture
def lane(endpoint):
    return Lane("big", endpoint)


def limited(endpoint, **limits):
    return Lane("big", endpoint, limits=Limits(**limits))


@pytest.fixture
def fast(models):
    models.pieces, models.pause_s = ["a", "b"], 0.2
    return models


def spent(per_minute, *, ago_s) -> Rate:
    """A limit that was used up so long ago."""
    late_s = 0.0
    rate = Rate(per_minute, clock=lambda: time.monotonic() + late_s)
    for _ in range(per_minute):
        rate.spend()
    late_s = ago_s
    return rate


async def fail_until_rest(lane, models):
    models.plan.extend([failing(503)] * MOST_FAILURES)
    for _ in range(MOST_FAILURES):
        await failure(lane)


async def test_what_fails_in_a_row_is_left_alone(models, lane):
    await fail_until_rest(lane, models)
    error = await failure(lane)
    assert (type(error), "left alone" in error.message) == (Unavailable, True)
    assert len(models.asked) == MOST_FAILURES


async def test_after_its_rest_one_call_probes_and_lets_the_others_in(models, lane):
    await fail_until_rest(lane, models)
    await asyncio.sleep(FIRST_REST_S)
    models.plan.append(Behaviour(delay_s=0.3))
    probe = asyncio.create_task(heard(lane))
    await asyncio.sleep(0.05)
    assert "left alone" in (await failure(lane)).message
    assert len(models.asked) == MOST_FAILURES + 1
    assert await probe == await heard(lane) == "It is."


async def test_a_probe_is_believed_at_its_first_text(models, lane):
    await fail_until_rest(lane, models)
    await asyncio.sleep(FIRST_REST_S)
    models.pieces, models.pause_s = ["a"] * 50, 0.1
    async with aclosing(lane.chat(ASKED, model="words", patience=patience())) as pieces:
        async for piece in pieces:
            if piece.text:
                break
        assert lane.breaker.is_well


async def test_a_probe_is_not_believed_at_a_blank_piece(models, lane):
    await fail_until_rest(lane, models)
    await asyncio.sleep(FIRST_REST_S)
    models.pieces, models.pause_s = ["\n", "a"], 10
    async with aclosing(lane.chat(ASKED, model="words", patience=patience())) as pieces:
        async for piece in pieces:
            if piece.text:
                break
        assert not lane.breaker.is_well


@pytest.mark.parametrize(
    ("behaviour", "model"),
    [
        (failing(400), "words"),
        (failing(401), "words"),
        (failing(402), "words"),
        (failing(422), "words"),
        (failing(429), "words"),
        (Behaviour(), "typo"),
    ],
    ids=["400", "401", "402", "422", "at-its-limit", "no-such-model"],
)
async def test_what_is_ours_to_mend_costs_nobody_else_the_endpoint(models, lane, behaviour, model):
    models.plan.extend([behaviour] * 2 * MOST_FAILURES)
    for _ in range(2 * MOST_FAILURES):
        await failure(lane, model=model)
    assert lane.breaker.is_well
    assert await heard(lane)


@pytest.mark.parametrize(
    "behaviour",
    [
        failing(500),
        failing(424),
        Behaviour(is_reset=True),
        Behaviour(body=b"<html>"),
        Behaviour(cut_after=1),
        Behaviour(delay_s=0.5),
    ],
    ids=["fault", "behind-it", "reset", "garbage", "broke-off", "hang"],
)
async def test_what_the_endpoint_is_to_blame_for_counts(models, lane, behaviour, monkeypatch):
    monkeypatch.setattr(lanes, "SILENCE_S", 0.2)
    models.plan.extend([behaviour] * MOST_FAILURES)
    for _ in range(MOST_FAILURES):
        await failure(lane, s=0.3)
    assert lane.breaker.is_resting


async def test_one_that_says_when_to_come_back_is_at_its_limit_and_not_silent(
    models, lane, monkeypatch
):
    monkeypatch.setattr(lanes, "SILENCE_S", 0.2)
    models.plan.extend([failing(429, retry_after="5")] * MOST_FAILURES)
    for _ in range(MOST_FAILURES):
        assert isinstance(await failure(lane, s=0.3, tries=4), Busy)
    assert lane.breaker.is_well


async def test_who_is_in_a_hurry_says_nothing_of_the_endpoint(models, lane):
    models.plan.extend([Behaviour(delay_s=0.5)] * 2 * MOST_FAILURES)
    for _ in range(2 * MOST_FAILURES):
        assert isinstance(await failure(lane, s=0.05), Unavailable)
    assert lane.breaker.is_well


async def test_a_probe_in_a_hurry_lets_nobody_in(models, lane):
    await fail_until_rest(lane, models)
    await asyncio.sleep(FIRST_REST_S)
    models.plan.append(Behaviour(delay_s=0.5))
    assert isinstance(await failure(lane, s=0.05), Unavailable)
    assert not lane.breaker.is_well
    assert "left alone" in (await failure(lane)).message


async def test_who_leaves_says_nothing_of_the_endpoint(fast, lane):
    fast.pieces = ["a"] * 100
    for _ in range(2 * MOST_FAILURES):
        task = asyncio.create_task(heard(lane))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
    assert lane.breaker.is_well
    assert await asyncio.to_thread(fast.asked[-1].is_left.wait, 2)


async def test_no_more_calls_at_once_than_the_limit(fast, endpoint):
    lane = limited(endpoint, most_concurrent=2, wait_s=5)
    await asyncio.gather(*[heard(lane) for _ in range(4)])
    first, second, third, fourth = [asked.at for asked in fast.asked]
    assert third - first > 0.3
    assert fourth - second > 0.3


async def test_who_finds_no_place_in_time_is_told_when_to_come_back(fast, endpoint):
    fast.pieces = ["a"] * 100
    lane = limited(endpoint, most_concurrent=1, wait_s=0.1)
    holding = asyncio.create_task(heard(lane))
    await fast.until_asked("/chat/completions")
    error = await failure(lane)
    holding.cancel()
    assert (type(error), error.facts) == (Busy, {"retry_after_s": 1})
    assert len(fast.asked) == 1
    assert lane.breaker.is_well


@pytest.mark.parametrize("behaviour", [failing(500), Behaviour(is_reset=True), Behaviour()])
async def test_a_place_is_given_back_however_a_call_ends(models, endpoint, behaviour):
    lane = limited(endpoint, most_concurrent=1, wait_s=0.1)
    models.plan.append(behaviour)
    await asyncio.gather(heard(lane), return_exceptions=True)
    async with aclosing(lane.chat(ASKED, model="words", patience=patience())) as pieces:
        await anext(pieces)
    assert await heard(lane)


async def test_a_minute_holds_no_more_requests_than_its_limit(models, endpoint):
    lane = limited(endpoint, requests_per_minute=3, wait_s=0)
    for _ in range(3):
        await heard(lane)
    error = await failure(lane)
    assert isinstance(error, Busy)
    assert 55 < error.facts["retry_after_s"] <= 60
    assert len(models.asked) == 3


async def test_a_request_that_is_due_soon_is_waited_for(models, endpoint):
    lane = limited(endpoint, requests_per_minute=2, wait_s=1)
    lane._rate = spent(2, ago_s=59.9)
    assert await heard(lane)


async def test_who_leaves_while_he_waits_leaves_his_request_to_others(models, endpoint):
    lane = limited(endpoint, requests_per_minute=1, wait_s=1)
    lane._rate = spent(1, ago_s=59.5)
    waiting = asyncio.create_task(heard(lane))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await heard(lane)
    assert len(models.asked) == 1


async def test_tries_count_as_requests(models, endpoint):
    lane = limited(endpoint, requests_per_minute=4, wait_s=0)
    models.plan.extend([failing(503)] * 3)
    await heard(lane, tries=4)
    assert isinstance(await failure(lane), Busy)


async def test_a_further_try_beyond_the_limit_is_not_sent_and_hides_no_failure(models, endpoint):
    lane = limited(endpoint, requests_per_minute=2 * MOST_FAILURES, wait_s=0)
    models.plan.extend([failing(503)] * 10)
    for _ in range(MOST_FAILURES - 1):
        await failure(lane, tries=2)
    error = await failure(lane, tries=4)
    assert (type(error), error.facts) == (Unavailable, {"status": 503})
    assert len(models.asked) == 2 * MOST_FAILURES
    assert lane.breaker.is_resting


@given(
    per_minute=st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 40), st.booleans()), min_size=1, max_size=100),
)
def test_no_minute_holds_more_than_the_limit(per_minute, steps):
    now = 1000.0
    rate = Rate(per_minute, clock=lambda: now)
    sent = []
    for wait, is_left in steps:
        now += wait
        at = rate.spend()
        if is_left and at > now:
            rate.give_back(at)
        else:
            sent.append(at)
    assert sent == sorted(sent)
    for first, over in zip(sent, sent[per_minute:], strict=False):
        assert over - first >= 60 - 1e-6


class Clock:
    """A silence, and a clock that stands until it is moved on."""

    def __init__(self):
        self.now = 1000.0
        self.silence = Silence(lambda: self.now)

    def overtaken(self, *, after_s, calls=1):
        began, self.now = self.now, self.now + after_s
        for _ in range(calls):
            self.silence.add(began)


@pytest.fixture
def clock():
    return Clock()


def test_short_silences_add_up(clock):
    for _ in range(int(SILENCE_S) - 1):
        clock.overtaken(after_s=1)
        clock.now += 100  # nobody asks
    assert not clock.silence.is_long
    clock.overtaken(after_s=1)
    assert clock.silence.is_long


def test_the_silence_of_many_at_a_time_adds_up_once(clock):
    clock.overtaken(after_s=SILENCE_S - 1, calls=5)
    assert not clock.silence.is_long


def test_a_text_begins_the_sum_anew_also_of_who_waits(clock):
    clock.overtaken(after_s=SILENCE_S - 1)
    began = clock.now
    clock.now += SILENCE_S - 1
    clock.silence.end()
    clock.now += 1
    clock.silence.add(began)
    assert not clock.silence.is_long
    clock.overtaken(after_s=SILENCE_S - 1)
    assert clock.silence.is_long


def test_after_a_rest_one_tries_and_if_overtaken_the_rest_is_longer(clock):
    clock.overtaken(after_s=SILENCE_S)
    clock.now += FIRST_REST_S
    assert not clock.silence.is_long
    clock.silence.asked()
    assert clock.silence.is_long  # to all others
    clock.overtaken(after_s=0.1)
    clock.now += FIRST_REST_S
    assert clock.silence.is_long
    clock.now += FIRST_REST_S
    assert not clock.silence.is_long


def test_who_tries_and_leaves_is_followed_by_another(clock):
    clock.overtaken(after_s=SILENCE_S)
    clock.now += FIRST_REST_S
    clock.silence.asked()
    clock.now += FIRST_REST_S
    assert not clock.silence.is_long


async def test_a_call_that_tries_whether_it_is_well_keeps_others_from_it(models, lane, clock):
    lane.silence = lambda model: clock.silence
    clock.overtaken(after_s=SILENCE_S)
    clock.now += FIRST_REST_S
    models.plan.append(Behaviour(delay_s=5))
    probe = asyncio.create_task(heard(lane))
    await models.until_asked("/chat/completions")
    assert lane.silence("words").is_long
    probe.cancel()
    await asyncio.wait([probe])


async def test_the_first_text_ends_the_silence(models, lane, clock):
    lane.silence = lambda model: clock.silence
    clock.overtaken(after_s=SILENCE_S)
    clock.now += 0.1  # within its rest
    models.pieces = ["", "a", "b"]
    async with aclosing(lane.chat(ASKED, model="words", patience=patience())) as pieces:
        told = [((await anext(pieces)).text, lane.silence("words").is_long) for _ in range(2)]
    assert told == [("", True), ("a", False)]


@pytest.mark.parametrize(
    ("text", "max_tokens"), [("word " * 200, 10), ("Why?", 101)], ids=["read", "written"]
)
async def test_what_is_too_long_is_not_sent(models, endpoint, text, max_tokens):
    lane = limited(endpoint, context_tokens=100)
    long = ChatRequest(messages=[Message(role="user", content=text)], max_tokens=max_tokens)
    error = await failure(lane, asked=long)
    assert (type(error), "100 tokens" in error.message) == (Invalid, True)
    assert models.asked == []
    assert await heard(lane)


@pytest.mark.parametrize("capabilities", [frozenset({"json_schema"}), frozenset()])
async def test_a_schema_is_sent_to_who_can_hold_it(models, endpoint, capabilities):
    lane = limited(endpoint, capabilities=capabilities)
    schema = {"type": "object"}
    asked = ChatRequest(messages=ASKED.messages, max_tokens=10, json_schema=schema)
    await heard(lane, asked=asked)
    told = models.asked[0].body.get("response_format")
    sent = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    assert told == (sent if capabilities else None)


@pytest.mark.parametrize("capabilities", [frozenset({"logprobs"}), frozenset()])
async def test_how_sure_it_is_is_asked_of_who_can_tell(models, endpoint, capabilities):
    lane = limited(endpoint, capabilities=capabilities)
    asked = ChatRequest(messages=ASKED.messages, max_tokens=10, asks_confidence=True)
    await heard(lane, asked=asked)
    await heard(lane)
    told = [each.body.get("logprobs") for each in models.asked]
    assert told == [True if capabilities else None, None]


async def test_the_whole_has_a_limit_of_time_too(models, lane):
    models.pieces, models.pause_s = ["a"] * 100, 0.1
    with pytest.raises(Unavailable, match="in the time"):
        await heard(lane, s=0.35)
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_an_error_within_a_stream_is_the_endpoints(models, lane):
    models.events = [event({"error": {"message": "out of memory"}})]
    for _ in range(MOST_FAILURES):
        await failure(lane)
    assert lane.breaker.is_resting


@pytest.mark.parametrize(
    ("reason", "is_resting"), [("error", True), ("abort", True), ("content_filter", False)]
)
async def test_an_odd_end_is_the_endpoints_where_no_question_leads_to_it(
    models, lane, reason, is_resting
):
    models.events = said(["half"], finish_reason=reason)
    for _ in range(MOST_FAILURES):
        await failure(lane)
    assert lane.breaker.is_resting is is_resting


async def test_a_refusal_is_passed_on(models, lane):
    models.plan.append(failing(400, "no such thing"))
    error = await failure(lane)
    assert (type(error), "no such thing" in error.message) == (Invalid, True)
