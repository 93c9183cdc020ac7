"""An answer has a limit: calls of models and statements of the database end with it."""

import asyncio

import pytest

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.gateway import embeddings
from tests.answering.conftest import bounded, open_desk
from tests.doubles.model_server import Behaviour
from tests.waiting import until

pytestmark = pytest.mark.anyio

QUESTION = "How many days of annual leave?"
WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
 WHERE NOT granted AND datname = current_database()
"""


@pytest.fixture
async def hurried(world, models, tmp_path):
    """A desk where an answer may take a second."""
    await world.add("leave.txt", "Everybody has 30 days of annual leave.")
    bounds = bounded(timeout_s=1)
    async with open_desk(world, models, tmp_path / "hurried", bounds=bounds) as desk:
        yield desk


async def outcome(desk):
    await desk.recorder.flush()
    [trace] = await desk.traces()
    return trace.outcome, trace.problem


async def test_an_embedding_that_takes_longer_is_left_and_done_without(hurried):
    hurried.models.plan.append(Behaviour(delay_s=2.5))
    answer = (await hurried.ask(QUESTION)).answer
    assert (answer.outcome, answer.degraded) == ("answered", ("embeddings",))
    [asked] = hurried.models.requests("/embeddings")[-1:]
    assert await asyncio.to_thread(asked.is_left.wait, 5)


async def test_sentences_that_take_longer_to_embed_are_left_and_the_beginning_quoted(hurried):
    await hurried.ask("Who has leave?")
    hurried.answerers["extract"].forget()
    hurried.models.plan.extend([Behaviour(), Behaviour(delay_s=2.5)])
    answer = (await hurried.ask(QUESTION)).answer
    assert (answer.outcome, answer.degraded) == ("answered", ("embeddings",))
    assert "30 days" in answer.text


async def test_a_writer_that_takes_longer_is_left_in_mid_stream(hurried):
    release = await hurried.generating(["Thirty"] + [" days"] * 100)
    hurried.models.pause_s = 0.1
    with pytest.raises(Unavailable, match="the time that there was"):
        await hurried.ask(QUESTION, release=release)
    [asked] = hurried.models.requests("/chat/completions")
    assert await asyncio.to_thread(asked.is_left.wait, 5)
    assert (await outcome(hurried))[0] == "failed"


@pytest.fixture
async def locked(hurried):
    """Somebody holds the passages, and does not let go."""
    async with hurried.world.database.as_worker() as conn:
        await conn.execute("LOCK TABLE passage IN ACCESS EXCLUSIVE MODE")
        yield conn


@pytest.mark.parametrize("surface", ["answers", "search"])
async def test_a_statement_that_takes_longer_is_cancelled_at_the_server(hurried, locked, surface):
    asking = hurried.ask(QUESTION) if surface == "answers" else hurried.search("leave")
    with pytest.raises(Unavailable, match="within 1 s"):
        await asking
    async with asyncio.timeout(5):
        while (await (await locked.execute(WAITING)).fetchone())[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_searches_take_turns(world, models, tmp_path):
    await world.add("leave.txt", "Everybody has 30 days of annual leave.")
    bounds = bounded(searches=1, patience_s=30)
    async with open_desk(world, models, tmp_path / "narrow", bounds=bounds) as desk:
        async with bounds.searches.place(tenant_id=world.tenant_id):
            asked = [asyncio.create_task(desk.ask(QUESTION)) for _ in range(5)]
            await until(lambda: bounds.searches.waiting == len(asked))
        answers = await asyncio.gather(*asked)
    assert {each.answer.outcome for each in answers} == {"answered"}
    assert all("wait" in [stage.name for stage in each.answer.stages] for each in answers)
    assert (bounds.searches.running, bounds.answers.running) == (0, 0)


@pytest.fixture
async def locked_out(world, models, tmp_path):
    """A desk with one place for searches, none of which ends."""
    await world.add("leave.txt", "Everybody has 30 days of annual leave.")
    bounds = bounded(searches=1, patience_s=0.2)
    async with (
        open_desk(world, models, tmp_path / "narrow", bounds=bounds) as desk,
        world.database.as_worker() as conn,
    ):
        await conn.execute("LOCK TABLE passage IN ACCESS EXCLUSIVE MODE")
        yield desk, bounds


async def test_a_search_waits_for_its_turn_no_longer_than_its_patience(locked_out):
    desk, bounds = locked_out
    slow = asyncio.create_task(desk.ask(QUESTION))
    await until(lambda: bounds.searches.running)
    with pytest.raises(Busy):
        await desk.ask(QUESTION)
    with pytest.raises(Busy):
        await desk.search(QUESTION)
    slow.cancel()
    await asyncio.wait([slow])
    assert (bounds.searches.running, bounds.answers.running) == (0, 0)


@pytest.mark.parametrize("ask", ["ask", "search"])
async def test_embeddings_that_hang_keep_nobody_waiting(world, models, tmp_path, monkeypatch, ask):
    monkeypatch.setattr(embeddings, "QUESTION_S", 0.5)
    await world.add("leave.txt", "Everybody has 30 days of annual leave.")
    bounds = bounded(answers=30, searches=1)
    async with open_desk(world, models, tmp_path / "narrow", bounds=bounds) as desk:
        models.plan.extend([Behaviour(delay_s=60)] * 30)
        async with asyncio.timeout(20):
            found = await asyncio.gather(*(getattr(desk, ask)(QUESTION) for _ in range(30)))
    assert {tuple(each.degraded) for each in found} == {("embeddings",)}
    assert len(models.requests("/embeddings")) == 2


async def test_direct_searches_have_a_line_of_their_own(world, models, tmp_path):
    """Who was let in is not sent away from the line of searches, whatever others search for."""
    await world.add("leave.txt", "Everybody has 30 days of annual leave.")
    bounds = bounded(answers=2, waiting=2, searches=1, patience_s=30)
    async with open_desk(world, models, tmp_path / "narrow", bounds=bounds) as desk:
        answers = [asyncio.create_task(desk.ask(QUESTION)) for _ in range(2)]
        searches = [asyncio.create_task(desk.search(QUESTION)) for _ in range(100)]
        assert [(await each).answer.outcome for each in answers] == ["answered"] * 2
        found = await asyncio.gather(*searches, return_exceptions=True)
    assert len([each for each in found if isinstance(each, Busy)]) == 96


async def test_waiting_for_a_place_is_a_stage(world, models, tmp_path):
    await world.add("leave.txt", "Everybody has 30 days of annual leave.")
    bounds = bounded(answers=1, waiting=1)
    async with open_desk(world, models, tmp_path / "one", bounds=bounds) as desk:
        told = await asyncio.gather(desk.ask(QUESTION), desk.ask(QUESTION))
    waited = [each.answer.stages[0].name for each in told]
    assert sorted(waited) == ["release", "wait"]
