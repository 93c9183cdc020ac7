"""Who is unsure looks closely; who cannot goes by the first look, and says so."""

import pytest

from roadworthy.answering.judging import Judging
from roadworthy.answering.relevance import (
    CALIBRATIONS,
    READ_HITS,
    Calibration,
    CloseCalibration,
    Look,
    relevance,
)
from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.classifying import Scores
from roadworthy.gateway.lanes import MOST_FAILURES
from tests.answering.conftest import open_desk
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

    async def score(self, question, texts):
        self.asked.append((question, texts))
        if self.error:
            raise self.error
        return list(self.scores)[: len(texts)]


class Reader(Matcher):
    """Does the same with pairs."""

    is_resting = False

    async def score(self, head, texts):
        values = await super().score(head, texts)
        return Scores(values=values, version="1", threshold=0.5)


def judging(matcher, *read):
    return Judging(matcher, Reader(*(read or (0.5,) * READ_HITS)))


def test_these_are_as_sure_as_they_are_meant_to_be():
    assert CLOSE.least <= relevance(UNSURE) < CLOSE.below
    assert relevance(SURE) >= CLOSE.below
    assert relevance(SURELY_NOT) < CLOSE.least


@pytest.mark.parametrize("found", [SURE, SURELY_NOT, [], hits(0.84, space="own"), [hit(told=0.5)]])
async def test_where_the_first_look_is_sure_nobody_is_asked(found):
    matcher = Matcher(0.9)
    judged = await judging(matcher).of(QUESTION, found)
    assert (judged.relevance, judged.is_close, matcher.asked) == (relevance(found), False, [])


async def test_where_it_is_unsure_the_best_of_the_best_passages_decide():
    matcher, reader = Matcher(0.7, 0.95, 0.8, 1.0), Reader(0.2, 0.4, 0.5, 1.0)
    judged = await Judging(matcher, reader).of(QUESTION, hits(0.84, count=5))
    assert matcher.asked == [(QUESTION, ["x"] * READ_HITS)]
    assert reader.asked == [("answered", [(QUESTION, "x")] * READ_HITS)]
    assert judged.is_close
    assert judged.relevance == relevance(UNSURE, look=Look(match=0.95, answered=0))
    worse = await judging(Matcher(0.7)).of(QUESTION, UNSURE)
    assert worse.relevance < 0.15 < judged.relevance


async def test_a_passage_that_answers_counts_for_it():
    told = [(await judging(Matcher(0.9), score).of(QUESTION, UNSURE)).relevance for score in READ]
    assert told == sorted(told)
    assert told[0] < told[-1] < 1


@pytest.mark.parametrize("looking", [Judging(), Judging(Matcher(0.9)), Judging(None, Reader(0.9))])
async def test_without_a_close_look_the_first_one_holds_and_nothing_is_lacking(looking):
    judged = await looking.of(QUESTION, UNSURE)
    assert (judged.relevance, judged.is_close, list(judged.degraded)) == (
        relevance(UNSURE),
        False,
        [],
    )


@pytest.mark.parametrize("error", [Unavailable("down"), Busy("full"), Invalid("too long")])
async def test_one_that_cannot_say_is_done_without_and_that_is_said(error):
    failing = Matcher(error=error), Reader(error=error)
    for looking in (judging(failing[0]), Judging(Matcher(0.9), failing[1])):
        judged = await looking.of(QUESTION, UNSURE)
        assert (judged.relevance, list(judged.degraded)) == (relevance(UNSURE), ["relevance"])


async def test_who_matches_is_not_asked_where_the_reader_is_left_alone():
    matcher, reader = Matcher(0.9), Reader(0.9)
    reader.is_resting = True
    judged = await Judging(matcher, reader).of(QUESTION, UNSURE)
    assert (list(judged.degraded), matcher.asked, reader.asked) == (["relevance"], [], [])


async def test_a_reader_that_is_back_is_looked_with_at_once():
    matcher, reader = Matcher(0.9), Reader(error=Unavailable("down"))
    looking = Judging(matcher, reader)
    for _ in range(MOST_FAILURES + 1):
        await looking.of(QUESTION, UNSURE)
    reader.error, reader.scores = None, (0.5,)
    assert (await looking.of(QUESTION, UNSURE)).is_close


async def test_one_that_is_down_is_left_alone_for_a_while():
    matcher = Matcher(error=Unavailable("down"))
    looking = judging(matcher)
    for _ in range(MOST_FAILURES + 3):
        judged = await looking.of(QUESTION, UNSURE)
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
    judged = await judging(matcher).of(QUESTION, [*UNSURE, other])
    assert (judged.is_close, matcher.asked) == (False, [])
    low = hit(space="own", cosine=0.1)
    await judging(matcher).of(QUESTION, [low, *UNSURE])
    [(_, texts)] = matcher.asked
    assert len(texts) == 1


async def test_what_was_found_by_words_alone_is_looked_at_too():
    matcher = Matcher(0.9, 0.9)
    await judging(matcher).of(QUESTION, [hit(told=0.3), *UNSURE])
    [(_, texts)] = matcher.asked
    assert len(texts) == 2


CALIBRATED = Calibration(
    intercept=0,
    cosine=0,
    coverage=0,
    close=CloseCalibration(least=0, below=1, intercept=-10, match=20, coverage=0, answered=0),
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
