"""Scores are of what a person would see, at equal tokens of it."""

import pytest

from roadworthy.corpus.texts import Text
from roadworthy.ingestion.records import Piece
from roadworthy.retrieval.judged import JudgedQuestion, Target
from roadworthy.tuning.index import Passage
from roadworthy.tuning.judging import judged, read_of
from roadworthy.tuning.questions import located
from roadworthy.tuning.records import CONTEXT_TOKENS, Asked, Span


def passage(document, start, end, *, tokens=100):
    piece = Piece(
        ordinal=0, start=start, end=end, text="", page_first=None, page_last=None, heading=""
    )
    return Passage(document=document, piece=piece, tokens=tokens, led="", language="en", rules="en")


def asked(*quotes, grades=None):
    return Asked(question="?", grades=grades or {0: 1.0}, quotes=quotes, answers=())


def span(start, end, document=0):
    return Span(document=document, start=start, end=end)


def score(question, *ranked):
    return judged(question, ranked, answered=None)


def test_documents_rank_as_their_best_passage():
    found = score(asked(grades={1: 1.0}), passage(0, 0, 9), passage(0, 9, 20), passage(1, 0, 9))
    assert found.ndcg10 == pytest.approx(1 / 1.584962500721156)  # second of two documents
    assert found.recall5 == 1
    assert (found.whole5, found.covered, found.answered) == (None, None, None)


def test_a_quote_is_whole_in_one_of_the_best_five_passages():
    quote = asked([span(5, 15)])
    assert score(quote, passage(0, 0, 15)).whole5 == 1
    assert score(quote, passage(0, 0, 14), passage(0, 14, 20)).whole5 == 0
    assert score(quote, passage(1, 0, 20)).whole5 == 0
    others = [passage(0, 30, 40) for _ in range(5)]
    assert score(quote, *others, passage(0, 0, 20)).whole5 == 0


def test_a_quote_that_stands_twice_counts_where_it_is_found():
    quote = asked([span(5, 15), span(50, 60)])
    assert score(quote, passage(0, 40, 70)).whole5 == 1
    assert score(quote, passage(0, 40, 70)).covered == 1


def test_two_quotes_are_both_wanted():
    found = score(asked([span(0, 5)], [span(50, 60)]), passage(0, 40, 70))
    assert (found.whole5, found.covered) == (0.5, 0.5)


def test_what_overlaps_is_covered_once():
    quote = asked([span(0, 20)])
    assert score(quote, passage(0, 0, 10), passage(0, 5, 12)).covered == pytest.approx(0.6)


def test_passages_are_read_up_to_so_many_tokens():
    half = CONTEXT_TOKENS // 2
    ranked = [
        passage(0, 0, 100, tokens=half),
        passage(0, 100, 200, tokens=CONTEXT_TOKENS),
        passage(0, 200, 300, tokens=1),
    ]
    assert read_of(ranked, tokens=CONTEXT_TOKENS) == [span(0, 100), span(100, 150)]
    assert score(asked([span(140, 160)]), *ranked).covered == 0.5


def test_nothing_found_is_worth_nothing():
    found = score(asked([span(0, 5)]))
    assert (found.ndcg10, found.recall5, found.whole5, found.covered) == (0, 0, 0, 0)


TEXT = Text(
    document_id=None,
    name="a.txt",
    title="a",
    media_type="text/plain",
    language="en",
    language_told=None,
    text="Two\nwords, and two words, (and) Two words.",
)


def test_a_quote_is_found_wherever_it_stands():
    target = Target(document="a.txt", quote="Two  words")
    [found] = located([JudgedQuestion(question="?", targets=[target])], [TEXT])
    assert found.quotes == [[span(0, 9), span(32, 41)]]


def test_a_quote_that_is_not_there_leaves_the_document():
    targets = [Target(document="a.txt", quote="(or)"), Target(document="b.txt", quote="and")]
    [found] = located([JudgedQuestion(question="?", targets=targets)], [TEXT])
    assert (found.grades, found.quotes) == ({0: 1.0}, [])


def test_a_question_about_no_text_is_left_out():
    question = JudgedQuestion(question="?", targets=[Target(document="b.txt")])
    assert located([question], [TEXT]) == []
