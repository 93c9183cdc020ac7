"""The request path: whole question, release, search, is it there at all, write, record."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from roadworthy.answering.abstention import abstention
from roadworthy.answering.admission import Bounds
from roadworthy.answering.cached import Cache, keepable, replayed
from roadworthy.answering.context import NOTHING, estimated_tokens
from roadworthy.answering.conversation import check_turns, whole_question
from roadworthy.answering.embedding import Aimed, Embedded, aim, embed_or_degrade
from roadworthy.answering.first_try import first_try
from roadworthy.answering.guarding import Guarding, guarded
from roadworthy.answering.in_flight import InFlight
from roadworthy.answering.judging import CLOSELY, Judging
from roadworthy.answering.progress import Progress
from roadworthy.answering.reading import noted, read, searched_for
from roadworthy.answering.records import (
    ABSTAINED,
    ANSWERED,
    BLOCKED,
    Answerer,
    Asked,
    Event,
    Task,
    TextPiece,
    Written,
)
from roadworthy.answering.refusals import refusal, withheld
from roadworthy.answering.searching import told_or_detected
from roadworthy.answering.spending import spared_by_smaller
from roadworthy.core.clock import now
from roadworthy.core.errors import (
    Busy,
    Conflict,
    Invalid,
    Missing,
    Refused,
    RoadworthyError,
    Unavailable,
)
from roadworthy.core.identity import Principal
from roadworthy.core.ids import new_id
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.prices import PriceBook
from roadworthy.gateway.reranking import Reranker
from roadworthy.guardrails.looking import is_blocked
from roadworthy.guardrails.questions import Question
from roadworthy.plumbing.database import Database
from roadworthy.releases import Release, find_release
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.filters import Filter, both
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.retrieval.query import Query, read_question
from roadworthy.retrieval.reranking import rerank
from roadworthy.retrieval.search import LONGEST_QUESTION, Hit, search
from roadworthy.traces import (
    Begun,
    SearchedFor,
    Stage,
    TraceRecorder,
)
from roadworthy.traces.budgets import check_budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class _LookedFor:
    """What a question looks for, and where."""

    query: Query
    corpus: Corpus
    aimed: Aimed


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
        self._database = database
        self._embedders = embedders
        self._answerers = answerers
        self._recorder = recorder
        self._pseudonym = pseudonym
        self._in_flight = in_flight
        self._bounds = bounds
        self._prices = prices
        self._reranker = reranker
        self._cache = cache
        self._guarding = guarding or Guarding()
        self._judging = judging or Judging()

    async def answer(self, principal: Principal, asked: Asked) -> AsyncGenerator[Event]:
        """Answer a question from what `principal` may see; the last event is the Answer.

        However it ends, a trace says so: also when the caller goes away in the middle.

        Raises:
            Invalid: the question, the release or the filter is unusable.
            Missing: there is no such release or corpus.
            Busy: too many questions are being answered.
            Conflict: a document that the answer is made from was deleted meanwhile.
            Unavailable: something that this release needs is down.
        """
        deadline = self._bounds.deadline(asked.timeout_s)
        progress = Progress(
            begun=self._begin(principal, asked),
            deadline=deadline,
            cache=self._cache if asked.cache else None,
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
            self._end(progress)

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
            stored, looked = await self._release(principal, asked, progress)
        await self._screen(asked, looked, release=stored.release, progress=progress)
        task = None
        if not is_blocked(progress.verdicts):
            task = (
                _conversation(asked, stored.release, progress)
                if looked is None
                else await self._task(principal, looked, progress, stored=stored)
            )
        for stage in progress.stages:
            yield stage
        async with aclosing(self._answered(principal, task, progress)) as events:
            async for event in events:
                yield event
        yield progress.answer()

    async def _screen(
        self, asked: Asked, looked: _LookedFor | None, *, release: Release, progress: Progress
    ) -> None:
        """Look at what will be read of the conversation: all of it where a model reads it."""
        question = _conversed(asked) if looked is None else _looked_for(asked, looked.query)
        with progress.stage("screen"):
            progress.verdicts += await self._guarding.of_question(question, release=release)

    async def _answered(
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
        writing = (
            self._write(task, progress)
            if is_chat
            else self._write_or_abstain(principal, task, progress)
        )
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

    async def _task(
        self,
        principal: Principal,
        looked: _LookedFor,
        progress: Progress,
        *,
        stored: StoredRelease,
    ) -> Task | None:
        """Find what the answer is made from; None: a guard lets nothing of it be read."""
        release = stored.release
        query, corpus, aimed = looked.query, looked.corpus, looked.aimed
        # Not in a search's place: a model that hangs is not to keep those who do without it.
        embedded = await self._embed(query.text, aimed, progress)
        tenant_id = principal.tenant_id
        place = self._bounds.searches.place(tenant_id=tenant_id, waited_s=progress.waited_s)
        async with place as waited_s:
            progress.wait(waited_s)
            progress.making = self._in_flight.begin(tenant_id)
            with progress.stage("retrieve") as notes:
                found = await self._retrieve(
                    principal,
                    query.text,
                    queries=embedded.queries,
                    corpus=corpus,
                    among=query.among,
                    stored=stored,
                    notes=notes,
                )
        progress.making.documents = frozenset(hit.document_id for hit in found)
        found = await self._screen_passages(found, release=release, progress=progress)
        if is_blocked(progress.verdicts):
            return None
        progress.context = read(found, release)
        await self._judge(query.text, progress)
        is_relevant = progress.relevance >= release.least_relevance
        if is_relevant and release.rerank is not None:
            await self._rerank(query.text, found, release=release, progress=progress)
        progress.making.documents = frozenset(hit.document_id for hit in progress.context.named)
        progress.reading = noted(progress.context)
        return Task(
            release=release,
            question=query.text,
            language=progress.language,
            query=embedded.queries[0] if embedded.queries else None,
            context=progress.context,
            embedder=embedded.embedder,
            deadline=progress.deadline,
            mark=secrets.token_hex(8),
            on_call=progress.called,
        )

    async def _screen_passages(
        self, found: Sequence[Hit], *, release: Release, progress: Progress
    ) -> Sequence[Hit]:
        with progress.stage("screen passages"):
            screened = await self._guarding.of_passages(found, release=release)
            progress.verdicts += screened.verdicts
            progress.scored += screened.scored
        return screened.hits

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
            progress.text = self._abstention(progress)
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
            )

    async def _release(
        self, principal: Principal, asked: Asked, progress: Progress
    ) -> tuple[StoredRelease, _LookedFor | None]:
        """Find the release and what it looks for; None: it reads no documents."""
        tenant_id = principal.tenant_id
        asked_in = told_or_detected(_alone(asked), asked.language)
        progress.language = asked_in.language
        async with self._database.read_as(principal) as conn:
            stored = await find_release(conn, tenant_id=tenant_id, name=asked.release)
            progress.release = stored
            if stored.release.answerer == "chat":
                _check_conversation(asked, stored)
                return stored, None
            query = _read(asked, progress)
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=stored.release.corpus)
            aimed = await aim(
                conn,
                tenant_id=tenant_id,
                corpus=corpus,
                stored=stored,
                spoken=asked_in,
                embedders=self._embedders,
            )
        return stored, _LookedFor(query=query, corpus=corpus, aimed=aimed)

    async def _embed(self, question: str, aimed: Aimed, progress: Progress) -> Embedded:
        with progress.stage("embed"):
            embedded = await embed_or_degrade(aimed, question, deadline=progress.deadline)
        progress.model_ms += progress.stages[-1].ms
        progress.degraded += embedded.degraded
        return embedded

    async def _retrieve(
        self,
        principal: Principal,
        question: str,
        *,
        queries: Sequence[QueryVector],
        corpus: Corpus,
        among: Filter,
        stored: StoredRelease,
        notes: list[str],
    ) -> Sequence[Hit]:
        release = stored.release
        found = await self._database.look_as(
            principal,
            lambda conn: search(
                conn,
                question,
                queries=queries,
                corpus=corpus,
                tenant_id=principal.tenant_id,
                among=among,
                limit=searched_for(release),
                fusion=fusion_of(release),
            ),
        )
        notes.extend(found.paths)
        return found.hits

    async def _judge(self, question: str, progress: Progress) -> None:
        """Judge what was found: the fit is to the cosines of the best, whatever is read first."""
        with progress.stage("judge") as notes:
            judged = await self._judging.of(question, progress.context.hits)
            notes.extend([CLOSELY] * judged.is_close)
        progress.relevance = judged.relevance
        progress.degraded += judged.degraded
        if judged.is_close or judged.degraded:
            progress.model_ms += progress.stages[-1].ms

    async def _rerank(
        self, question: str, found: Sequence[Hit], *, release: Release, progress: Progress
    ) -> None:
        """Let another order of the hits decide what is read; no connection waits for it."""
        assert release.rerank is not None
        with progress.stage("rerank"):
            hits, without = await rerank(
                question, found, reranker=self._reranker, asked=release.rerank
            )
            progress.degraded += without
            if not without:
                progress.context = read(hits, release)
        progress.model_ms += progress.stages[-1].ms

    async def _check_budgets(self, principal: Principal, progress: Progress) -> None:
        """Let a model be called while its budgets last: closed, where they cannot be read.

        Raises:
            Busy: a hard limit is reached; the fact `retry_after_s` says until when.
            Unavailable: nobody can say.
        """
        assert progress.release is not None
        async with self._database.read_as(principal) as conn:
            progress.warnings += await check_budgets(
                conn, release=progress.release.name, key_id=progress.begun.key_id
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

    async def _write_in_turn(self, task: Task, progress: Progress) -> AsyncGenerator[Event]:
        """Let the smaller model write if there is one; where that is doubted, the release's own."""
        writing = None
        if task.release.first_try is not None:
            with progress.stage("first try") as notes:
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
        with progress.stage("write"):
            async with aclosing(guarded(answerer.write(task), progress.guards)) as pieces:
                async for written in pieces:
                    event = progress.note(written)
                    if event is not None:
                        yield event
        yield progress.stages[-1]

    def _end(self, progress: Progress) -> None:
        making = progress.making
        if making is not None and making.is_over:
            progress.text, progress.problem = "", None
        try:
            self._recorder.end(progress.trace())
        finally:
            if making is not None:  # deletions wait for it
                self._in_flight.end(making)

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

    def _abstention(self, progress: Progress) -> str:
        hits = progress.context.hits
        otherwise = hits[0].language if hits else "en"
        return abstention(progress.language, otherwise=otherwise)


