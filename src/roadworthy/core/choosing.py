"""Choose among ways to do something by questions, and tell a gain from chance."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.errors import Invalid
from roadworthy.core.intervals import LEVEL, ROUNDS, Interval

LEAST_DOCUMENTS = 20
_AT_ONCE = 1_000_000  # signs that are drawn together


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which way did best, and what each way brings over the first."""

    best: int  # position of the way; 0, the first, where none is better
    gains: Sequence[Interval]  # of each way; all of them hold at once

    @property
    def gain(self) -> Interval:
        """Give what the best way brings."""
        return self.gains[self.best]

    @property
    def is_better(self) -> bool:
        """Tell whether the best can be told from the first."""
        return self.best != 0 and self.gain.low > 0


def choose(scores: Sequence[Sequence[float]], documents: Sequence[Hashable]) -> Choice:
    """Choose the way with the best mean; one that is no better than one before it is not chosen.

    Questions about one document are one piece of evidence: whatever suits a document suits all of
    them. And the best of many ways is partly the luckiest, so the intervals are as wide as it
    takes for all of them to hold at once. Where no way differs, one is taken for better in at most
    2.5 % of trials, however many there are, if gains are as large as losses. A way that helps most
    documents a little and harms few of them much is told too well while none of those few are
    asked about: with 20 documents and a harm to one in ten, in 12 % of trials.

    Args:
        scores: of each question, by way, from 0 to 1; the first way is the present one.
        documents: what each question is about.

    Raises:
        Invalid: the questions are about too few documents to tell anything.

    Source: the largest t of all ways (Westfall and Young 1993) when each document's sum of gains
        keeps or changes its sign at random (wild cluster bootstrap with the null imposed, Cameron,
        Gelbach and Miller 2008), and the gains that this does not reject.
    """
    check_documents(documents)
    values = np.asarray(scores, np.float64)
    place = {name: at for at, name in enumerate(dict.fromkeys(documents))}
    of = np.array([place[each] for each in documents])
    sums = np.zeros((len(place), values.shape[1]))
    np.add.at(sums, of, values - values[:, :1])
    return Choice(
        best=int(values.mean(axis=0).argmax()), gains=_gains(sums, np.bincount(of).astype(float))
    )


def check_documents(documents: Collection[Hashable]) -> None:
    """Refuse to choose by questions about too few documents; raises as above."""
    if (count := len(set(documents))) < LEAST_DOCUMENTS:
        raise Invalid(
            f"Too few to tell anything: the questions are about {count} documents, and it takes at "
            f"least {LEAST_DOCUMENTS}."
        )


def _gains(sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> list[Interval]:
    """Find for each way the gains g that do not differ from `sums` by more than chance does.

    These are those with (sum(sums - g sizes))² <= c² sum((sums - g sizes)²), a quadratic in g.

    Args:
        sums: of each document, by way: shape (documents, ways).
        sizes: questions about each document.
    """
    n, square = sizes.sum(), _critical(sums) ** 2
    total, spread = sums.sum(axis=0), (sums**2).sum(axis=0)
    a = n**2 - square * (sizes**2).sum()
    b = n * total - square * (sizes @ sums)
    c = total**2 - square * spread
    if a <= 0:  # a few documents have nearly all of the questions
        return [Interval(value=float(value), low=-1.0, high=1.0) for value in total / n]
    root = np.sqrt(np.maximum(b**2 - a * c, 0))
    found = np.array([total / n, (b - root) / a, (b + root) / a])
    # What is as far from nothing as chance goes, and no farther, has the bound 0 to the digit.
    rows = found.clip(-1, 1).round(9).T.tolist()
    return [Interval(value=value, low=low, high=high) for value, low, high in rows]


def _critical(sums: NDArray[np.float64]) -> float:
    """Give what the largest t of all ways stays below, by chance, with the probability LEVEL."""
    random = np.random.default_rng(0)
    scale = np.sqrt((sums**2).sum(axis=0))
    standard = sums[:, scale > 0] / scale[scale > 0]
    largest = np.empty(ROUNDS)
    step = max(1, _AT_ONCE // len(sums))
    for start in range(0, ROUNDS, step):
        shape = (min(step, ROUNDS - start), len(sums))
        signs = 2.0 * random.integers(0, 2, shape, dtype=np.int8) - 1.0
        largest[start : start + step] = np.abs(signs @ standard).max(axis=1, initial=0)
    return float(np.quantile(largest, LEVEL))
