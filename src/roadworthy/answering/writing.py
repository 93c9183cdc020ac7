"""Write the answer: a kept one again, a smaller model's, the release's own; or say why not."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing

from roadworthy.answering.abstention import abstention
from roadworthy.answering.budgeting import BudgetCheck
from roadworthy.answering.cached import Cache, keepable, replayed
from roadworthy.answering.first_try import first_try
from roadworthy.answering.guarding import Guarding, guarded
from roadworthy.answering.progress import Progress
from roadworthy.answering.records import (
    ABSTAINED,
    ANSWERED,
    BLOCKED,
    Answerer,
    Event,
    Task,
    TextPiece,
    Written,
)
from roadworthy.answering.refusals import refusal, withheld
from roadworthy.answering.spending import spared_by_smaller
from roadworthy.core.errors import Busy, Unavailable
from roadworthy.core.identity import Principal
from roadworthy.gateway.prices import PriceBook
from roadworthy.traces import Stage
from roadworthy.traces.records import FIRST_TRY, QUOTE, WRITE


class Writing:
    """Writes answers, each for one principal, and keeps in its progress what was told."""

    def __init__(
        self,
        *,
        answerers: Mapping[str, Answerer],
        guarding: Guarding,
        prices: PriceBook,
        budgets: BudgetCheck,
    ) -> None:
        self._answerers = answerers
        self._guarding = guarding
        self._prices = prices
        self._budgets = budgets

    async def answer(
        self, principal: Principal, task: Task | None, progress: Progress
    ) -> AsyncGenerator[Event]:
        """Answer from what a task has; where a guard allowed none, say so."""
        if task is None:
            progress.outcome = BLOCKED
            say = withheld if progress.making else refusal
            progress.text = say(progress.language)
            yield TextPiece(text=progress.text)
            return
        progress.guards = self._guarding.of_answer(task)
        is_chat = task.release.answerer == "chat"
        if is_chat:
            await self._check_budgets(principal, progress)
            writing = self._write(task, progress)
        else:
            writing = self._write_or_abstain(principal, task, progress)
        async with aclosing(writing) as events:
            async for event in events:
                yield event
        if is_chat:
            progress.outcome = ANSWERED
        if progress.guards.is_blocked:
            progress.outcome = BLOCKED
            if not progress.text.strip():
                progress.text = withheld(progress.language)
                yield TextPiece(text=progress.text)

    async def _write_or_abstain(
        self, principal: Principal, task: Task, progress: Progress
    ) -> AsyncGenerator[Event]:
        """Call the answerer only when the hits are about the question at all."""
        assert progress.guards is not None
        if task.context.hits and progress.relevance >= task.release.least_relevance:
            async with aclosing(self._write_or_repeat(principal, task, progress)) as events:
                async for event in events:
                    yield event
        progress.outcome = ANSWERED if progress.text.strip() else ABSTAINED
        if progress.outcome == ABSTAINED and not progress.guards.is_blocked:
            hits = task.context.hits
            otherwise = hits[0].language if hits else "en"
            progress.text = abstention(progress.language, otherwise=otherwise)
            yield TextPiece(text=progress.text)

    async def _write_or_repeat(
        self, principal: Principal, task: Task, progress: Progress
    ) -> AsyncGenerator[Event]:
        """Call the answerer only when nobody asked the same before and read the same."""
        # Kept answers are found by their questions' vectors.
        cache = progress.cache if task.release.cache and task.query is not None else None
        if cache is not None:
            yield await self._look(principal, task, progress, cache=cache)
        assert progress.guards is not None
        if progress.cached is not None:
            again = _told(replayed(progress.cached, task.context), progress)
            async with aclosing(again) as events:
                async for event in events:
                    yield event
            return
        if task.release.answerer == "generate":
            await self._check_budgets(principal, progress)
        async with aclosing(self._write_in_turn(task, progress)) as events:
            async for event in events:
                yield event
        if cache is not None and not progress.guards.is_blocked:
            progress.reusable = keepable(
                task,
                progress.text,
                progress.citations,
                degraded=progress.lacking,
                verdicts=progress.said,
            )

    async def _look(
        self, principal: Principal, task: Task, progress: Progress, *, cache: Cache
    ) -> Stage:
        """Look for a kept answer; where that is down or slow, go on without: open, and said."""
        making = progress.making
        assert making is not None
        assert progress.searched_for is not None
        known = making.documents or frozenset()
        # A deletion waits until it is known again: the answer may be made from others, too.
        making.documents = None
        with progress.stage("cache") as notes:
            try:
                filters = progress.searched_for.filters
                progress.cached = await cache.find(principal, task, filters=filters)
            except (Unavailable, Busy, TimeoutError):
                progress.degraded.append("cache")
            notes.append("hit" if progress.cached else "miss")
        making.documents = known | frozenset(progress.cached.documents if progress.cached else ())
        return progress.stages[-1]

    async def _check_budgets(self, principal: Principal, progress: Progress) -> None:
        assert progress.release is not None
        progress.warnings += await self._budgets.check(
            principal, release=progress.release.name, key_id=progress.begun.key_id
        )

    async def _write_in_turn(self, task: Task, progress: Progress) -> AsyncGenerator[Event]:
        """Let the smaller model write if there is one; where that is doubted, the release's own."""
        writing = None
        if task.release.first_try is not None:
            with progress.stage(FIRST_TRY) as notes:
                answerer = self._answerers[task.release.answerer]
                tried = await first_try(task, answerer, self._guarding)
                notes.append(tried.note)
            progress.first_tried = tried.outcome
            yield progress.stages[-1]
            if tried.doubt is None:
                progress.avoided = spared_by_smaller(task.release, tried.calls, self._prices)
                writing = _told(tried.written, progress)
        async with aclosing(writing or self._write(task, progress)) as events:
            async for event in events:
                yield event

    async def _write(self, task: Task, progress: Progress) -> AsyncGenerator[Event]:
        assert progress.guards is not None
        answerer = self._answerers[task.release.answerer]
        with progress.stage(QUOTE if task.release.answerer == "extract" else WRITE):
            async with aclosing(guarded(answerer.write(task), progress.guards)) as pieces:
                async for written in pieces:
                    event = progress.note(written)
                    if event is not None:
                        yield event
        yield progress.stages[-1]


async def _told(written: Iterable[Written], progress: Progress) -> AsyncGenerator[Event]:
    """Tell what is there already; the guards look at it as at what is written now."""
    assert progress.guards is not None
    async with aclosing(guarded(_one_by_one(written), progress.guards)) as pieces:
        async for each in pieces:
            event = progress.note(each)
            if event is not None:
                yield event


async def _one_by_one(written: Iterable[Written]) -> AsyncGenerator[Written]:
    for each in written:
        yield each
