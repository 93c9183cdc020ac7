"""Scores are of one version, one for each text, or they are refused."""

import json

import pytest

from roadworthy.core.errors import Invalid, Missing, Unavailable
from roadworthy.gateway.classifying import LONG, MOST_TEXTS, PART, SHARED, Classifier
from roadworthy.gateway.endpoint import MOST_TRIES, Endpoint, EndpointAddress
from roadworthy.gateway.engine.catalogue import INJECTION, SCREEN
from roadworthy.gateway.lanes import MOST_FAILURES
from tests.doubles.model_server import KEY, Behaviour, failing

pytestmark = pytest.mark.anyio

RIGHT = {
    "version": "screen-1",
    "threshold": 0.7,
    "scores": [0.1, 0.9],
    "truncated": [False, False],
}


@pytest.fixture
def classifier(endpoint):
    return Classifier(endpoint)


def of(scores, *, cut=()):
    return RIGHT | {"scores": scores, "truncated": [at in cut for at in range(len(scores))]}


def plan(models, *answers):
    models.plan += [Behaviour(body=json.dumps(answer).encode()) for answer in answers]


async def test_scores_come_with_version_and_threshold(models, classifier):
    plan(models, RIGHT)
    scores = await classifier.score("injection", ["a", "b"])
    assert (scores.values, scores.version, scores.threshold) == ([0.1, 0.9], "screen-1", 0.7)
    [asked] = models.requests("/classify")
    assert asked.body == {"model": "injection", "input": ["a", "b"]}


async def test_a_pair_is_sent_as_a_pair(models, classifier):
    plan(models, RIGHT | {"scores": [0.5], "truncated": [False]})
    await classifier.score("grounding", [("a sentence", "a passage")])
    [asked] = models.requests("/classify")
    assert asked.body == {"model": "grounding", "pairs": [["a sentence", "a passage"]]}


async def test_many_texts_go_in_parts_and_come_back_in_order(models, classifier):
    first = [number / 100 for number in range(MOST_TEXTS)]
    plan(models, of(first), of([1.0]))
    scores = await classifier.score("toxicity", ["text"] * (MOST_TEXTS + 1))
    assert scores.values == [*first, 1.0]


async def test_two_versions_are_never_mixed(models, classifier):
    plan(models, of([0.1] * MOST_TEXTS), of([1]) | {"version": "2"})
    with pytest.raises(Unavailable, match="two versions"):
        await classifier.score("toxicity", ["text"] * (MOST_TEXTS + 1))


@pytest.mark.parametrize(
    "change",
    [
        {"scores": [0.1]},
        {"scores": [0.1, 1.2]},
        {"scores": [0.1, float("nan")]},
        {"scores": [0.1, None]},
        {"threshold": None},
        {"version": 3},
        {"truncated": [False]},
        {"truncated": None},
    ],
    ids=str,
)
async def test_what_is_not_one_score_a_text_is_refused(models, classifier, change):
    plan(models, RIGHT | change)
    with pytest.raises(Unavailable, match="/classify answers"):
        await classifier.score("injection", ["a", "b"])


async def test_the_version_that_ships_is_known_without_asking(models, classifier):
    assert classifier.version(INJECTION) == SCREEN.version
    with pytest.raises(Missing, match="'clairvoyance'"):
        classifier.version("clairvoyance")
    assert models.asked == []


async def fail(models, classifier, times):
    models.plan += [failing(503)] * MOST_TRIES * times
    for _ in range(times):
        with pytest.raises(Unavailable):
            await classifier.score("injection", ["a"])


async def test_who_fails_in_a_row_is_left_alone_for_a_while(models, classifier):
    await fail(models, classifier, MOST_FAILURES)
    with pytest.raises(Unavailable, match="left alone"):
        await classifier.score("injection", ["a"])
    assert len(models.requests("/classify")) == MOST_FAILURES * MOST_TRIES


async def test_one_failure_keeps_no_other_question_from_being_scored(models, classifier):
    await fail(models, classifier, 1)
    plan(models, RIGHT)
    assert (await classifier.score("injection", ["a", "b"])).values == [0.1, 0.9]


@pytest.fixture
async def hasty(models):
    made = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=0.05), tries=1)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("characters", "is_background", "rests"),
    [(LONG, False, True), (LONG + 1, False, False), (LONG + 1, True, True)],
    ids=["short", "long", "in-the-background"],
)
async def test_what_is_late_with_long_texts_is_not_left_alone(
    models, hasty, characters, is_background, rests
):
    classifier = Classifier(hasty, is_background=is_background)
    models.plan += [Behaviour(delay_s=0.3)] * MOST_FAILURES
    for _ in range(MOST_FAILURES):
        with pytest.raises(Unavailable, match="took longer"):
            await classifier.score("injection", ["x" * (characters - 1), "y"])
    assert classifier.is_resting is rests


async def test_what_fails_with_long_texts_is_left_alone(models, classifier):
    models.plan += [failing(503)] * MOST_TRIES * MOST_FAILURES
    for _ in range(MOST_FAILURES):
        with pytest.raises(Unavailable):
            await classifier.score("injection", ["x" * (LONG + 1)])
    assert classifier.is_resting


async def test_a_text_that_is_refused_keeps_no_other_from_being_scored(models, classifier):
    models.plan.append(failing(400))
    with pytest.raises(Invalid):
        await classifier.score("injection", ["a"])
    plan(models, RIGHT)
    assert (await classifier.score("injection", ["a", "b"])).values == [0.1, 0.9]


async def test_a_long_text_is_scored_to_its_end_by_its_worst_part(models, classifier):
    text = "".join(f"{number} " for number in range(3_000))
    plan(models, of([0.1, 0.9, 0.2]))
    assert (await classifier.score("injection", [text, "b"])).values == [0.9, 0.2]
    [asked] = models.requests("/classify")
    *parts, last = asked.body["input"]
    assert (max(map(len, parts)), last) == (PART, "b")
    assert all(text[at : at + SHARED] in "".join(parts) for at in range(len(text)))


async def test_what_is_not_read_to_its_end_is_named_and_the_others_are_scored(models, classifier):
    text = "".join(f"{number} " for number in range(3_000))
    plan(models, of([0.9, 0.1, 0.1, 0.2], cut=[2]))
    scores = await classifier.score("injection", ["a", text, "b"])
    assert (scores.values, scores.unread) == ([0.9, 0.1, 0.2], [1])
    assert [score.is_whole for score in scores.each()] == [True, False, True]


async def test_the_passage_of_a_pair_may_be_cut(models, classifier):
    plan(models, of([0.1], cut=[0]))
    scores = await classifier.score("grounding", [("a", "long passage")])
    assert (scores.values, [*scores.unread]) == ([0.1], [])


async def test_what_nobody_waits_for_says_so(models, endpoint):
    plan(models, RIGHT)
    await Classifier(endpoint, is_background=True).score("injection", ["a", "b"])
    [asked] = models.requests("/classify")
    assert asked.body["background"] is True
