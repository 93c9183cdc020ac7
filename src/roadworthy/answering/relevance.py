"""How likely it is that the hits say something about the question, before any model is called.

What the search has at hand decides most questions. Where that is unsure, the best passages are held
against the question token by token, and the one that matches best is read together with it, which
takes a fifth of a second of the engine (answering/judging.py).
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from pydantic import TypeAdapter

from roadworthy.retrieval.search import Hit

READ_HITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A logistic fit over one space: cosines of two models are not comparable."""

    intercept: float
    cosine: float
    coverage: float
    close: "CloseCalibration | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a close look at the best passages saw."""

    match: float  # how well the question's tokens are found in the best of them, from -1 to 1
    answered: float | None  # log odds that this one answers it, by reading both; None: not read


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCalibration:
    """A logistic fit over a close look that read nothing."""

    intercept: float
    match: float
    coverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCalibration:
    """A logistic fit over a close look, for estimates that are unsure without it."""

    least: float  # from this estimate on
    below: float  # and below this one the first fit is unsure
    intercept: float
    match: float
    coverage: float
    answered: float
    unread: MatchCalibration

    def is_unsure(self, first: float) -> bool:
        """Tell whether a close look is to decide in the place of this estimate."""
        return self.least <= first < self.below

    def logit(self, look: Look, *, covered: float) -> float:
        """Weigh what a close look saw, beside the share of what the question tells."""
        fit = self.unread if look.answered is None else self
        seen = fit.intercept + fit.match * look.match + fit.coverage * covered
        return seen + self.answered * (look.answered or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrations:
    """What was fitted, and what a threshold promises: relevance.toml."""

    version: int
    threshold: float  # at which, of questions that are answered in what was fitted on,
    wrong_refusals: float  # this share is turned away
    spaces: Mapping[str, Calibration]


def _shipped() -> Calibrations:
    text = (resources.files("roadworthy.answering") / "relevance.toml").read_text("utf-8")
    return TypeAdapter(Calibrations).validate_python(tomllib.loads(text))


SHIPPED = _shipped()
CALIBRATIONS = SHIPPED.spaces


def relevance(hits: Sequence[Hit], *, look: Look | None = None) -> float:
    """Estimate from the best cosine, and how much of what the question tells a hit holds.

    Each space is judged by itself, and the best counts: what one space finds makes nothing less
    likely that another found. In a space without a calibration, and without any vector, it is the
    share of the question alone.

    Args:
        hits: best first.
        look: what a close look saw; it then counts in the place of the cosine where that is unsure.
            None: nobody looked.

    Returns: from 0 to 1; 0 when there is no hit.
    """
    estimates = _estimates(hits, look=look)
    return max(estimates.values(), default=coverage(hits))


def unsure_hits(hits: Sequence[Hit]) -> Sequence[Hit]:
    """Give the hits at which a close look would say more; none where the estimate is sure.

    They are of the space whose estimate counts, or were found by words alone.
    """
    estimates = _estimates(hits, look=None)
    if not estimates:
        return []
    best = max(estimates, key=lambda space: estimates[space])
    close = CALIBRATIONS[best].close if best in CALIBRATIONS else None
    if close is None or not close.is_unsure(estimates[best]):
        return []
    return [hit for hit in hits if hit.space in {best, None}]


def _estimates(hits: Sequence[Hit], *, look: Look | None) -> Mapping[str, float]:
    by_space: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit.space is not None:
            by_space.setdefault(hit.space, []).append(hit)
    covered = coverage(hits)
    return {
        space: _fitted(CALIBRATIONS[space], found, covered=covered, look=look)
        if space in CALIBRATIONS
        else coverage(found)
        for space, found in by_space.items()
    }


def coverage(hits: Sequence[Hit]) -> float:
    """Give the most that one of the best hits holds of what the question tells; 0 without any."""
    return max((hit.told for hit in hits[:READ_HITS]), default=0.0)


def _fitted(fit: Calibration, found: Sequence[Hit], *, covered: float, look: Look | None) -> float:
    cosine = max(hit.vector_score for hit in found if hit.vector_score is not None)
    first = _logistic(fit.intercept + fit.cosine * cosine + fit.coverage * covered)
    close = fit.close
    if look is None or close is None or not close.is_unsure(first):
        return first
    return _logistic(close.logit(look, covered=covered))


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
