"""The request path: whole question, release, search, is it there at all, write, record."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace

from roadworthy.answering.abstention import abstention
from roadworthy.answering.context import NOTHING, Context
from roadworthy.answering.conversation import whole_question
from roadworthy.answering.embedding import Aimed, aim, embed_or_degrade
from roadworthy.answering.in_flight import InFlight, Making
from roadworthy.answering.reading import noted, read, searched_for
from roadworthy.answering.records import (
    ABSTAINED,
    ANSWERED,
    Answer,
    Answerer,
    Asked,
    Citation,
    CitationInvented,
    Degraded,
    Event,
    ModelCalled,
    NotInDocuments,
    Task,
    TextPiece,
    Written,
)
from roadworthy.answering.relevance import relevance
from roadworthy.answering.searching import told_or_detected, trace_hits
from roadworthy.core.clock import now
from roadworthy.core.errors import Busy, Conflict, Invalid, Missing, Refused, RoadworthyError
from roadworthy.core.identity import Principal
from roadworthy.core.ids import new_id
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.corpus.languages import Spoken
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.reranking import Reranker
from roadworthy.plumbing.database import Database
from roadworthy.releases import Release, find_release
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.filters import Filter, both
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.retrieval.query import Query, read_question
from roadworthy.retrieval.reranking import rerank
from roadworthy.retrieval.search import Hit, search
from roadworthy.traces import Begun, Reading, SearchedFor, Stage, Trace, TraceRecorder


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What is known of an interaction so far."""

    begun: Begun
    outcome: str = "cancelled"
    problem: str | None = None
    release: StoredRelease | None = None
    language: str = "und"
    searched_for: SearchedFor | None = None
    relevance: float = 0.0
    stages: list[Stage] = field(default_factory=list)
    making: Making | None = None
    context: Context = NOTHING
    reading: Reading | None = None
    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    model_ms: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    invented_citations: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        notes: list[str] = []
        began = time.perf_counter()
        try:
            yield notes
        finally:
            ms = (time.perf_counter() - began) * 1000
            self.stages.append(Stage(name=name, ms=ms, note="; ".join(notes)))


