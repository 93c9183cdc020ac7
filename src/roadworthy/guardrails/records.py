"""What a guard finds, and what it asks of a classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from roadworthy.gateway.classifying import Scores, Text

# The detectors, in order of cost.
RULES: Final = "rules"
CLASSIFIER: Final = "classifier"
# What is looked at.
QUESTION: Final = "question"
PASSAGES: Final = "passages"
ANSWER: Final = "answer"
# Whether it was.
CHECKED: Final = "checked"
SKIPPED: Final = "skipped"
FAILED: Final = "failed"
# What came of it.
PASS: Final = "pass"  # noqa: S105
BLOCKED: Final = "blocked"
DROPPED: Final = "dropped"
REDACTED: Final = "redacted"

# Of the heads of a classifier: what a score near 1 says.
INJECTION = "injection"  # the question gives orders to the model
PASSAGE_INJECTION = "passage_injection"  # the passage does
TOXICITY = "toxicity"
GROUNDING = "grounding"  # of a pair: the sentence is said by the passages
UNREADABLE = "unreadable"  # of a text: it cannot be read to its end
NO_CLASSIFIER = "no classifier"


class Classifier(Protocol):
    """Small models that look for one thing each."""

    def version(self, head: str) -> str:
        """Name the version of a head that is expected to answer.

        Raises:
            Missing: there is no such head here.
        """
        ...

    async def score(self, head: str, texts: Sequence[Text]) -> Scores:
        """Score texts, in their order.

        Raises:
            Unavailable, Busy: it cannot say now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of a sentence that should not be read. Invariant: 0 <= start < end <= its length."""

    start: int  # in code points
    end: int
    name: str  # of what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a detector says that has looked, at all of it or until it failed."""

    version: str
    names: Sequence[str] = ()  # of what it found; none: there was nothing
    score: float | None = None
    threshold: float | None = None
    passages: Sequence[int] = ()  # that it was found in
    runs: Sequence[Run] = ()  # of a sentence, that would be taken out of it


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLooked:
    """A detector had no reason, or nothing, to look with."""

    reason: str
    is_missed: bool = True  # there was something to look at


Looked = Found | NotLooked
