"""Let a detector look, and say what came of it: the one place where a fault becomes a verdict."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import structlog

from roadworthy.core.errors import Missing, RoadworthyError
from roadworthy.core.scores import Score
from roadworthy.guardrails.records import (
    BLOCKED,
    CHECKED,
    CLASSIFIER,
    FAILED,
    NO_CLASSIFIER,
    PASS,
    RULES,
    SKIPPED,
    UNREADABLE,
    Classifier,
    Found,
    Looked,
    NotLooked,
    Text,
)
from roadworthy.releases import Guard, JudgedGuard
from roadworthy.traces import GuardVerdict

LONGEST_S = 2.0  # that a question, or a sentence, waits for one detector
LARGE = 10_000  # characters; the slowest rules take up to a tenth of a second for them
Part = Literal["question", "passages", "answer"]
Outcome = Literal["pass", "blocked", "dropped", "redacted"]
T = TypeVar("T")
log = structlog.get_logger(__name__)


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A detector of a guard, and what it shall look at."""

    guard: str
    asked: Guard  # by the release
    by: Literal["rules", "classifier"]
    see: Callable[[], Awaitable[Looked]]
    finding: Outcome = BLOCKED  # what comes of one
    so_far: Callable[[], Found | None] = _nothing  # what it had found when it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a look."""

    status: Literal["checked", "skipped", "failed"]
    found: Found | None = None  # if it was checked; if it failed, as far as it got
    reason: str = ""  # if it was not checked
    is_missed: bool = True  # if it was not checked: there was something to look at
    ms: float = 0.0


async def seen(look: Look) -> Seen:
    """Let it look; a fault of any kind is told, and what then holds is the release's to say."""
    began = time.perf_counter()
    try:
        looked = await (look.see() if look.by == RULES else _in_time(look))
    except RoadworthyError as error:
        reason = error.kind
    except Exception as error:
        log.warning("a guard failed", guard=look.guard, by=look.by, exc_info=error)
        reason = type(error).__name__
    else:
        ms = (time.perf_counter() - began) * 1000
        if isinstance(looked, NotLooked):
            return Seen(status=SKIPPED, reason=looked.reason, is_missed=looked.is_missed, ms=ms)
        return Seen(status=CHECKED, found=looked, ms=ms)
    ms = (time.perf_counter() - began) * 1000
    return Seen(status=FAILED, found=look.so_far(), reason=reason, ms=ms)


async def _in_time(look: Look) -> Looked:
    async with asyncio.timeout(LONGEST_S):
        return await look.see()


async def run(looks: Sequence[Look], *, of: Part) -> tuple[GuardVerdict, ...]:
    """Let all look, the cheap ones first; behind one that blocks nobody needs to."""
    verdicts: list[GuardVerdict] = []
    for look in looks:
        if is_blocked(verdicts):
            verdicts.append(verdict(look, Seen(status=SKIPPED, reason="already blocked"), of=of))
        else:
            verdicts.append(of_look(look, await seen(look), of=of))
    return tuple(verdicts)


def of_look(look: Look, what: Seen, *, of: Part) -> GuardVerdict:
    """Say what comes of a look, as the release wants it."""
    return verdict(look, what, of=of, outcome=outcome(look, what))


def outcome(look: Look, what: Seen) -> Outcome | None:
    """Decide what comes of a look: nothing is passed that was not looked at.

    Fails open or closed as the release says; where it asks for a second opinion, closed. A finding
    from before it failed is one all the same.
    """
    finding = look.finding if what.found and what.found.names else None
    if what.status == CHECKED:
        return finding or PASS
    if isinstance(look.asked, JudgedGuard) and look.asked.second_opinion and what.is_missed:
        return BLOCKED
    is_closed = what.status == FAILED and look.asked.on_failure == "closed"
    return BLOCKED if is_closed else finding


def verdict(look: Look, what: Seen, *, of: Part, outcome: Outcome | None = None) -> GuardVerdict:
    """Write down what a look said."""
    found = what.found
    names = found.names if found else ()
    return GuardVerdict(
        guard=look.guard,
        of=of,
        by=look.by,
        version=found.version if found else "",
        status=what.status,
        reason=", ".join(filter(None, dict.fromkeys((what.reason, *names)))),
        outcome=outcome,
        threshold=found.threshold if found else None,
        score=found.score if found else None,
        passages=tuple(found.passages) if found else (),
        ms=round(what.ms, 3),
    )


def is_blocked(verdicts: Sequence[GuardVerdict]) -> bool:
    """Tell whether one of them ends the answer."""
    return any(each.outcome == BLOCKED for each in verdicts)


def degraded(verdicts: Sequence[GuardVerdict]) -> list[str]:
    """Name the guards that could not look, where the answer went on without them."""
    failed = (each for each in verdicts if each.status == FAILED and each.outcome != BLOCKED)
    return list(dict.fromkeys(f"{each.guard} guard" for each in failed))


async def apart(see: Callable[[], T], *, size: int) -> T:
    """Let rules look at so many characters; at many beside everything else that is under way."""
    return await asyncio.to_thread(see) if size > LARGE else see()


def by_rules(
    guard: str, asked: Guard | None, see: Callable[[], Looked], *,
    finding: Outcome = BLOCKED, size: int = 0,
) -> list[Look]:  # fmt: skip
    """Make the look of a guard's rules; none if the release does not ask for it.

    Args:
        size: characters that they look at.
    """
    if asked is None:
        return []

    async def look() -> Looked:
        return await apart(see, size=size)

    return [Look(guard=guard, asked=asked, by=RULES, see=look, finding=finding)]


def by_classifier(
    guard: str, asked: JudgedGuard | None, see: Callable[[], Awaitable[Looked]], *,
    finding: Outcome = BLOCKED, so_far: Callable[[], Found | None] = _nothing,
) -> list[Look]:  # fmt: skip
    """Make the look of a guard's classifier; none if the release does not ask for the guard."""
    if asked is None:
        return []
    return [Look(guard=guard, asked=asked, by=CLASSIFIER, see=see, finding=finding, so_far=so_far)]


async def scored(
    classifier: Classifier | None, head: str, texts: Sequence[Text], *, threshold: float | None
) -> Looked:
    """Ask a head, and judge what it says of each text."""
    if classifier is None or not has_head(classifier, head):
        return NotLooked(reason=NO_CLASSIFIER)
    scores = await classifier.score(head, texts)
    return judged(head, scores.each(), threshold=threshold)


def judged(head: str, scores: Sequence[Score], *, threshold: float | None) -> Found:
    """Judge texts by their scores: a finding is what reaches the threshold, or was not read whole.

    That a text cannot be read to its end is no outage: who wrote it has made it so.

    Args:
        scores: at least one.
        threshold: the release's; None: as measured with the head.

    Returns: `passages` are the places of the findings among the scores.
    """

    def least(score: Score) -> float:
        return score.threshold if threshold is None else threshold

    def name(score: Score) -> str:
        return head if score.value >= least(score) else UNREADABLE * (not score.is_whole)

    named = {at: name(score) for at, score in enumerate(scores) if name(score)}
    worst = max(scores, key=lambda score: score.value)
    return Found(
        version=worst.version,
        names=sorted(named.values()),
        score=worst.value,
        threshold=least(worst),
        passages=list(named),
    )


def has_head(classifier: Classifier, head: str) -> bool:
    """Tell whether it looks for that at all; if not, nobody needs to ask it."""
    try:
        classifier.version(head)
    except Missing:
        return False
    return True
