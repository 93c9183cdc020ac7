"""Each space judges its own hits; what one finds makes nothing else less likely."""

import uuid

import pytest

from roadworthy.answering.relevance import CALIBRATIONS, coverage, relevance
from roadworthy.retrieval.search import Hit


def hit(*, space=None, cosine=None, told=0.0):
    return Hit(
        fused_rank=1,
        rank=1,
        score=1.0,
        keyword_rank=None,
        keyword_score=None,
        told=told,
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
        end=1,
        page_first=None,
        page_last=None,
        heading="",
        language="en",
        text="x",
    )


RIGHT = hit(space="own", cosine=0.7, told=0.6)
FAR = hit(space="e5-small", cosine=0.75)


def test_a_hit_of_a_calibrated_space_does_not_hide_one_of_another():
    assert relevance([RIGHT]) == 0.6
    assert relevance([RIGHT, FAR]) == 0.6


def test_words_that_stand_elsewhere_do_not_speak_for_a_space_without_calibration():
    """A calibrated space has said what the words are worth together with its cosine."""
    near = hit(space="e5-small", cosine=0.7, told=0.6)
    beside = hit(space="own", cosine=0.7)
    assert relevance([near, beside]) < 0.1


def test_without_any_vector_it_is_what_the_words_tell():
    assert relevance([hit(told=0.6)]) == 0.6


def test_a_hit_far_down_says_nothing():
    assert coverage([*[hit()] * 3, hit(told=0.6)]) == 0


def test_no_hit_is_not_relevant():
    assert relevance([]) == 0


@pytest.mark.parametrize("space", sorted(CALIBRATIONS))
def test_a_nearer_hit_is_more_relevant(space):
    near, far = (relevance([hit(space=space, cosine=c)]) for c in (0.95, 0.2))
    assert near > far


@pytest.mark.parametrize("space", sorted(CALIBRATIONS))
def test_a_hit_that_holds_more_of_the_question_is_more_relevant(space):
    more, less = (relevance([hit(space=space, cosine=0.8, told=told)]) for told in (0.9, 0.1))
    assert more > less
