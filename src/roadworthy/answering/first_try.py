"""Let a smaller model answer first; its answer is told where nothing speaks against it.

Nobody is told any of it before it is whole: a stream begins when that is decided.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from roadworthy.answering.guarding import Guarding, guarded
from roadworthy.answering.records import (
    BLOCKED,
    Answerer,
    Citation,
    CitationInvented,
    Degraded,
    NotInDocuments,
    Task,
    Written,
)
from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.calls import Call
from roadworthy.guardrails.answers import AnswerGuards
from roadworthy.guardrails.records import CHECKED, GROUNDING
from roadworthy.releases.guards import doubting

# Of the time that the answer has left: a model that hangs leaves the release's own enough.
MOST_OF_WHAT_IS_LEFT = 1 / 3
BELIEVED = "believed"
# What speaks against an answer by itself.
FAULTS = {
    NotInDocuments: "not there",
    CitationInvented: "cites what it was not given",
    Degraded: "cut off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What speaks against an answer."""

    kind: str  # one of few, to be counted
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a smaller model wrote."""

    written: Sequence[Written]
    calls: Sequence[Call]
    doubt: Doubt | None  # None: nothing speaks against it
    is_grounded: bool = False  # a classifier found each sentence in a passage

    @property
    def outcome(self) -> str:
        """Say in one of few words what came of it."""
        return self.doubt.kind if self.doubt else BELIEVED

    @property
    def note(self) -> str:
        """Say what came of it, and why."""
        if self.doubt:
            return f"doubted: {self.doubt.said}"
        return BELIEVED if self.is_grounded else f"{BELIEVED}, grounding not checked"


async def first_try(task: Task, answerer: Answerer, guarding: Guarding) -> Tried:
    """Let the smaller model of a release answer; its guards end it where they find anything."""
    calls = list[Call]()
    written = list[Written]()

    def on_call(call: Call) -> None:
        calls.append(call)
        task.on_call(call)

    smaller = _for_smaller(task, on_call)
    guards = guarding.of_answer(smaller)
    looked = guarded(_noted(answerer.write(smaller), written), guards)
    try:
        async with aclosing(looked) as pieces:
            async for _ in pieces:
                pass
    except (Invalid, Busy, Unavailable) as error:
        return Tried(written=(), calls=calls, doubt=Doubt(kind=error.kind, said=error.kind))
    return Tried(
        written=written,
        calls=calls,
        doubt=_blocking(guards) or _fault(task, written) or _unsure(task, calls),
        is_grounded=any(
            each.guard == GROUNDING and each.status == CHECKED for each in guards.verdicts()
        ),
    )


def _for_smaller(task: Task, on_call: Callable[[Call], None]) -> Task:
    """Give the same task, in a release of the smaller model."""
    release, first = task.release, task.release.first_try
    assert first is not None
    is_text = release.json_schema is None
    deadline_s = first.deadline_s
    if task.deadline is not None:
        deadline_s = min(deadline_s, MOST_OF_WHAT_IS_LEFT * task.deadline.left_s)
    changes = {
        "model": None,
        "route": first.route,
        "hedge_ms": None,
        "deadline_s": deadline_s,
        "guards": doubting(release.guards, grounded=is_text),
        "first_try": None,
    }
    return replace(
        task,
        release=release.model_copy(update=changes),
        asks_confidence=first.least_confidence is not None,
        on_call=on_call,
    )


async def _noted(
    pieces: AsyncGenerator[Written], written: list[Written]
) -> AsyncGenerator[Written]:
    async with aclosing(pieces):
        async for each in pieces:
            written.append(each)
            yield each


def _blocking(guards: AnswerGuards) -> Doubt | None:
    found = [each.guard for each in guards.verdicts() if each.outcome == BLOCKED]
    return Doubt(kind="guard", said=f"{', '.join(found)} guard") if found else None


def _fault(task: Task, written: Sequence[Written]) -> Doubt | None:
    faults = [FAULTS[type(each)] for each in written if type(each) in FAULTS]
    # JSON has no place for marks but inside its texts.
    needs_marks = task.release.json_schema is None
    if needs_marks and not any(isinstance(each, Citation) for each in written):
        faults.append("cites nothing")
    return Doubt(kind=faults[0], said=faults[0]) if faults else None


def _unsure(task: Task, calls: Sequence[Call]) -> Doubt | None:
    """Compare the mean probability of its tokens; what nobody tells is no evidence."""
    first = task.release.first_try
    assert first is not None
    if first.least_confidence is None:
        return None
    told = calls[-1].confidence if calls else None
    if told is None:
        return Doubt(kind="unsure", said="nobody tells how sure it is")
    is_sure = told >= first.least_confidence
    return None if is_sure else Doubt(kind="unsure", said=f"{told:.2f} sure")
