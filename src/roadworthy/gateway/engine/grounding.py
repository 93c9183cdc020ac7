"""Tell whether a passage says what a sentence says, by how its tokens are found there.

A logistic fit over five numbers (training/grounding.py); what each head of a classifier needs
thousands of weights for, the matches of the tokens tell with five.
"""

import tomllib
from collections.abc import Callable
from functools import cache, partial
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from roadworthy.core.errors import Invalid
from roadworthy.gateway.engine.catalogue import GROUNDING, GROUNDING_MODEL, Head
from roadworthy.gateway.engine.classifier import Scored, Texts
from roadworthy.gateway.engine.matcher import MOST_PIECES, POWER, Asked, Match, Matcher
from roadworthy.gateway.engine.weights import verified

LEAST: Final = 3  # tokens that are found worst


class Fit(BaseModel):
    """The constants of classifiers/grounding.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float  # from this score on a sentence counts as said
    intercept: float
    match: float  # the weighted mean of the nearest tokens' cosines
    mean: float  # where all count alike
    worst: float  # of the token that is found worst
    worst_three: float  # the mean of the LEAST
    cosine: float  # of the whole to the whole
    power: int  # as the matches were weighed that it was fitted to
    most_pieces: int

    @model_validator(mode="after")
    def _is_of_this_matcher(self) -> Self:
        if (self.power, self.most_pieces) != (POWER, MOST_PIECES):
            raise ValueError(
                "was fitted to other matches; `make train NAME=grounding` fits it anew"
            )
        return self


def features(found: Match) -> NDArray[np.float64]:
    """Give the five numbers, in the order of `Fit`."""
    ascending = np.sort(found.nearest)
    worst_three = ascending[:LEAST].mean()
    told = (found.score, ascending.mean(), ascending[0], worst_three, found.cosine)
    return np.array(told, np.float64)


class Grounding:
    """Scores sentences beside passages. May be called from several threads at once."""

    def __init__(self, matcher: Matcher) -> None:
        text = verified(GROUNDING_MODEL.weights).read_text("utf-8")
        fit = Fit.model_validate(tomllib.loads(text))
        self._matcher = matcher
        self._intercept = fit.intercept
        self._slopes = np.array(
            (fit.match, fit.mean, fit.worst, fit.worst_three, fit.cosine), np.float64
        )
        self.thresholds = {GROUNDING: fit.threshold}

    def scorer(self, _: Head) -> Callable[[Texts], Scored]:
        """Give what scores the pairs of one request: a sentence is read once for all of its own."""
        return partial(self._score, cache(self._matcher.read))

    def _score(self, read: Callable[[str], Asked], texts: Texts) -> Scored:
        """Score a sentence beside a passage, which is cut where it is longer than the model reads.

        Returns: how likely it is that the passage says so, from 0 to 1.

        Raises:
            Invalid: the sentence is longer; what was not read must not pass for said.
        """
        sentence, passage = texts
        asked = read(sentence)
        if asked.is_truncated:
            raise Invalid("a sentence is longer than the model reads")
        found = self._matcher.match(asked, passage)
        logit = self._intercept + float(self._slopes @ features(found))
        return Scored(score=1 / (1 + float(np.exp(-logit))), is_truncated=found.is_truncated)
