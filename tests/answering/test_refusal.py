"""A refusal is told by how a text begins, and by no more of it."""

import pytest

from roadworthy.answering.refusal import LONGEST_AROUND, NOT_THERE, is_refusal, may_become_refusal


@pytest.mark.parametrize("around", ["", '"', "**[1, 2] ", "- " * 100, "[1"])
def test_what_models_put_around_it_hides_no_refusal(around):
    text = f"{around}{NOT_THERE.capitalize()}."
    assert is_refusal(text)
    assert all(may_become_refusal(text[:end]) for end in range(len(text)))


@pytest.mark.parametrize("beginning", ["!" * 201, " \n" * 500, "Not in Oslo", "[1] The"])
def test_what_cannot_be_one_any_more_is_not_held(beginning):
    assert not may_become_refusal(beginning)
    assert not is_refusal(beginning + NOT_THERE)


def test_how_long_a_text_is_changes_nothing():
    assert may_become_refusal("!" * LONGEST_AROUND)
    assert is_refusal(NOT_THERE + "!" * 100_000)