def _check_conversation(asked: Asked, stored: StoredRelease) -> None:
    if asked.among.conditions:
        raise Invalid(f"The release {stored.name!r} reads no documents; leave the filter out.")
    most = stored.release.context_tokens
    if most is not None and sum(estimated_tokens(turn.content) for turn in asked.turns) > most:
        raise Invalid(
            f"The conversation is longer than the {most} tokens that the release {stored.name!r} "
            "reads of it; begin a new one."
        )


def _read(asked: Asked, progress: Progress) -> Query:
    """Part the question into what is looked for and where, and note it."""
    query = whole_question(asked.turns)
    query = replace(query, among=both(query.among, asked.among))
    progress.searched_for = SearchedFor(text=query.text, filters=query.among.conditions)
    return query


def _alone(asked: Asked) -> str:
    """Give what the last turn asks, without its filters."""
    return read_question(asked.turns[-1].content[:LONGEST_QUESTION]).text


def _looked_for(asked: Asked, query: Query) -> Question:
    """Give it as it is looked for; no question before it goes on in the last one."""
    last = _alone(asked)
    text = f"{query.text.removesuffix(last)}\n{last}" if query.text.endswith(last) else query.text
    return Question(text=text, turn=asked.turns[-1].content, asked=last, said=[query.text])


def _conversed(asked: Asked) -> Question:
    """Give all that a model will read, whoever is said to have said it: the client says so."""
    turns = [turn for turn in asked.turns if turn.content.strip()]
    return Question(
        text="\n\n".join(turn.content for turn in turns),
        turn=turns[-1].content,
        asked=_alone(asked),
        said=[turn.content for turn in turns if turn.role == "user"],
        written=[turn.content for turn in turns if turn.role != "user"],
    )


def _conversation(asked: Asked, release: Release, progress: Progress) -> Task:
    """Let a model go on with the turns; no documents are read."""
    return Task(
        release=release,
        question=asked.turns[-1].content,
        language=progress.language,
        query=None,
        context=NOTHING,
        embedder=None,
        deadline=progress.deadline,
        turns=asked.turns,
        on_call=progress.called,
    )


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
