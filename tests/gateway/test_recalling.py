"""What is kept is not asked for again, scores are of one version, and what was told is not lost."""

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.core.scores import Score
from roadworthy.gateway.classifying import Scores
from roadworthy.gateway.recalling import AT_ONCE, Recalling, Remembering
from tests.doubles.classifier import UNREAD, WordsClassifier

pytestmark = pytest.mark.anyio
HEAD = "passage_injection"
KEPT = Score(value=0.25, threshold=0.9, version=f"{HEAD}-1")


@pytest.fixture
def words():
    return WordsClassifier({HEAD: "zebra"})


async def test_only_what_is_not_kept_is_asked_for(words):
    recalling = Recalling(words, {"a": KEPT})
    scores = await recalling.score(HEAD, ["zebra", "a", "zebra"])
    assert scores.values == [1.0, 0.25, 1.0]
    assert words.asked == [(HEAD, ["zebra"])]
    assert recalling.fresh.keys() == {"zebra"}


async def test_what_cannot_be_read_to_its_end_is_named_and_not_kept(words):
    recalling = Recalling(words, {"a": KEPT})
    scores = await recalling.score(HEAD, ["zebra", "a", UNREAD])
    assert (scores.values, scores.unread) == ([1.0, 0.25, 0.0], [2])
    assert recalling.known(HEAD).keys() == {"zebra", "a", UNREAD}
    assert recalling.fresh.keys() == {"zebra"}


async def test_where_all_is_kept_nobody_is_asked():
    down = WordsClassifier({HEAD: "zebra"}, fails=Unavailable("down"))
    scores = await Recalling(down, {"a": KEPT}).score(HEAD, ["a"])
    assert (scores.values, scores.threshold, scores.version) == ([0.25], 0.9, KEPT.version)
    assert down.asked == []


async def test_a_score_of_an_earlier_version_is_not_taken(words):
    old = Score(value=0.25, threshold=0.9, version="0")
    scores = await Recalling(words, {"a": old}).score(HEAD, ["a"])
    assert (scores.values, scores.version) == ([0.0], f"{HEAD}-1")


async def test_where_another_version_answers_all_are_of_that_one(words, monkeypatch):
    async def newer(head, texts):
        return Scores(values=[0.5] * len(texts), threshold=0.4, version="2")

    monkeypatch.setattr(words, "score", newer)
    recalling = Recalling(words, {"a": KEPT})
    scores = await recalling.score(HEAD, ["b", "a"])
    assert (scores.values, scores.threshold, scores.version) == ([0.5, 0.5], 0.4, "2")
    assert recalling.fresh.keys() == {"a", "b"}


async def test_two_versions_are_never_mixed(words, monkeypatch):
    versions = iter(["2", "3"])

    async def changing(head, texts):
        return Scores(values=[0.5] * len(texts), threshold=0.4, version=next(versions))

    monkeypatch.setattr(words, "score", changing)
    with pytest.raises(Unavailable, match="changed"):
        await Recalling(words, {"a": KEPT}).score(HEAD, ["b", "a"])


class Tiring(WordsClassifier):
    async def score(self, head, texts):
        if self.asked:
            raise Unavailable("down")
        return await super().score(head, texts)


async def test_what_was_told_before_it_failed_is_not_lost(words):
    recalling = Recalling(Tiring(words.words), {"a": KEPT})
    texts = [f"text {number}" for number in range(AT_ONCE + 1)]
    with pytest.raises(Unavailable):
        await recalling.score(HEAD, texts)
    assert list(recalling.fresh) == texts[:AT_ONCE]
    assert recalling.known(HEAD) == {"a": KEPT, **recalling.fresh}


async def test_who_remembers_asks_only_about_what_is_new_to_a_head():
    words = WordsClassifier({HEAD: "zebra", "injection": "a"})
    remembering = Remembering(words)
    assert (await remembering.score(HEAD, ["zebra", "a"])).values == [1.0, 0.0]
    assert (await remembering.score(HEAD, ["b", "a", "zebra"])).values == [0.0, 0.0, 1.0]
    assert (await remembering.score("injection", ["a"])).values == [1.0]
    assert words.asked == [(HEAD, ["zebra", "a"]), (HEAD, ["b"]), ("injection", ["a"])]


async def test_what_cannot_be_read_is_not_remembered_nor_what_is_long_ago(words, monkeypatch):
    monkeypatch.setattr("roadworthy.gateway.recalling.MOST_REMEMBERED", 1)
    remembering = Remembering(words)
    for texts in (["a"], ["b"], ["b"], ["a"], [UNREAD], [UNREAD]):
        await remembering.score(HEAD, texts)
    assert [texts for _, texts in words.asked] == [["a"], ["b"], ["a"], [UNREAD], [UNREAD]]


async def test_what_was_told_before_it_failed_is_remembered(words):
    tired = Tiring(words.words)
    remembering = Remembering(tired)
    texts = [f"text {number}" for number in range(AT_ONCE + 1)]
    with pytest.raises(Unavailable):
        await remembering.score(HEAD, texts)
    assert (await remembering.score(HEAD, texts[:AT_ONCE])).values == [0.0] * AT_ONCE
