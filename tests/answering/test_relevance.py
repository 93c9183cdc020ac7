"""Each space judges its own hits; what one finds makes nothing else less likely."""

import uuid

import pytest

from roadworthy.answering.relevance import CALIBRATIONS, coverage, relevance
from roadworthy.retrieval.search import Hit

QUESTION = "Which oil does the pump need?"


def hit(text, *, space=None, cosine=None, language="en"):
    return Hit(
        fused_rank=1,
        rank=1,
        score=1.0,
        keyword_rank=None,
        keyword_score=None,
        vector_rank=None if space is None else 1,
        vector_score=cosine,
        space=space,
        passage_id=1,
        document_id=uuid.UUID(int=1),
        document_name="a.txt",
        title="",
        version=1,
        metadata={},
        ordinal=0,
        start=0,
        end=len(text),
        page_first=None,
        page_last=None,
        heading="",
        language=language,
        text=text,
    )


RIGHT = hit("The pump needs synthetic oil.", space="own", cosine=0.7)
FAR = hit("La cantine ouvre à midi.", space="e5-small", cosine=0.75, language="fr")


def test_a_hit_of_a_calibrated_space_does_not_hide_one_of_another():
    alone = relevance(QUESTION, [RIGHT])
    assert alone >= 0.5
    assert relevance(QUESTION, [RIGHT, FAR]) == alone


def test_words_that_stand_elsewhere_do_not_speak_for_a_space_without_calibration():
    """A calibrated space has said what the words are worth together with its cosine."""
    near = hit("The pump needs synthetic oil.", space="e5-small", cosine=0.7)
    beside = hit("A canteen.", space="own", cosine=0.7)
    assert relevance(QUESTION, [near, beside]) < 0.1


def test_without_any_vector_it_is_the_share_of_the_words():
    words = [hit("The pump needs synthetic oil.")]
    assert relevance(QUESTION, words) == coverage(QUESTION, words)


def test_no_hit_is_not_relevant():
    assert relevance(QUESTION, []) == 0


@pytest.mark.parametrize("space", sorted(CALIBRATIONS))
def test_a_nearer_hit_is_more_relevant(space):
    near, far = (relevance(QUESTION, [hit("x", space=space, cosine=c)]) for c in (0.95, 0.2))
    assert near > far
