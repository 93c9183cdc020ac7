"""Scores are of what a person would see, at equal tokens of it."""

import uuid

import pytest

from roadworthy.answering.context import Context, joined
from roadworthy.corpus.texts import Text
from roadworthy.retrieval.search import Hit
from roadworthy.tuning.judging import judged
from roadworthy.tuning.questions import JudgedQuestion, Located, Span, Target, located, words


def passage(document, start, end):
    return Hit(
        rank=1,
        score=0,
        fused_rank=1,
        keyword_rank=None,
        keyword_score=None,
        vector_rank=None,
        vector_score=None,
        space=None,
        passage_id=1000 * document + start,
        document_id=uuid.UUID(int=document),
        document_name="",
        title="",
        version=1,
        metadata={},
        ordinal=0,
        start=start,
        end=end,
        page_first=None,
        page_last=None,
        heading="",
        language="en",
        text="",
    )


def asked(*quotes, grades=None):
    return Located(question="?", grades=grades or {0: 1.0}, quotes=quotes, answers=())


def span(start, end, document=0):
    return Span(document=document, start=start, end=end)


def score(question, *ranked):
    """Score what is read whole."""
    context = Context(hits=ranked, pieces=joined(ranked), copies={})
    return judged(question, ranked, context, answered=None)


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
    others = [passage(0, 30 + n, 40) for n in range(5)]
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


def test_only_what_is_read_covers_and_what_is_said_again_is_read():
    first, second = passage(0, 0, 10), passage(1, 0, 10)
    found, quote = [first, second], asked([span(0, 10, document=1)], grades={0: 1.0})
    read = Context(hits=[first], pieces=joined([first]), copies={})
    again = Context(hits=[first], pieces=joined([first]), copies={first.passage_id: [second]})
    assert judged(quote, found, read, answered=None).covered == 0
    assert judged(quote, found, again, answered=None).covered == 1


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
    target = Target(document="a.txt", quote="two  words")
    [found] = located([JudgedQuestion(question="?", targets=[target])], [TEXT])
    assert found.quotes == [[span(0, 9), span(15, 24), span(32, 41)]]


def test_a_quote_that_is_not_there_leaves_the_document():
    targets = [Target(document="a.txt", quote="(or)"), Target(document="b.txt", quote="and")]
    [found] = located([JudgedQuestion(question="?", targets=targets)], [TEXT])
    assert (found.grades, found.quotes, found.unfound) == ({0: 1.0}, [], 1)


def test_a_question_about_no_text_is_left_out():
    question = JudgedQuestion(question="?", targets=[Target(document="b.txt")])
    assert located([question], [TEXT]) == []


def test_words_are_found_whatever_their_blanks_and_capitals():
    assert words("Two\nwords.").search("see TWO  words.")
    assert not words("Two words.").search("two wordsy")


def test_nothing_is_no_place():
    with pytest.raises(AssertionError):
        span(3, 3)
