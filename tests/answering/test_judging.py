"""Who is unsure looks closely; who cannot goes by the first look, and says so."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from roadworthy.answering.admission import Admission
from roadworthy.answering.judging import CloseLook, Judging
from roadworthy.answering.relevance import (
    CALIBRATIONS,
    READ_HITS,
    Calibration,
    CloseCalibration,
    Look,
    MatchCalibration,
    relevance,
)
from roadworthy.bootstrap import close_look_of
from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.classifying import Scores
from roadworthy.gateway.lanes import MOST_FAILURES
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.plumbing.settings import load_settings
from tests.answering.conftest import bounded, open_desk
from tests.answering.test_relevance import hit

pytestmark = pytest.mark.anyio

CLOSE = CALIBRATIONS["e5-small"].close
QUESTION = "Which pump needs oil?"
READ = (0.0, 0.01, 0.5, 0.99, 1.0)


def hits(cosine, *, count=1, space="e5-small", told=0.3):
    return [hit(space=space, cosine=cosine, told=told) for _ in range(count)]


UNSURE, SURE, SURELY_NOT = hits(0.84), hits(0.95), hits(0.7)


class Matcher:
    """Scores as told, or fails as told."""

    def __init__(self, *scores, error=None):
        self.scores, self.error, self.asked = scores, error, []
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def score(self, question, texts):
        self.asked.append((question, texts))
        await self.goes_on.wait()
        if self.error:
            raise self.error
        return list(self.scores)[: len(texts)]


class Reader(Matcher):
    """Does the same with pairs."""

    is_resting = False

    async def score(self, head, texts):
        values = await super().score(head, texts)
        return Scores(values=values, version="1", threshold=0.5)


def judging(matcher, reader=None, *, places=2, waiting=1):
    admission = Admission(places=places, waiting=waiting, patience_s=0.05)
    return Judging(CloseLook(matcher, reader or Reader(0.5), places=admission))


async def judged_by(looking, found=UNSURE, *, question=QUESTION, deadline=None):
    return await looking.of(question, found, least=0.15, tenant_id=1, deadline=deadline)


def test_these_are_as_sure_as_they_are_meant_to_be():
    assert CLOSE.least <= relevance(UNSURE) < CLOSE.below
    assert relevance(SURE) >= CLOSE.below
    assert relevance(SURELY_NOT) < CLOSE.least


@pytest.mark.parametrize("found", [SURE, SURELY_NOT, [], hits(0.84, space="own"), [hit(told=0.5)]])
async def test_where_the_first_look_is_sure_nobody_is_asked(found):
    matcher = Matcher(0.9)
    judged = await judged_by(judging(matcher), found)
    assert (judged.relevance, judged.is_close, matcher.asked) == (relevance(found), False, [])


async def test_where_it_is_unsure_the_best_passages_are_matched_and_the_best_of_these_is_read():
    matcher, reader = Matcher(0.7, 0.95, 0.95, 1.0), Reader(0.5)  # of two alike the better hit
    found = [replace(each, text=f"passage {at}") for at, each in enumerate(hits(0.84, count=5))]
    judged = await judged_by(judging(matcher, reader), found)
    assert matcher.asked == [(QUESTION, [f"passage {at}" for at in range(READ_HITS)])]
    assert reader.asked == [("answered", [(QUESTION, "passage 1")])]
    assert judged.is_close
    assert judged.relevance == relevance(UNSURE, look=Look(match=0.95, answered=0))
    worse = await judged_by(judging(Matcher(0.7)))
    assert worse.relevance < 0.15 < judged.relevance


@pytest.mark.parametrize("told", ["Pumps need oil every month", "oil pump interval"])
async def test_what_is_no_question_is_matched_and_not_read(told):
    reader = Reader(0.0)
    judged = await judged_by(judging(Matcher(0.9), reader), question=told)
    assert (judged.is_close, list(judged.degraded), reader.asked) == (True, [], [])
    assert judged.relevance == relevance(UNSURE, look=Look(match=0.9, answered=None))
    worse = await judged_by(judging(Matcher(0.7)), question=told)
    assert worse.relevance < 0.15 < judged.relevance


@pytest.mark.parametrize(
    "asked",
    ["哪台泵需要油？", "أي مضخة تحتاج إلى زيت؟", "Which pump? It leaks.", "which pump needs oil"],
)
async def test_a_question_is_read_in_any_script_and_without_its_mark(asked):
    reader = Reader(0.5)
    await judged_by(judging(Matcher(0.9), reader), question=asked)
    assert len(reader.asked) == 1


async def test_a_passage_that_answers_counts_for_it():
    told = [(await judged_by(judging(Matcher(0.9), Reader(score)))).relevance for score in READ]
    assert told == sorted(told)
    assert told[0] < told[-1] < 1


async def test_without_a_close_look_the_first_one_holds_and_nothing_is_lacking():
    judged = await judged_by(Judging())
    assert (judged.relevance, judged.is_close, list(judged.degraded)) == (
        relevance(UNSURE),
        False,
        [],
    )


@pytest.mark.parametrize("error", [Unavailable("down"), Busy("full"), Invalid("too long")])
async def test_one_that_cannot_say_is_done_without_and_that_is_said(error):
    failing = Matcher(error=error), Reader(error=error)
    for looking in (judging(failing[0]), judging(Matcher(0.9), failing[1])):
        judged = await judged_by(looking)
        assert (judged.relevance, list(judged.degraded)) == (relevance(UNSURE), ["relevance"])


async def test_who_matches_is_not_asked_where_the_reader_is_left_alone():
    matcher, reader = Matcher(0.9), Reader(0.9)
    reader.is_resting = True
    judged = await judged_by(judging(matcher, reader))
    assert (list(judged.degraded), matcher.asked, reader.asked) == (["relevance"], [], [])
    judged = await judged_by(judging(matcher, reader), question="oil pump interval")
    assert (judged.is_close, list(judged.degraded)) == (True, [])  # nothing is to be read of it


async def test_a_reader_that_is_back_is_looked_with_at_once():
    matcher, reader = Matcher(0.9), Reader(error=Unavailable("down"))
    looking = judging(matcher, reader)
    for _ in range(MOST_FAILURES + 1):
        await judged_by(looking)
    reader.error, reader.scores = None, (0.5,)
    assert (await judged_by(looking)).is_close


async def test_a_look_takes_a_part_of_the_time_that_is_left():
    matcher = Matcher(0.9)
    matcher.goes_on.clear()
    async with asyncio.timeout(5):
        judged = await judged_by(judging(matcher), deadline=Deadline.after(0.2))
    assert (judged.is_close, list(judged.degraded)) == (False, ["relevance"])


async def test_of_too_many_at_once_some_go_without_a_look_and_who_leaves_makes_room():
    matcher = Matcher(0.9)
    matcher.goes_on.clear()
    looking = judging(matcher, places=1, waiting=1)
    first, second = (asyncio.create_task(judged_by(looking)) for _ in range(2))
    await asyncio.sleep(0)  # one has the place, the other waits in vain
    late = await asyncio.wait_for(second, 5)
    assert (late.is_close, list(late.degraded), len(matcher.asked)) == (False, ["relevance"], 1)
    third = asyncio.create_task(judged_by(looking))
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(5):
        while len(matcher.asked) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    matcher.goes_on.set()
    assert (await third).is_close


async def test_one_that_is_down_is_left_alone_for_a_while():
    matcher = Matcher(error=Unavailable("down"))
    looking = judging(matcher)
    for _ in range(MOST_FAILURES + 3):
        judged = await judged_by(looking)
        assert list(judged.degraded) == ["relevance"]
    assert len(matcher.asked) == MOST_FAILURES


def test_a_close_look_counts_only_where_the_first_one_is_unsure():
    worse, better = Look(match=0.7, answered=0), Look(match=0.9, answered=0)
    for sure in (SURE, SURELY_NOT):
        assert relevance(sure, look=worse) == relevance(sure, look=better) == relevance(sure)
    assert relevance(UNSURE, look=worse) < relevance(UNSURE, look=better)


async def test_only_the_space_that_counts_is_looked_at():
    """Another one is surer: what a look at the first would say changes nothing."""
    other = hit(space="own", cosine=0.5, told=0.9)
    matcher = Matcher(0.9)
    judged = await judged_by(judging(matcher), [*UNSURE, other])
    assert (judged.is_close, matcher.asked) == (False, [])
    low = hit(space="own", cosine=0.1)
    await judged_by(judging(matcher), [low, *UNSURE])
    [(_, texts)] = matcher.asked
    assert len(texts) == 1


async def test_what_was_found_by_words_alone_is_looked_at_too():
    matcher = Matcher(0.9, 0.9)
    await judged_by(judging(matcher), [hit(told=0.3), *UNSURE])
    [(_, texts)] = matcher.asked
    assert len(texts) == 2


CALIBRATED = Calibration(
    intercept=0,
    cosine=0,
    coverage=0,
    close=CloseCalibration(
        least=0,
        below=1,
        intercept=-10,
        match=20,
        coverage=0,
        answered=0,
        unread=MatchCalibration(intercept=-10, match=20, coverage=0),
    ),
)


@pytest.fixture
def unsure_of_words(monkeypatch):
    """The space of these tests has a fit that is always unsure."""
    monkeypatch.setitem(CALIBRATIONS, "words", CALIBRATED)


@pytest.mark.usefixtures("unsure_of_words")
@pytest.mark.parametrize(
    ("matcher", "outcome", "note", "degraded"),
    [
        (Matcher(0.9), "answered", "closely", []),
        (Matcher(0.1), "abstained", "closely", []),
        (Matcher(error=Unavailable("down")), "answered", "", ["relevance"]),
    ],
)
async def test_an_answer_goes_by_it_and_says_so(
    world, models, tmp_path, matcher, outcome, note, degraded
):
    await world.add("coats.txt", "The coats hang in the hall.")
    looking = judging(matcher)
    async with open_desk(world, models, tmp_path / "spool", judging=looking) as desk:
        release = await desk.quoting(least_relevance=0.15)
        told = await desk.ask("Where do the coats hang?", release=release)
    [judge] = [stage for stage in told.answer.stages if stage.name == "judge"]
    assert (told.answer.outcome, judge.note, list(told.answer.degraded)) == (
        outcome,
        note,
        degraded,
    )


@pytest.mark.usefixtures("unsure_of_words")
async def test_where_any_relevance_is_enough_nobody_looks(world, models, tmp_path):
    await world.add("coats.txt", "The coats hang in the hall.")
    matcher = Matcher(0.9)
    async with open_desk(world, models, tmp_path / "spool", judging=judging(matcher)) as desk:
        release = await desk.quoting(least_relevance=0)
        told = await desk.ask("Where do the coats hang?", release=release)
    answer = told.answer
    assert (answer.outcome, list(answer.degraded), matcher.asked) == ("answered", [], [])
    assert answer.relevance == 0.5  # the first estimate


@pytest.mark.usefixtures("unsure_of_words")
async def test_an_answer_does_not_wait_for_a_look_until_its_deadline(world, models, tmp_path):
    await world.add("coats.txt", "The coats hang in the hall.")
    hanging = Matcher(0.9)
    hanging.goes_on.clear()
    shared = {"bounds": bounded(timeout_s=2), "judging": judging(hanging)}
    async with open_desk(world, models, tmp_path / "spool", **shared) as desk:
        release = await desk.quoting(least_relevance=0.15)
        told = await desk.ask("Where do the coats hang?", release=release)
    assert (told.answer.outcome, list(told.answer.degraded)) == ("answered", ["relevance"])


async def test_an_installation_looks_as_often_at_once_as_its_engine_has_threads_and_once_more():
    matcher = Matcher(0.9)
    matcher.goes_on.clear()
    models = SimpleNamespace(matcher=matcher, reader=Reader(0.5))
    settings = load_settings({"ROADWORTHY_ENGINE_THREADS": "3"})
    looking = Judging(close_look_of(models, settings))
    asked = [asyncio.create_task(judged_by(looking)) for _ in range(6)]
    await asyncio.sleep(0.1)
    assert len(matcher.asked) == 4
    matcher.goes_on.set()
    assert all([(await each).is_close for each in asked])
    assert close_look_of(SimpleNamespace(matcher=None, reader=None), settings) is None
