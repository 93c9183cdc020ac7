"""Which model answered a question stands in its trace, and a route holds for the whole answer."""

from contextlib import aclosing

import pytest

from roadworthy.answering.records import Stage, TextPiece
from roadworthy.core.errors import Unavailable
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.lanes import Lane
from roadworthy.releases import Step
from tests.doubles.model_server import KEY, Behaviour, event, failing, running_model_server

pytestmark = pytest.mark.anyio

QUESTION = "How many days of annual leave has every employee?"
LEAVE = "Every employee has thirty days of annual leave."


@pytest.fixture(scope="module")
def vendor_server():
    with running_model_server() as server:
        yield server


@pytest.fixture
async def vendor(vendor_server, desk):
    """A second model server, known as the endpoint `vendor`."""
    vendor_server.forget()
    vendor_server.pieces = ["Thirty [1]."]
    endpoint = Endpoint(EndpointAddress(url=vendor_server.url, key=KEY, timeout_s=5))
    desk.router.lanes["vendor"] = Lane("vendor", endpoint)
    await desk.world.add("leave.txt", LEAVE)
    yield vendor_server
    await endpoint.close()


async def routed(desk, *endpoints, **changes):
    steps = tuple(Step(endpoint=name, model="words") for name in endpoints)
    changes = {"model": None, "route": steps} | changes
    return await desk.generating(["Twenty [1]."], **changes)


def written(told):
    [stage] = [event for event in told.events if isinstance(event, Stage) and event.name == "write"]
    return stage.note


async def test_the_step_that_answers_is_noted(desk, vendor):
    told = await desk.ask(QUESTION, release=await routed(desk, "vendor", "chat"))
    assert told.answer.text == "Thirty [1]."
    assert written(told).startswith("vendor words: answered, 1 try")


async def test_the_next_step_answers_and_both_are_noted(desk, vendor):
    vendor.plan.extend([failing(500)] * 5)
    told = await desk.ask(QUESTION, release=await routed(desk, "vendor", "chat"))
    assert told.answer.text == "Twenty [1]."
    first, second = written(told).split("; ")
    assert first.startswith("vendor words: unavailable, 2 tries")
    assert second.startswith("chat words: answered")


async def test_when_all_fail_the_trace_tells_who_was_asked(desk, vendor):
    vendor.plan.extend([failing(500)] * 5)
    desk.models.replies.append([event({"error": {"message": "out of memory"}})])
    with pytest.raises(Unavailable, match="out of memory"):
        await desk.ask(QUESTION, release=await routed(desk, "vendor", "chat"))
    [trace] = await desk.traces()
    assert trace.outcome == "failed"
    note = trace.stages[-1]["note"]
    assert "vendor words: unavailable" in note
    assert "chat words: unavailable" in note


async def test_half_an_answer_is_a_failure_and_nobody_ends_it(desk, vendor):
    vendor.pieces = ["Thirty days.", " They", " [1]."]
    vendor.plan.append(Behaviour(cut_after=2))
    with pytest.raises(Unavailable, match="broke off"):
        await desk.ask(QUESTION, release=await routed(desk, "vendor", "chat"))
    assert desk.models.requests("/chat/completions") == []
    [trace] = await desk.traces()
    assert (trace.outcome, trace.answer) == ("failed", "Thirty days.")
    assert "broke off" in trace.stages[-1]["note"]


async def spent(desk):
    """Give what the ledger counted of the only answer: calls, tokens read and written, unpriced."""
    [trace] = await desk.traces()
    [stage] = [each for each in trace.stages if each["name"] == "write"]
    counted = tuple(stage[name] for name in ("calls", "input_tokens", "output_tokens", "unpriced"))
    return trace.outcome, counted, stage["note"]


async def test_who_leaves_in_mid_answer_has_spent_what_was_told_so_far(desk, vendor):
    release = await desk.generating(["Twenty days. ", "They ", "are "] * 20)
    desk.models.pause_s = 0.05
    async with aclosing(desk.stream(QUESTION, release=release)) as events:
        async for event in events:
            if isinstance(event, TextPiece):
                break
    outcome, (calls, read, written, unpriced), note = await spent(desk)
    assert (outcome, calls, unpriced) == ("cancelled", 1, 1)
    assert read > 50  # the prompt
    assert written > 1
    assert "chat words: left, 1 try" in note


async def test_an_answer_that_the_time_cut_has_spent_what_was_told_so_far(desk, vendor):
    release = await desk.generating(["Twenty days. ", "They ", "are "] * 50)
    desk.models.pause_s = 0.05
    with pytest.raises(Unavailable):
        await desk.ask(QUESTION, release=release, timeout_s=1.5)
    outcome, (calls, _, written, _), note = await spent(desk)
    assert (outcome, calls) == ("failed", 1)
    assert written > 1
    assert "chat words: cut" in note


async def test_an_endpoint_that_is_not_set_fails_with_the_mend(desk, vendor):
    with pytest.raises(Unavailable, match=r"\[endpoints\.nobody\]"):
        await desk.ask(QUESTION, release=await routed(desk, "chat", "nobody"))


async def test_a_model_alone_is_asked_at_chat(desk, vendor):
    told = await desk.ask(QUESTION, release=await desk.generating(["Twenty [1]."]))
    assert written(told).startswith("chat words: answered")


async def test_the_milliseconds_of_who_was_overtaken_count_once(desk, vendor):
    vendor.plan.append(Behaviour(delay_s=1))
    release = await routed(desk, "vendor", "chat", hedge_ms=300)
    told = await desk.ask(QUESTION, release=release)
    assert told.answer.text == "Twenty [1]."
    assert told.answer.model_ms < 300


async def test_who_waits_not_long_is_answered_by_the_next_step_in_time(desk, vendor):
    vendor.plan.append(Behaviour(delay_s=10))
    release = await routed(desk, "vendor", "chat")
    told = await desk.ask(QUESTION, release=release, timeout_s=3)
    assert told.answer.text == "Twenty [1]."
    assert "vendor words: unavailable" in written(told)
