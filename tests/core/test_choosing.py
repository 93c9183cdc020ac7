"""What is chosen is better than chance makes it, with questions that share documents too."""

import numpy as np
import pytest

from roadworthy.core.choosing import LEAST_DOCUMENTS, choose
from roadworthy.core.errors import Invalid

TRIALS = 200


def alone(scores):
    """Choose where each question is about a document of its own."""
    return choose(scores, range(len(scores)))


def chance(*, documents, questions, ways, spread, seed=1):
    """Count how often a way is taken for better where ways differ by chance alone.

    Args:
        questions: about each document.
        spread: of what a way is worth on a document; its mean over documents is the same for all.
    """
    random = np.random.default_rng(seed)
    about = np.repeat(np.arange(documents), questions)
    taken = 0
    for _ in range(TRIALS):
        suits = random.normal(0.5, spread, (documents, ways))
        taken += choose(random.normal(suits[about], 0.1), about).is_better
    return taken / TRIALS


def test_the_better_way_is_chosen():
    choice = alone([[0.2, 0.9]] * 15 + [[0.5, 0.6]] * 15)
    assert (choice.best, choice.is_better) == (1, True)
    assert choice.gain.value == pytest.approx(0.4)
    assert 0.2 < choice.gain.low < 0.4 < choice.gain.high < 0.6


def test_identical_ways_are_kept():
    values = np.random.default_rng(3).random(60)
    choice = alone([[value] * 4 for value in values])
    assert (choice.best, choice.is_better) == (0, False)
    assert {(each.low, each.value, each.high) for each in choice.gains} == {(0, 0, 0)}


def test_chance_is_recommended_no_more_often_than_is_said():
    """In 2.5 % of trials at most: together measured to half a per cent, alone to one and a half."""
    kinds = [(20, 1, 0, 20), (100, 1, 0, 2), (20, 15, 0.1, 2), (20, 15, 0.1, 20), (50, 6, 0.05, 5)]
    rates = [
        chance(documents=documents, questions=questions, spread=spread, ways=ways)
        for documents, questions, spread, ways in kinds
    ]
    assert np.mean(rates) <= 0.04
    assert max(rates) <= 0.07


def test_questions_about_one_document_are_no_more_evidence_than_it():
    """A way that suits half of the documents is not better for many questions about each."""
    half = [[0.5, 0.6 if n % 2 else 0.41] for n in range(LEAST_DOCUMENTS)]
    once, often = alone(half), choose(half * 40, list(range(LEAST_DOCUMENTS)) * 40)
    assert not once.is_better
    assert often.gain.low == pytest.approx(once.gain.low)


def test_a_document_with_nearly_all_questions_decides_nothing():
    scores = [[0.2, 0.9]] * 1000 + [[0.5, 0.51], [0.5, 0.49]] * (LEAST_DOCUMENTS // 2)
    choice = choose(scores, [0] * 1000 + list(range(1, LEAST_DOCUMENTS + 1)))
    assert (choice.best, choice.is_better) == (1, False)
    assert choice.gain.low < 0


def test_intervals_hold_at_once():
    """Ten ways, of which one is better: all of the gains lie in their intervals, in 95 %."""
    random = np.random.default_rng(4)
    gain = np.where(np.arange(10) == 5, 0.05, 0)
    about = np.repeat(np.arange(40), 5)
    held = found = 0
    for _ in range(TRIALS // 2):
        suits = random.normal(0.5 + gain, 0.03, (40, 10))
        choice = choose(random.normal(suits[about], 0.1), about)
        held += all(e.low <= g <= e.high for e, g in zip(choice.gains, gain, strict=True))
        found += choice.best == 5 and choice.is_better
    assert held / TRIALS >= 0.44
    assert found / TRIALS >= 0.37


def test_one_lucky_question_is_not_enough():
    lone = [[0.0, 1.0], *[[0.5, 0.5]] * (LEAST_DOCUMENTS - 1)]
    choice = alone(lone)
    assert (choice.best, choice.is_better) == (1, False)
    assert choice.gain.low == 0


def test_too_few_documents_are_refused():
    with pytest.raises(Invalid, match="about 19 documents"):
        choose([[0.0, 1.0]] * 190, list(range(LEAST_DOCUMENTS - 1)) * 10)
