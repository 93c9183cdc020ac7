"""What is chosen was better on questions that it was not chosen by, or it is not chosen."""

import random

import pytest

from roadworthy.core.choosing import FOLDS, LEAST_QUESTIONS, choose
from roadworthy.core.errors import Invalid


def test_the_better_way_is_chosen():
    choice = choose([[0.2, 0.9]] * 15 + [[0.5, 0.6]] * 15)
    assert (choice.best, choice.is_better) == (1, True)
    assert choice.gain.value == pytest.approx(0.4)


def test_identical_ways_are_kept():
    rng = random.Random(3)  # noqa: S311
    scores = [[value] * 4 for value in (rng.random() for _ in range(60))]
    choice = choose(scores)
    assert (choice.best, choice.is_better) == (0, False)
    assert (choice.gain.low, choice.gain.value, choice.gain.high) == (0, 0, 0)


def test_the_luckiest_of_many_is_rarely_taken_for_better():
    """Ten ways that differ by chance alone: one of them nearly always has the best mean."""
    rng = random.Random(8)  # noqa: S311
    choices = [choose([[rng.random() for _ in range(10)] for _ in range(60)]) for _ in range(20)]
    assert sum(each.best != 0 for each in choices) >= 15
    assert sum(each.is_better for each in choices) <= 2


def test_a_way_is_scored_on_questions_that_it_was_not_chosen_by():
    lone = [[0.0, 1.0], *[[0.5, 0.5]] * (LEAST_QUESTIONS - 1)]
    choice = choose(lone)
    assert choice.best == 1
    assert choice.gain.value == 0


@pytest.mark.parametrize("more", range(FOLDS))
def test_every_question_counts_once(more):
    assert choose([[0.0, 1.0]] * (LEAST_QUESTIONS + more)).gain.value == 1


def test_too_few_questions_are_refused():
    with pytest.raises(Invalid, match="too few"):
        choose([[0.0, 1.0]] * (LEAST_QUESTIONS - 1))
