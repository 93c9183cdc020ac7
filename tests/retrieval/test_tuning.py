"""What is recommended was better on questions that it was not chosen by, or it is not."""

import dataclasses
import random
import uuid

import pytest

from roadworthy.core.choosing import LEAST_DOCUMENTS
from roadworthy.core.errors import Invalid
from roadworthy.retrieval.fusion import Fusion, Rankings
from roadworthy.retrieval.judged import Judged, JudgedQuestion, Target, judged
from roadworthy.retrieval.passages import PassageRow
from roadworthy.retrieval.tuning import tune, ways

LIVE = Fusion(vector_weight=0.6)
RIGHT, WRONG, OTHER = 9, 2, 3  # ties go to the smaller


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
    )


def ranked(*ids):
    return [(passage_id, float(-place)) for place, passage_id in enumerate(ids)]


def found(*, keyword, vector):
    rankings = Rankings(candidates=50, keyword=ranked(*keyword), vector={"words": ranked(*vector)})
    items = {i: "right" if i == RIGHT else i for i in {*keyword, *vector}}
    return Judged(document="", rankings=rankings, items=items, grades={"right": 1.0})


BY_WORDS = found(keyword=[RIGHT, OTHER, WRONG], vector=[WRONG, OTHER, RIGHT])
BY_MEANING = found(keyword=[WRONG, OTHER, RIGHT], vector=[RIGHT, OTHER, WRONG])


def tuned(questions, live=LIVE):
    """Tune by questions that are each about a document of their own."""
    about = [dataclasses.replace(each, document=str(n)) for n, each in enumerate(questions)]
    return tune(about, live, advance=lambda: None)


def test_words_are_chosen_where_words_find_more():
    result = tuned([BY_WORDS] * 30)
    assert result.is_better
    assert result.best.fusion.vector_weight < 0.5
    assert (result.best.ndcg10, result.live.fusion) == (1, LIVE)
    assert result.gain.low == result.gain.high
    assert result.gain.value == pytest.approx(1 - result.live.ndcg10)


def test_the_live_one_is_kept_where_none_is_better():
    result = tuned([BY_MEANING] * 30)
    assert result.best == result.live
    assert not result.is_better
    assert (result.gain.value, result.gain.low, result.gain.high) == (0, 0, 0)


def test_a_difference_of_chance_is_not_recommended():
    """Nothing ties a question to a ranking: what did best here did so by luck."""
    rng = random.Random(5)  # noqa: S311
    some = [rng.choice([BY_WORDS, BY_MEANING]) for _ in range(40)]
    assert not tuned(some).is_better


def test_one_question_is_not_enough_to_choose_by():
    lone = [BY_WORDS, *[found(keyword=[OTHER], vector=[WRONG])] * (LEAST_DOCUMENTS - 1)]
    result = tuned(lone)
    assert result.best.ndcg10 > result.live.ndcg10
    assert not result.is_better


def test_too_few_documents_are_refused():
    with pytest.raises(Invalid, match="Too few"):
        tune([BY_WORDS] * 100, LIVE, advance=lambda: None)


def test_each_way_is_tried_once_and_the_live_one_first():
    tried = list(ways(Fusion(vector_weight=0.65), spaces=["words"]))
    assert tried[0] == Fusion(vector_weight=0.65)
    assert len(tried) == 1 + 11 + 9  # reciprocal without the ends, which weighted has too
    assert all(each not in tried[:n] for n, each in enumerate(tried))
    assert len(list(ways(LIVE, spaces=["words"]))) == 11 + 9


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
