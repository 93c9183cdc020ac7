"""The request path: admitted, release, screen, find, write, record; in time, however it ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from roadworthy.answering.admission import Bounds
from roadworthy.answering.budgeting import BudgetCheck
from roadworthy.answering.cached import Cache
from roadworthy.answering.conversation import as_conversed, as_looked_for, check_turns
from roadworthy.answering.converse import conversation
from roadworthy.answering.finding import Finding
from roadworthy.answering.guarding import Guarding
from roadworthy.answering.in_flight import InFlight
from roadworthy.answering.judging import Judging
from roadworthy.answering.progress import Progress
from roadworthy.answering.records import Answerer, Asked, Event
from roadworthy.answering.writing import Writing
from roadworthy.core.clock import now
from roadworthy.core.errors import Busy, Conflict, Invalid, Missing, Refused, RoadworthyError
from roadworthy.core.identity import Principal
from roadworthy.core.ids import new_id
from roadworthy.gateway.calls import Call
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.prices import PriceBook
from roadworthy.gateway.reranking import Reranker
from roadworthy.guardrails.looking import is_blocked
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.traces import Begun, Trace, TraceRecorder


class AnsweringService:
    """Answers questions, each for one principal."""

    def __init__(  # noqa: PLR0913 - whatever an answer may need
        self,
        *,
        database: Database,
        embedders: Mapping[str, SpaceEmbedder],
        answerers: Mapping[str, Answerer],
        recorder: TraceRecorder,
        pseudonym: Callable[[Principal], str],
        in_flight: InFlight,
        bounds: Bounds,
        prices: PriceBook,
        reranker: Reranker | None = None,
        cache: Cache | None = None,
        guarding: Guarding | None = None,
        judging: Judging | None = None,
    ) -> None:
        self._recorder = recorder
        self._pseudonym = pseudonym
        self._in_flight = in_flight
        self._bounds = bounds
        self._prices = prices
        self._cache = cache
        self._guarding = guarding or Guarding()
        self._finding = Finding(
            database=database,
            embedders=embedders,
            in_flight=in_flight,
            searches=bounds.searches,
            guarding=self._guarding,
            judging=judging or Judging(),
            reranker=reranker,
        )
        self._writing = Writing(
            answerers=answerers,
            guarding=self._guarding,
            prices=prices,
            budgets=BudgetCheck(database=database, recorder=recorder),
        )

    async def answer(
        self,
        principal: Principal,
        asked: Asked,
        *,
        deadline: Deadline | None = None,
        on_call: Callable[[Call], None] = lambda _: None,
        on_end: Callable[[Trace], None] = lambda _: None,
    ) -> AsyncGenerator[Event]:
        """Answer a question from what `principal` may see; the last event is the Answer.

        However it ends, a trace says so: also when the caller goes away in the middle.

        Args:
            deadline: by when; None: as long as somebody may wait for it.
            on_call: told of each call of a chat model, however it ended.
            on_end: told of the trace, once, however the answer ended.

        Raises:
            Invalid: the question, the release or the filter is unusable.
            Missing: there is no such release or corpus.
            Busy: too many questions are being answered.
            Conflict: a document that the answer is made from was deleted meanwhile.
            Unavailable: something that this release needs is down.
        """
        deadline = deadline or self._bounds.deadline(asked.timeout_s)
        progress = Progress(
            begun=self._begin(principal, asked),
            deadline=deadline,
            prices=self._prices,
            cache=self._cache if asked.cache else None,
            on_call=on_call,
        )
        try:
            admitted = deadline.bounded(self._admitted(principal, asked, progress))
            async with aclosing(admitted) as events:
                async for event in events:
                    if progress.making is not None:
                        progress.making.check()
                    yield event
        except (Invalid, Missing, Refused, Busy, Conflict) as error:
            progress.outcome, progress.problem = "refused", error.message
            raise
        except RoadworthyError as error:
            progress.outcome, progress.problem = "failed", error.message
            raise
        except (GeneratorExit, asyncio.CancelledError):
            raise  # cancelled, unless the whole answer had been given
        except BaseException as error:
            progress.outcome, progress.problem = "failed", type(error).__name__
            raise
        finally:
            on_end(self._end(progress))

    async def _admitted(
        self, principal: Principal, asked: Asked, progress: Progress
    ) -> AsyncGenerator[Event]:
        async with self._bounds.answers.place(tenant_id=principal.tenant_id) as waited_s:
            progress.wait(waited_s)
            async with aclosing(self._answer(principal, asked, progress)) as events:
                async for event in events:
                    yield event

    async def _answer(
        self, principal: Principal, asked: Asked, progress: Progress
    ) -> AsyncGenerator[Event]:
        check_turns(asked.turns)
        with progress.stage("release"):
            release, looked = await self._finding.release(principal, asked, progress)
        # What will be read of the conversation: all of it where a model reads it.
        question = as_looked_for(asked.turns, looked.query) if looked else as_conversed(asked.turns)
        with progress.stage("screen"):
            progress.verdicts += await self._guarding.of_question(question, release=release)
        if is_blocked(progress.verdicts):
            task = None
        elif looked is None:
            task = conversation(asked, release, progress)
        else:
            task = await self._finding.task(principal, looked, progress)
        for stage in progress.stages:
            yield stage
        async with aclosing(self._writing.answer(principal, task, progress)) as events:
            async for event in events:
                yield event
        yield progress.answer()

    def _end(self, progress: Progress) -> Trace:
        making = progress.making
        if making is not None and making.is_over:
            progress.text, progress.problem = "", None
        try:
            trace = progress.trace()
            self._recorder.end(trace)
        finally:
            if making is not None:  # deletions wait for it
                self._in_flight.end(making)
        return trace

    def _begin(self, principal: Principal, asked: Asked) -> Begun:
        begun = Begun(
            id=new_id(),
            tenant_id=principal.tenant_id,
            pseudonym=self._pseudonym(principal),
            surface=asked.surface,
            question=asked.turns[-1].content if asked.turns else "",
            started_at=now(),
            key_id=asked.key_id,
        )
        self._recorder.begin(begun)
        return begun
