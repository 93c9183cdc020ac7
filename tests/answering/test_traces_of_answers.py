"""However an interaction ends, one trace says so, with what it took."""

import asyncio
import gc
from contextlib import suppress

import pytest

from roadworthy.answering.records import Answer, Citation, TextPiece
from roadworthy.answering.searching import Sought
from roadworthy.core.errors import RoadworthyError
from tests.answering.conftest import bounded, open_desk
from tests.doubles.model_server import Behaviour, failing, said, turned_vector

pytestmark = pytest.mark.anyio

QUESTION = "How many days of annual leave has every employee?"
STAGES = ["release", "screen", "embed", "retrieve", "screen passages", "judge", "quote"]


@pytest.fixture
async def told(desk):
    await desk.world.add("leave.txt", "Every employee has thirty days of annual leave.")
    return desk


async def outcome(desk) -> str:
    [trace] = await desk.traces()
    return trace.outcome


async def test_an_answer_is_recorded(told):
    answer = (await told.ask(QUESTION)).answer
    [trace] = await told.traces()
    assert (trace.id, trace.outcome, trace.answer) == (answer.id, "answered", answer.text)
    assert (trace.question, trace.release_hash) == (QUESTION, answer.release_hash)
    notes = {stage["name"]: stage.get("note", "") for stage in trace.stages}
    assert list(notes) == STAGES
    assert notes["retrieve"].startswith("words: exact of ")


async def test_an_abstention_is_recorded(told):
    await told.ask(QUESTION, release=await told.quoting(least_relevance=1))
    assert await outcome(told) == "abstained"


@pytest.mark.parametrize("question", ["", "a\0b", "x" * 30_000, "caf\udce9"])
async def test_a_refused_question_is_recorded_and_stops_no_other_trace(told, question):
    with pytest.raises(RoadworthyError):
        await told.ask(question)
    await told.ask(QUESTION)
    assert sorted(t.outcome for t in await told.traces()) == ["answered", "refused"]


@pytest.mark.parametrize("question", ["a\0b", "caf\udce9"])
async def test_a_refused_search_is_recorded_and_stops_no_other_trace(told, question):
    with pytest.raises(RoadworthyError):
        await told.searching.search(
            told.world.person(), Sought(question=question, surface="search")
        )
    await told.ask(QUESTION)
    assert sorted(t.outcome for t in await told.traces()) == ["answered", "refused"]


async def test_a_huge_question_is_not_written_whole(told, tmp_path):
    with pytest.raises(RoadworthyError):
        await told.ask("x" * 5_000_000)
    assert sum(file.stat().st_size for file in (tmp_path / "spool").iterdir()) < 200_000


async def test_a_nul_from_a_model_stops_no_trace(told):
    await told.ask(QUESTION, release=await told.generating(["Thirty\0 days [1]."]))
    assert await outcome(told) == "answered"


async def test_a_nul_in_a_servers_words_stops_no_trace(told):
    release = await told.generating(["x"])
    await told.ask(QUESTION)
    told.models.plan.extend([Behaviour(), failing(400, "a\0b")])
    with pytest.raises(RoadworthyError):
        await told.ask(QUESTION, release=release)
    assert len(await told.traces()) == 2


async def test_a_missing_release_is_recorded(told):
    with pytest.raises(RoadworthyError):
        await told.ask(QUESTION, release="nosuch")
    assert await outcome(told) == "refused"


async def test_a_mismatch_is_recorded_as_a_failure(told):
    told.models.embed = turned_vector
    with pytest.raises(RoadworthyError):
        await told.ask(QUESTION)
    assert await outcome(told) == "failed"


async def test_one_too_many_is_recorded(told, tmp_path):
    async with open_desk(
        told.world, told.models, tmp_path / "none", bounds=bounded(answers=0)
    ) as desk:
        with pytest.raises(RoadworthyError):
            await desk.ask(QUESTION)
        assert await outcome(desk) == "refused"


async def test_a_cut_model_is_recorded_with_what_it_had_said(told):
    release = await told.generating(["Thirty"])
    told.models.events = said(["Thirty days. Or", " fo"])[:2]
    with pytest.raises(RoadworthyError):
        await told.ask(QUESTION, release=release)
    [trace] = await told.traces()
    assert (trace.outcome, trace.answer) == ("failed", "Thirty days.")
    assert "broke off" in trace.problem


async def dawdling(told):
    told.models.pause_s = 0.1
    return told.stream(QUESTION, release=await told.generating(["Thirty."] + [" Days"] * 100))


async def first_text(events):
    async for event in events:
        if isinstance(event, TextPiece):
            return event
    raise AssertionError("no text came")


async def left(told) -> bool:
    [asked] = told.models.requests("/chat/completions")
    return await asyncio.to_thread(asked.is_left.wait, 2)


async def test_a_reader_who_closes_stops_the_model_and_is_recorded(told):
    events = await dawdling(told)
    await first_text(events)
    await events.aclose()
    [trace] = await told.traces()
    assert (trace.outcome, trace.answer) == ("cancelled", "Thirty.")
    assert trace.stages[-1]["name"] == "write"
    assert await left(told)


async def test_a_reader_who_closes_has_stopped_the_model_when_close_returns(told):
    events = await dawdling(told)
    await first_text(events)
    gc.disable()
    try:
        await events.aclose()
        connections = told.router.lanes["chat"].endpoint._client._transport
        assert not any(c.is_available() is False for c in connections._pool.connections)
    finally:
        gc.enable()


async def test_a_reader_who_is_cancelled_stops_the_model_and_is_recorded(told):
    events = await dawdling(told)
    task = asyncio.create_task(_all(events))
    await told.models.until_asked("/chat/completions")
    task.cancel()
    await asyncio.wait({task})
    assert await outcome(told) == "cancelled"
    assert await left(told)


async def test_a_reader_who_is_gone_without_a_word_is_recorded(told):
    events = await dawdling(told)
    await first_text(events)
    del events
    gc.collect()
    assert await left(told)
    assert await outcome(told) == "cancelled"


@pytest.mark.parametrize("end", ["answered", "failed", "cancelled", "refused"])
async def test_it_is_told_of_the_trace_once_however_it_ends(told, end):
    ended = []
    events = told.stream("" if end == "refused" else QUESTION, on_end=ended.append)
    if end == "failed":
        told.models.embed = turned_vector
    with suppress(RoadworthyError):
        async for _ in events:
            if end == "cancelled":
                break
    await events.aclose()
    [trace], [stored] = ended, await told.traces()
    assert (trace.begun.id, trace.outcome, end) == (stored.id, stored.outcome, trace.outcome)
    assert [each.guard for each in trace.verdicts] == [each["guard"] for each in stored.verdicts]
    assert bool(trace.verdicts) is (end != "refused")


@pytest.mark.parametrize("last", [Answer, Citation])
async def test_a_reader_who_stops_at_the_last_event_has_his_answer(told, last):
    events = told.stream(QUESTION)
    async for event in events:
        if isinstance(event, last):
            break
    await events.aclose()
    assert await outcome(told) == ("answered" if last is Answer else "cancelled")


async def _all(events):
    return [event async for event in events]
