"""Choose among ways to do something by questions, and say what choosing brings on others."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.errors import Invalid
from roadworthy.core.intervals import Interval, gain_interval
from roadworthy.core.ranking_metrics import mean

LEAST_QUESTIONS = 20
FOLDS = 5
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which way did best, and what choosing so brings over the first."""

    best: int  # position of the way; 0, the first, where none is better
    gain: Interval  # on questions that were not chosen by

    @property
    def is_better(self) -> bool:
        """Tell whether the best can be told from the first."""
        return self.best != 0 and self.gain.low > 0


def choose(scores: Sequence[Sequence[float]]) -> Choice:
    """Choose the way with the best mean; one that is no better than one before it is not chosen.

    The questions are parted into five; on each part the way counts that did best on the others.
    So the gain is not that of the luckiest of many.

    Args:
        scores: of each question, by way; the first way is the present one.

    Raises:
        Invalid: there are too few questions to tell anything.
    """
    if len(scores) < LEAST_QUESTIONS:
        raise Invalid(
            f"{len(scores)} questions are too few to tell anything; ask at least {LEAST_QUESTIONS}."
        )
    gain = gain_interval([row[0] for row in scores], _held_out(scores))
    assert gain is not None, "there are enough questions"
    return Choice(best=_best(scores), gain=gain)


def _held_out(scores: Sequence[Sequence[float]]) -> list[float]:
    """Score each question by the way that did best on the other parts."""
    order = list(range(len(scores)))
    random.Random(SEED).shuffle(order)  # noqa: S311 - parts, not secrets
    held_out = [0.0] * len(scores)
    for fold in range(FOLDS):
        part = order[fold::FOLDS]
        chosen = _best([scores[i] for i in sorted({*order} - {*part})])
        for i in part:
            held_out[i] = scores[i][chosen]
    return held_out


def _best(scores: Sequence[Sequence[float]]) -> int:
    means = [mean(row[way] for row in scores) or 0.0 for way in range(len(scores[0]))]
    return means.index(max(means))
