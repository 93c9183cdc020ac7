"""Ways to join are tried once each, and scored by what answers a question."""

import dataclasses
import uuid

import pytest

from roadworthy.retrieval.fusion import Fusion, Rankings
from roadworthy.retrieval.passages import PassageRow
from roadworthy.tuning.questions import JudgedQuestion, Target
from roadworthy.tuning.ranking import judged, ways

LIVE = Fusion(vector_weight=0.6)


def row(passage_id, document, text):
    return PassageRow(
        passage_id=passage_id,
        document_id=uuid.UUID(int=passage_id),
        document_name=document,
        title=document,
        version=1,
        metadata={},
        ordinal=0,
        start=0,
        end=len(text),
        page_first=None,
        page_last=None,
        heading="",
        language="en",
        text=text,
        digest=None,
        score=None,
        threshold=None,
        score_version=None,
    )


def ranked(*ids):
    return [(passage_id, float(-place)) for place, passage_id in enumerate(ids)]


def test_each_way_is_tried_once_and_the_live_one_first():
    tried = list(ways(Fusion(vector_weight=0.65), spaces=["words"]))
    assert tried[0] == Fusion(vector_weight=0.65)
    assert len(tried) == 1 + 11 + 9 + 9  # the others without the ends, which weighted has too
    assert all(each not in tried[:n] for n, each in enumerate(tried))
    assert len(list(ways(LIVE, spaces=["words"]))) == 11 + 9 + 9


def test_spaces_are_weighted_where_there_are_several():
    tried = list(ways(LIVE, spaces=["left", "right"]))
    assert Fusion(vector_weight=0.6, space_weights={"left": 0.5}) in tried
    assert Fusion(vector_weight=0.6, space_weights={"right": 0.9}) in tried
    assert not any(0 in each.space_weights.values() for each in tried)


def test_documents_rank_as_their_best_passage():
    asked = JudgedQuestion(question="?", targets=[Target(document="a", grade=2)])
    rankings = Rankings(candidates=50, keyword=ranked(1, 2, 3), vector={})
    rows = {1: row(1, "b", "x"), 2: row(2, "b", "y"), 3: row(3, "a", "z")}
    seen = judged(asked, rankings, rows)
    assert seen.ndcg(LIVE) == pytest.approx(1 / 1.584962500721156)  # second of two documents


def test_a_quote_is_of_one_passage_and_blank_space_is_no_matter():
    target = Target(document="a", quote="Two  words")
    asked = JudgedQuestion(question="?", targets=[target])
    rankings = Rankings(candidates=50, keyword=ranked(1, 2, 3), vector={})
    rows = {1: row(1, "a", "one"), 2: row(2, "b", "two words"), 3: row(3, "a", "See two\nwords.")}
    assert judged(asked, rankings, rows).ndcg(LIVE) == pytest.approx(0.5)  # third of three


def test_what_was_not_found_or_is_gone_gains_nothing():
    asked = JudgedQuestion(question="?", targets=[Target(document="a")])
    nothing = Rankings(candidates=50, keyword=[], vector={})
    assert judged(asked, nothing, {}).ndcg(LIVE) == 0
    gone = dataclasses.replace(nothing, keyword=ranked(1))
    assert judged(asked, gone, {}).ndcg(LIVE) == 0


def test_a_passage_that_holds_two_quotes_caps_nothing():
    targets = [Target(document="a", quote="one"), Target(document="a", quote="two")]
    rankings = Rankings(candidates=50, keyword=ranked(1, 2), vector={})
    rows = {1: row(1, "a", "one and two"), 2: row(2, "b", "none")}
    asked = JudgedQuestion(question="?", targets=targets)
    assert judged(asked, rankings, rows).ndcg(LIVE) == 1


def test_a_document_that_was_told_twice_caps_nothing():
    targets = [Target(document="a"), Target(document="a", grade=2)]
    rankings = Rankings(candidates=50, keyword=ranked(1, 2), vector={})
    rows = {1: row(1, "a", "x"), 2: row(2, "b", "y")}
    asked = JudgedQuestion(question="?", targets=targets)
    assert judged(asked, rankings, rows).ndcg(LIVE) == 1