class AnsweringService:
    """Answers questions, each for one principal."""

    def __init__(
        self,
        *,
        database: Database,
        embedders: Mapping[str, SpaceEmbedder],
        answerers: Mapping[str, Answerer],
        recorder: TraceRecorder,
        pseudonym: Callable[[Principal], str],
        in_flight: InFlight,
        most_concurrent: int,
        reranker: Reranker | None = None,
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._answerers = answerers
        self._recorder = recorder
        self._pseudonym = pseudonym
        self._in_flight = in_flight
        self._most_concurrent = most_concurrent
        self._reranker = reranker
        self._running = 0

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
        progress = _Progress(begun=self._begin(principal, asked))
        try:
            with self._counted():
                async with aclosing(self._answer(principal, asked, progress)) as events:
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

    async def _answer(
        self, principal: Principal, asked: Asked, progress: _Progress
    ) -> AsyncGenerator[Event]:
        query = _read(asked, progress)
        with progress.stage("release"):
            asked_in = told_or_detected(read_question(asked.turns[-1].content).text, asked.language)
            progress.language = asked_in.language
            stored, corpus, aimed = await self._release(
                principal, asked.release, progress, asked_in=asked_in
            )
        with progress.stage("embed"):
            embedded = await embed_or_degrade(aimed, query.text)
        progress.model_ms += progress.stages[-1].ms
        progress.degraded += embedded.degraded
        progress.making = self._in_flight.begin(principal.tenant_id)
        with progress.stage("retrieve") as notes:
            found, progress.context = await self._retrieve(
                principal,
                query.text,
                queries=embedded.queries,
                corpus=corpus,
                among=query.among,
                stored=stored,
                notes=notes,
            )
        progress.making.documents = frozenset(hit.document_id for hit in found)
        with progress.stage("judge"):
            # Of what was found: it is fitted to the cosines of the best, whatever is read first.
            progress.relevance = relevance(query.text, progress.context.hits)
        is_relevant = progress.relevance >= stored.release.least_relevance
        if is_relevant and stored.release.rerank is not None:
            await self._rerank(query.text, found, release=stored.release, progress=progress)
        progress.making.documents = frozenset(hit.document_id for hit in progress.context.named)
        progress.reading = noted(progress.context)
        for stage in progress.stages:
            yield stage
        task = Task(
            release=stored.release,
            question=query.text,
            language=progress.language,
            query=embedded.queries[0] if embedded.queries else None,
            context=progress.context,
            embedder=embedded.embedder,
        )
        async with aclosing(self._write_or_abstain(task, progress)) as events:
            async for event in events:
                yield event
        yield _finished(progress)

    async def _write_or_abstain(self, task: Task, progress: _Progress) -> AsyncGenerator[Event]:
        """Call the answerer only when the hits are about the question at all."""
        if task.context.hits and progress.relevance >= task.release.least_relevance:
            async with aclosing(self._write(task, progress)) as events:
                async for event in events:
                    yield event
        progress.outcome = ANSWERED if progress.text.strip() else ABSTAINED
        if progress.outcome == ABSTAINED:
            progress.text = self._abstention(progress)
            yield TextPiece(text=progress.text)

    async def _release(
        self, principal: Principal, name: str | None, progress: _Progress, *, asked_in: Spoken
    ) -> tuple[StoredRelease, Corpus, Aimed]:
        tenant_id = principal.tenant_id
        async with self._database.read_as(principal) as conn:
            progress.release = stored = await find_release(conn, tenant_id=tenant_id, name=name)
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=stored.release.corpus)
            aimed = await aim(
                conn,
                tenant_id=tenant_id,
                corpus=corpus,
                stored=stored,
                spoken=asked_in,
                embedders=self._embedders,
            )
        return stored, corpus, aimed

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
    ) -> tuple[Sequence[Hit], Context]:
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
        return found.hits, read(found.hits, release)

    async def _rerank(
        self, question: str, found: Sequence[Hit], *, release: Release, progress: _Progress
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

    async def _write(self, task: Task, progress: _Progress) -> AsyncGenerator[Event]:
        answerer = self._answerers[task.release.answerer]
        with progress.stage("write"):
            async with aclosing(answerer.write(task)) as pieces:
                async for written in pieces:
                    event = _noted(written, progress)
                    if event is not None:
                        yield event
        yield progress.stages[-1]

    def _end(self, progress: _Progress) -> None:
        making = progress.making
        if making is not None and making.is_over:
            progress.text, progress.problem = "", None
        self._recorder.end(_trace(progress))
        if making is not None:
            self._in_flight.end(making)

    def _begin(self, principal: Principal, asked: Asked) -> Begun:
        begun = Begun(
            id=new_id(),
            tenant_id=principal.tenant_id,
            pseudonym=self._pseudonym(principal),
            surface=asked.surface,
            question=asked.turns[-1].content if asked.turns else "",
            started_at=now(),
        )
        self._recorder.begin(begun)
        return begun

    def _abstention(self, progress: _Progress) -> str:
        hits = progress.context.hits
        otherwise = hits[0].language if hits else "en"
        return abstention(progress.language, otherwise=otherwise)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._running >= self._most_concurrent:
            raise Busy("Too many questions are being answered; try again in a second.")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


def _read(asked: Asked, progress: _Progress) -> Query:
    """Part the question into what is looked for and where, and note it."""
    query = whole_question(asked.turns)
    query = replace(query, among=both(query.among, asked.among))
    progress.searched_for = SearchedFor(text=query.text, filters=query.among.conditions)
    return query


def _noted(written: Written, progress: _Progress) -> TextPiece | Citation | None:
    match written:
        case TextPiece():
            progress.text += written.text
            return written
        case Citation():
            progress.citations.append(written)
            return written
        case ModelCalled():
            progress.model_ms += written.ms
            progress.input_tokens += written.input_tokens
            progress.output_tokens += written.output_tokens
        case CitationInvented():
            progress.invented_citations += 1
        case Degraded():
            progress.degraded.append(written.what)
        case NotInDocuments():
            pass
    return None


def _finished(progress: _Progress) -> Answer:
    assert progress.release is not None
    assert progress.searched_for is not None
    return Answer(
        id=progress.begun.id,
        outcome=progress.outcome,
        text=progress.text,
        language=progress.language,
        searched_for=progress.searched_for,
        citations=tuple(progress.citations),
        release=progress.release.name,
        release_hash=progress.release.hash,
        relevance=progress.relevance,
        reading=progress.reading,
        stages=tuple(progress.stages),
        degraded=tuple(progress.degraded),
        model_ms=progress.model_ms,
        input_tokens=progress.input_tokens,
        output_tokens=progress.output_tokens,
        invented_citations=progress.invented_citations,
    )


def _trace(progress: _Progress) -> Trace:
    cited = frozenset(citation.passage_id for citation in progress.citations)
    return Trace(
        begun=progress.begun,
        ended_at=now(),
        outcome=progress.outcome,
        problem=progress.problem,
        release_name=progress.release.name if progress.release else None,
        release_hash=progress.release.hash if progress.release else None,
        language=progress.language,
        searched_for=progress.searched_for,
        stages=tuple(progress.stages),
        hits=tuple(trace_hits(progress.context.named, cited=cited)),
        reading=progress.reading,
        answer=progress.text or None,
        input_tokens=progress.input_tokens,
        output_tokens=progress.output_tokens,
        degraded=tuple(progress.degraded),
    )
