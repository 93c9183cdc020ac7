"""A route answers as long as one of its steps does, in time, and never mixes two answers."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import pytest

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway import lanes, routes
from roadworthy.gateway.calls import Step
from roadworthy.gateway.chat import Message
from roadworthy.gateway.endpoint import MOST_TRIES, Endpoint, EndpointAddress
from roadworthy.gateway.lanes import MOST_FAILURES, ChatRequest, Lane, Limits
from roadworthy.gateway.prices import read_prices
from roadworthy.gateway.routes import TRIES_BEFORE_ANOTHER, Route, Router
from roadworthy.plumbing import breaker
from tests.doubles.model_server import KEY, Behaviour, failing, refusing, running_model_server, said

pytestmark = pytest.mark.anyio
ASKED = ChatRequest(messages=[Message(role="user", content="Why?")], max_tokens=10)
LONG = ChatRequest(messages=[Message(role="user", content="Why? " * 12)], max_tokens=10)
BOTH = [Step(endpoint="first", model="words"), Step(endpoint="second", model="words")]
SLOW = Behaviour(delay_s=3)


class Heard:
    """What a route told: text, calls, and how it failed."""

    def __init__(self):
        self.text, self.calls, self.error = "", [], None

    @property
    def outcomes(self):
        return [(call.endpoint, call.outcome) for call in self.calls]


async def hear(router, *, steps=BOTH, deadline_s=5, heard=None, request=ASKED, **route) -> Heard:
    heard = heard or Heard()
    try:
        route = Route(steps=steps, deadline_s=deadline_s, **route)
        async for each in router.chat(route, request, on_end=heard.calls.append):
            heard.text += each.text
    except RoadworthyError as error:
        heard.error = error
    return heard


@pytest.fixture(scope="module")
def second_server():
    with running_model_server() as server:
        yield server


@pytest.fixture
def second(second_server):
    second_server.forget()
    second_server.pieces = ["Second", " says."]
    return second_server


@pytest.fixture
async def router(models, second):
    models.pieces = ["First", " says."]
    async with opened(first=models, second=second) as router:
        yield router


class opened:  # noqa: N801 - a context manager
    """A router to servers, by name."""

    def __init__(self, *, limits=None, **servers):
        self._servers, self._limits = servers, limits
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        lanes = {}
        for name, server in self._servers.items():
            endpoint = Endpoint(EndpointAddress(url=server.url, key=KEY, timeout_s=5))
            self._stack.push_async_callback(endpoint.close)
            lanes[name] = Lane(name, endpoint, limits=self._limits)
        return Router(lanes, read_prices())

    async def __aexit__(self, *error):
        await self._stack.aclose()


def asked(server):
    return len(server.requests("/chat/completions"))


def left(server):
    return asyncio.to_thread(server.requests("/chat/completions")[0].is_left.wait, 2)


async def test_the_first_step_answers_alone(models, second, router):
    heard = await hear(router)
    assert (heard.text, heard.outcomes) == ("First says.", [("first", "answered")])
    assert asked(second) == 0


async def test_of_the_answering_call_all_is_told(models, router):
    models.plan.append(failing(503))
    [call] = (await hear(router)).calls
    assert (call.model, call.tries, call.input_tokens, call.output_tokens) == ("words", 2, 7, 2)
    assert call.ms > 0
    assert call.cost_usd is None  # nobody knows a price
    assert "first words: answered, 2 tries" in call.note
    assert "7 + 2 tokens" in call.note


async def test_a_call_costs_what_the_book_says(models, router):
    models.model = "gpt-4o-mini"
    [call] = (await hear(router, steps=[Step(endpoint="first", model="gpt-4o-mini")])).calls
    assert call.cost_usd == (7 * Decimal("0.15") + 2 * Decimal("0.60")) / 1_000_000


@pytest.mark.parametrize(
    "behaviour",
    [
        *[failing(status) for status in (500, 429, 401, 402, 408, 409)],
        Behaviour(is_reset=True),
        Behaviour(cut_after=0),
    ],
    ids=["fault", "limit", "wrong-key", "no-credit", "late", "conflict", "reset", "empty"],
)
async def test_when_the_first_fails_the_second_answers(models, second, router, behaviour):
    models.plan.extend([behaviour] * MOST_TRIES)
    heard = await hear(router)
    assert heard.text == "Second says."
    assert heard.outcomes[1] == ("second", "answered")
    assert asked(models) <= TRIES_BEFORE_ANOTHER


async def test_where_there_is_another_no_long_pause_is_made(models, second, router, monkeypatch):
    monkeypatch.setattr(routes, "LONGEST_PAUSE_S", 0.5)
    models.plan.append(failing(429, retry_after="1"))
    heard = await hear(router)
    assert (heard.text, asked(models)) == ("Second says.", 1)


async def test_when_nobody_listens_at_the_first_the_second_answers(second, router):
    nowhere = Endpoint(EndpointAddress(url="http://127.0.0.1:9/v1", key=None, timeout_s=5))
    lanes = {**router.lanes, "first": Lane("first", nowhere)}
    heard = await hear(Router(lanes, read_prices()))
    await nowhere.close()
    assert (heard.text, heard.calls[0].outcome) == ("Second says.", "unavailable")


async def test_when_both_fail_that_is_told_after_all_tries(models, second, router):
    models.plan.extend([failing(500)] * 10)
    second.plan.extend([failing(500, "out of memory")] * 10)
    heard = await hear(router)
    assert isinstance(heard.error, Unavailable)
    assert "out of memory" in heard.error.message
    assert (asked(models), asked(second)) == (TRIES_BEFORE_ANOTHER, MOST_TRIES)
    assert [call.outcome for call in heard.calls] == ["unavailable", "unavailable"]


@pytest.mark.parametrize(("one", "kind"), [(429, Busy), (500, Unavailable)])
async def test_that_all_are_busy_is_said_only_if_all_are(models, second, router, one, kind):
    models.plan.extend([failing(one)] * 10)
    second.plan.extend([failing(429)] * 10)
    assert type((await hear(router)).error) is kind


async def test_a_parameter_that_a_model_does_not_take_is_no_fault_of_the_asker(
    models, second, router
):
    models.plan.append(refusing("response_format"))
    heard = await hear(router)
    assert heard.text == "Second says."
    assert router.lanes["first"].breaker.is_well


async def test_a_request_that_is_refused_is_not_asked_elsewhere(models, second, router):
    models.plan.append(failing(400, "too long"))
    heard = await hear(router)
    assert (type(heard.error), heard.outcomes) == (Invalid, [("first", "invalid")])
    assert asked(second) == 0


@pytest.mark.parametrize("pieces", [1, 2])
async def test_what_breaks_off_in_mid_answer_ends_the_answer(models, second, router, pieces):
    models.pieces = ["a", "b", "c"]
    models.plan.append(Behaviour(cut_after=pieces))
    heard = await hear(router)
    assert (heard.text, heard.outcomes) == ("abc"[:pieces], [("first", "broke off")])
    assert isinstance(heard.error, Unavailable)
    assert asked(second) == 0


async def test_an_answer_that_is_filtered_is_none_and_its_tokens_are_told(models, second, router):
    models.events = said(["half"], finish_reason="content_filter")
    heard = await hear(router)
    assert (heard.outcomes, heard.calls[0].input_tokens) == ([("first", "broke off")], 7)
    assert (type(heard.error), asked(second)) == (Unavailable, 0)


async def test_what_is_filtered_before_its_first_text_is_asked_elsewhere(models, router):
    models.events = said([], finish_reason="content_filter")
    heard = await hear(router)
    assert heard.text == "Second says."
    assert heard.outcomes[0] == ("first", "unavailable")


async def test_an_empty_piece_is_no_text_yet(models, second, router):
    models.pieces = ["", "", "a"]
    models.plan.append(Behaviour(cut_after=2))
    assert (await hear(router)).text == "Second says."


async def test_an_endpoint_that_is_not_set_makes_the_whole_route_unusable(models, router):
    steps = [BOTH[0], Step(endpoint="third", model="words")]
    heard = await hear(router, steps=steps)
    assert isinstance(heard.error, Unavailable)
    assert "[endpoints.third]" in heard.error.message
    assert asked(models) == 0


async def test_a_step_that_hangs_leaves_the_next_its_share_of_the_time(models, router):
    models.plan.append(Behaviour(delay_s=10))
    began = time.monotonic()
    heard = await hear(router, deadline_s=1)
    assert heard.text == "Second says."
    assert 0.4 < time.monotonic() - began < 1
    assert await left(models)


@pytest.mark.parametrize("first", ["", "\n "], ids=["empty", "blank"])
async def test_a_step_that_hangs_after_a_blank_piece_leaves_the_next_its_share(
    models, router, first
):
    models.pieces, models.pause_s = [first, "late"], 10
    heard = await hear(router, deadline_s=1)
    assert heard.text == "Second says."
    assert heard.outcomes == [("first", "unavailable"), ("second", "answered")]
    assert await left(models)


async def test_a_route_that_hangs_ends_at_its_deadline(models, second, router):
    models.plan.append(Behaviour(delay_s=10))
    second.plan.append(Behaviour(delay_s=10))
    began = time.monotonic()
    heard = await hear(router, deadline_s=0.6)
    assert isinstance(heard.error, Unavailable)
    assert time.monotonic() - began < 1.5
    assert await left(models)
    assert await left(second)


async def test_an_answer_that_drips_ends_at_the_deadline(models, router):
    models.pieces, models.pause_s = ["a"] * 200, 0.05
    heard = await hear(router, deadline_s=0.5)
    assert (type(heard.error), heard.outcomes) == (Unavailable, [("first", "cut")])
    assert await left(models)


async def test_a_slow_first_step_is_overtaken_by_the_second(models, router):
    models.plan.append(SLOW)
    heard = await hear(router, hedge_s=0.1)
    assert heard.text == "Second says."
    assert heard.outcomes == [("first", "overtaken"), ("second", "answered")]
    assert await left(models)


async def test_a_slow_second_step_is_let_go(models, second, router):
    models.plan.append(Behaviour(delay_s=0.4))
    second.plan.append(SLOW)
    heard = await hear(router, hedge_s=0.1)
    assert heard.text == "First says."
    assert heard.outcomes == [("first", "answered"), ("second", "overtaken")]
    assert await left(second)


async def test_who_is_overtaken_is_not_to_blame(models, router):
    models.plan.extend([SLOW] * 5)
    for _ in range(5):
        await hear(router, hedge_s=0.05)
    assert router.lanes["first"].breaker.is_well


@pytest.fixture
async def hung(models, router, monkeypatch):
    """A router whose first step has hung until nobody waited for it any more."""
    monkeypatch.setattr(lanes, "SILENCE_S", 0.3)  # of some calls together
    monkeypatch.setattr(breaker, "FIRST_REST_S", 60.0)
    first = router.lanes["first"]
    for _ in range(20):
        if first.silence("words").is_long:
            break
        models.plan.append(SLOW)
        heard = await hear(router, hedge_s=0.1)
        assert heard.outcomes == [("first", "overtaken"), ("second", "answered")]
    assert first.breaker.is_well
    return router


async def test_who_hangs_again_and_again_is_not_waited_for(models, hung):
    before = asked(models)
    assert (await hear(hung, hedge_s=4)).outcomes == [("second", "answered")]
    assert asked(models) == before


async def test_who_was_silent_is_asked_when_the_others_fail(second, hung):
    second.plan.extend([failing(500)] * TRIES_BEFORE_ANOTHER)
    heard = await hear(hung, hedge_s=4)
    assert heard.outcomes == [("second", "unavailable"), ("first", "answered")]


async def test_a_route_without_a_hedge_has_its_own_patience_and_its_text_is_believed(hung):
    assert (await hear(hung)).outcomes == [("first", "answered")]
    assert (await hear(hung, hedge_s=4)).outcomes == [("first", "answered")]


async def test_who_was_asked_later_and_cut_was_not_silent(models, second, router, monkeypatch):
    monkeypatch.setattr(lanes, "SILENCE_S", 0.0)
    models.plan.append(Behaviour(delay_s=0.4))
    second.plan.append(SLOW)
    heard = await hear(router, hedge_s=0.1)
    assert heard.outcomes == [("first", "answered"), ("second", "overtaken")]
    assert not router.lanes["second"].silence("words").is_long


async def test_a_model_that_hangs_leaves_others_at_its_endpoint_their_place(
    models, router, monkeypatch
):
    monkeypatch.setattr(lanes, "SILENCE_S", 0.0)  # any is too much
    monkeypatch.setattr(breaker, "FIRST_REST_S", 60.0)
    models.further["quick"] = models.embed
    hanging, quick = BOTH[0], Step(endpoint="first", model="quick")
    models.plan.append(SLOW)
    heard = await hear(router, hedge_s=0.1)
    assert heard.outcomes == [("first", "overtaken"), ("second", "answered")]
    for steps in ([quick, BOTH[1]], [hanging, quick]):
        heard = await hear(router, steps=steps, hedge_s=4)
        assert [(call.endpoint, call.model) for call in heard.calls] == [("first", "quick")]


async def test_who_pauses_between_two_tries_is_not_waited_for(models, router, monkeypatch):
    monkeypatch.setattr(lanes, "SILENCE_S", 0.0)
    monkeypatch.setattr(breaker, "FIRST_REST_S", 60.0)
    models.plan.append(failing(429, retry_after="3"))
    heard = await hear(router, hedge_s=1, deadline_s=20)
    assert heard.outcomes == [("first", "overtaken"), ("second", "answered")]
    assert (await hear(router, hedge_s=4)).outcomes == [("second", "answered")]


async def test_to_wait_for_a_turn_is_no_silence(models, second, monkeypatch):
    monkeypatch.setattr(lanes, "SILENCE_S", 0.0)
    limits = Limits(most_concurrent=1, wait_s=5)
    async with opened(limits=limits, first=models, second=second) as router:
        models.plan.append(SLOW)
        holding = asyncio.create_task(hear(router))
        await models.until_asked("/chat/completions")
        heard = await hear(router, hedge_s=0.1)
        holding.cancel()
        assert heard.outcomes == [("first", "overtaken"), ("second", "answered")]
        assert not router.lanes["first"].silence("words").is_long


async def test_what_comes_without_a_text_is_no_silence(models, router, monkeypatch):
    monkeypatch.setattr(lanes, "SILENCE_S", 0.5)
    models.pieces, models.pause_s = [""] * 100, 0.05  # as of a model that thinks
    heard = await hear(router, hedge_s=1)
    assert heard.outcomes == [("first", "overtaken"), ("second", "answered")]
    assert not router.lanes["first"].silence("words").is_long


async def test_a_second_that_refuses_ends_no_first_that_answers(models, second, router):
    models.plan.append(Behaviour(delay_s=0.4))
    second.plan.append(failing(400, "too long"))
    heard = await hear(router, hedge_s=0.1)
    assert heard.text == "First says."
    assert heard.outcomes == [("first", "answered"), ("second", "invalid")]


async def test_a_refusal_is_told_when_the_other_fails_too(models, second, router):
    models.plan.extend([Behaviour(delay_s=0.2, status=500, body=b"")] * MOST_TRIES)
    second.plan.append(failing(400, "too long"))
    heard = await hear(router, steps=[*BOTH, BOTH[1]], hedge_s=0.1)
    assert (type(heard.error), "too long" in heard.error.message) == (Invalid, True)
    assert asked(second) == 1


async def test_nobody_is_asked_twice_while_the_first_is_quick(models, second, router):
    await hear(router, hedge_s=0.5)
    assert asked(second) == 0


async def test_a_first_step_that_fails_is_not_waited_for(models, router):
    models.plan.extend([failing(500)] * TRIES_BEFORE_ANOTHER)
    began = time.monotonic()
    heard = await hear(router, hedge_s=4)
    assert heard.text == "Second says."
    assert time.monotonic() - began < 2


async def test_two_that_race_and_fail_are_both_told(models, second, router):
    models.plan.extend([Behaviour(delay_s=0.3, status=500, body=b"")] * 10)
    second.plan.extend([failing(500)] * 10)
    heard = await hear(router, hedge_s=0.1)
    assert isinstance(heard.error, Unavailable)
    assert sorted(heard.outcomes) == [("first", "unavailable"), ("second", "unavailable")]


@pytest.mark.parametrize("hedge_s", [None, 0.1], ids=["plain", "hedged"])
async def test_who_leaves_before_the_answer_ends_every_call(models, second, router, hedge_s):
    models.plan.append(SLOW)
    second.plan.append(SLOW)
    task = asyncio.create_task(hear(router, hedge_s=hedge_s))
    await (second if hedge_s else models).until_asked("/chat/completions")
    task.cancel()
    await asyncio.wait([task])
    for server in (models, second) if hedge_s else (models,):
        assert await left(server)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_who_is_cancelled_again_while_he_leaves_ends_every_call(
    models, second, router, times
):
    models.plan.append(SLOW)
    second.plan.append(SLOW)
    task = asyncio.create_task(hear(router, hedge_s=0.1))
    await second.until_asked("/chat/completions")
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])
    assert [await left(models), await left(second)] == [True, True]


async def test_a_call_is_ended_though_telling_of_it_fails(models, router):
    def on_end(call):
        raise ValueError("ours")

    models.plan.append(SLOW)
    pieces = router.chat(Route(steps=BOTH, deadline_s=5), ASKED, on_end=on_end)
    asking = asyncio.ensure_future(anext(pieces))
    await models.until_asked("/chat/completions")
    asking.cancel()
    with pytest.raises(ValueError, match="ours"):
        await asking
    assert await left(models)


async def test_who_leaves_in_mid_answer_ends_the_call(models, router):
    models.pieces, models.pause_s = ["a"] * 100, 0.1
    calls = []
    pieces = router.chat(Route(steps=BOTH, deadline_s=5), LONG, on_end=calls.append)
    assert [(await anext(pieces)).text for _ in range(3)] == ["a"] * 3
    await pieces.aclose()
    assert await left(models)
    [call] = calls
    assert (call.outcome, call.tries, call.input_tokens, call.output_tokens) == ("left", 1, 10, 3)
    assert "at least 10 + 3 tokens" in call.note


async def test_what_was_left_costs_what_was_used_at_least(models, router):
    models.pieces, models.pause_s, models.model = ["a"] * 100, 0.1, "gpt-4o-mini"
    calls = []
    route = Route(steps=[Step(endpoint="first", model="gpt-4o-mini")], deadline_s=5)
    pieces = router.chat(route, LONG, on_end=calls.append)
    await anext(pieces)
    await pieces.aclose()
    assert calls[0].cost_usd == (10 * Decimal("0.15") + Decimal("0.60")) / 1_000_000


async def test_who_leaves_before_the_answer_leaves_a_call_behind(models, second, router):
    models.plan.append(SLOW)
    second.plan.append(SLOW)
    heard = Heard()
    task = asyncio.create_task(hear(router, heard=heard, hedge_s=0.1))
    await second.until_asked("/chat/completions")
    task.cancel()
    await asyncio.wait([task])
    assert heard.outcomes == [("first", "left"), ("second", "left")]


async def test_a_call_that_was_never_sent_has_used_nothing(models, second):
    limits = Limits(most_concurrent=1, wait_s=5)
    async with opened(limits=limits, first=models, second=second) as router:
        models.pieces, models.pause_s = ["a"] * 100, 0.1
        holding = asyncio.create_task(hear(router))
        await models.until_asked("/chat/completions")
        heard = Heard()
        waiting = asyncio.create_task(hear(router, heard=heard))
        await asyncio.sleep(0.1)
        for task in (waiting, holding):
            task.cancel()
            await asyncio.wait([task])
    [call] = heard.calls
    assert (call.outcome, call.tries, call.input_tokens) == ("left", 0, None)


async def test_a_step_at_its_limit_is_passed_over(models, second):
    async with opened(
        limits=Limits(most_concurrent=1, wait_s=0.1), first=models, second=second
    ) as router:
        models.pieces, models.pause_s = ["a"] * 100, 0.1
        holding = asyncio.create_task(hear(router))
        await models.until_asked("/chat/completions")
        heard = await hear(router)
        holding.cancel()
    assert heard.text == "Second says."
    assert (heard.calls[0].outcome, heard.calls[0].tries) == ("busy", 0)


@asynccontextmanager
async def reading(*tokens, servers):
    """Gives a router whose steps take so many tokens each; None: any number."""
    async with opened(first=servers[0], second=servers[1]) as router:
        for lane, most in zip(router.lanes.values(), tokens, strict=True):
            lane.limits = Limits(context_tokens=most)
        yield router


async def test_a_step_that_takes_less_is_passed_over(models, second):
    async with reading(10, None, servers=(models, second)) as router:
        heard = await hear(router, request=LONG)
    assert heard.text == "Second says."
    assert heard.outcomes == [("first", "invalid"), ("second", "answered")]
    assert (heard.calls[0].tries, asked(models)) == (0, 0)


async def test_what_is_too_long_for_every_step_is_refused_with_the_mend(models, second):
    async with reading(10, 11, servers=(models, second)) as router:
        for _ in range(MOST_FAILURES + 1):
            error = (await hear(router, request=LONG)).error
            assert (type(error), "(`context_tokens`)" in error.message) == (Invalid, True)
        assert all(lane.breaker.is_well for lane in router.lanes.values())
    assert asked(models) == asked(second) == 0


@pytest.mark.parametrize(("status", "kind"), [(429, Busy), (500, Unavailable)])
@pytest.mark.parametrize("tokens", [(10, None), (None, 10)], ids=["before", "behind"])
async def test_what_a_step_beside_may_take_later_is_not_refused(
    models, second, tokens, status, kind
):
    models.plan.extend([failing(status)] * MOST_TRIES)
    second.plan.extend([failing(status)] * MOST_TRIES)
    async with reading(*tokens, servers=(models, second)) as router:
        error = (await hear(router, request=LONG)).error
    assert (type(error), error.facts["status"]) == (kind, status)


async def test_a_limit_that_every_step_has_reached_is_busy_with_its_wait(models):
    async with opened(limits=Limits(most_concurrent=1, wait_s=0.1), first=models) as router:
        models.pieces, models.pause_s = ["a"] * 100, 0.1
        holding = asyncio.create_task(hear(router, steps=BOTH[:1]))
        await models.until_asked("/chat/completions")
        heard = await hear(router, steps=BOTH[:1])
        holding.cancel()
    assert (type(heard.error), heard.error.facts) == (Busy, {"retry_after_s": 1})


async def test_a_resting_endpoint_is_passed_over_at_once(models, second, router):
    models.plan.extend([failing(500)] * 6)
    for _ in range(3):
        await hear(router)
    before = asked(models)
    heard = await hear(router)
    assert (heard.text, heard.calls[0].tries) == ("Second says.", 0)
    assert asked(models) == before


@pytest.mark.parametrize("pieces", [[], ["", "\n "]], ids=["nothing", "blanks"])
async def test_who_says_nothing_is_followed_by_the_next(models, second, router, pieces):
    models.events = said(pieces)
    heard = await hear(router)
    assert heard.text == "Second says."
    assert heard.outcomes == [("first", "said nothing"), ("second", "answered")]
    assert (heard.calls[0].input_tokens, asked(models)) == (7, 1)
    assert router.lanes["first"].breaker.is_well


async def test_that_all_say_nothing_is_told(models, second, router):
    models.events = second.events = said([])
    heard = await hear(router)
    assert (type(heard.error), "empty answer" in heard.error.message) == (Unavailable, True)


async def test_tokens_that_nobody_counted_are_so_many_at_least_and_have_no_cost(models, router):
    models.events, models.model = said(["a", "b"])[:3], "gpt-4o-mini"
    steps = [Step(endpoint="first", model="gpt-4o-mini")]
    [call] = (await hear(router, steps=steps, request=LONG)).calls
    assert (call.outcome, call.is_at_least) == ("answered", True)
    assert (call.input_tokens, call.output_tokens, call.cost_usd) == (10, 2, None)


@pytest.mark.parametrize(
    ("behaviour", "tokens"),
    [
        (Behaviour(delay_s=10), 10),
        (Behaviour(cut_after=0), 10),
        (failing(500), None),
        (failing(429), None),
        (failing(400), None),
        (Behaviour(is_reset=True), None),
    ],
    ids=["silent", "broke-off", "fault", "limit", "refused", "unreachable"],
)
async def test_what_was_taken_up_counts_and_what_was_not_does_not(
    models, router, behaviour, tokens
):
    models.plan.extend([behaviour] * MOST_TRIES)
    heard = await hear(router, steps=BOTH[:1], deadline_s=2, request=LONG)
    assert (heard.error is None, heard.calls[0].input_tokens) == (False, tokens)
