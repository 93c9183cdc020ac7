"""Search alone: the hits of a question, traced like an answer."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from roadworthy.answering.admission import Bounds
from roadworthy.answering.conversation import check_encodable
from roadworthy.answering.embedding import aim, embed_or_degrade
from roadworthy.answering.in_flight import InFlight
from roadworthy.answering.spending import Spent
from roadworthy.core.clock import now
from roadworthy.core.errors import RoadworthyError, Unavailable
from roadworthy.core.identity import Principal
from roadworthy.core.ids import new_id
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.languages import Spoken, spoken
from roadworthy.corpus.routing import check_language
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.prices import PriceBook
from roadworthy.gateway.reranking import Reranker
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.releases import find_release
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.filters import Filter, both
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.retrieval.query import read_search
from roadworthy.retrieval.reranking import rerank
from roadworthy.retrieval.search import Hit, check_limit, check_question, search
from roadworthy.traces import Begun, SearchedFor, Stage, Trace, TraceHit, TraceRecorder

FURTHER = "further matches"  # in `degraded`: more passages might be worded so than were read


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is searched for."""

    question: str  # as typed, with operators
    surface: str  # search, cli
    limit: int = 10
    release: str | None = None
    language: str | None = None  # of the question; None: it is detected
    key_id: uuid.UUID | None = None  # of the API key that asks; None: by command
    among: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The hits of a search."""

    id: uuid.UUID  # of the trace
    searched_for: SearchedFor
    hits: Sequence[Hit]
    visible_passages: int
    stages: Sequence[Stage]  # one after the other
    degraded: Sequence[str]
    ms: float  # in all, connections included


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was found, and how."""

    hits: Sequence[Hit]
    visible_passages: int
    degraded: Sequence[str]


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What is known of a search so far."""

    begun: Begun
    prices: PriceBook
    language: str = "und"
    searched_for: SearchedFor | None = None
    release: StoredRelease | None = None
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[Spent]:
        """Time a step, and note what it spends, however it ends."""
        spent = Spent(prices=self.prices)
        with spent.timed(name, into=self.stages):
            yield spent

    def trace(
        self, outcome: str, *, problem: str | None = None, found: _Found | None = None
    ) -> Trace:
        """Give what is recorded, however it ended."""
        return Trace(
            begun=self.begun,
            ended_at=now(),
            outcome=outcome,
            problem=problem,
            hits=tuple(trace_hits(found.hits)) if found else (),
            degraded=tuple(found.degraded) if found else (),
            release_name=self.release.name if self.release else None,
            release_hash=self.release.hash if self.release else None,
            language=self.language,
            searched_for=self.searched_for,
            stages=tuple(self.stages),
        )


class SearchService:
    """Searches, each time for one principal."""

    def __init__(
        self,
        *,
        database: Database,
        embedders: Mapping[str, SpaceEmbedder],
        recorder: TraceRecorder,
        pseudonym: Callable[[Principal], str],
        in_flight: InFlight,
        bounds: Bounds,
        prices: PriceBook,
        reranker: Reranker | None = None,
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._recorder = recorder
        self._pseudonym = pseudonym
        self._in_flight = in_flight
        self._bounds = bounds
        self._prices = prices
        self._reranker = reranker

    async def search(self, principal: Principal, sought: Sought) -> SearchResult:
        """Find the best passages that `principal` may see, by the live release's weights.

        Raises:
            Invalid, Missing, Busy, Unavailable: as when answering.
        """
        progress = _Progress(begun=self._begin(principal, sought), prices=self._prices)
        began = time.perf_counter()
        try:
            sought = _read(sought)
            searched_for = SearchedFor(text=sought.question, filters=sought.among.conditions)
            progress.searched_for = searched_for
            asked_in = told_or_detected(sought.question, sought.language)
            progress.language = asked_in.language
            found = await self._bounded(principal, sought, progress, asked_in=asked_in)
        except BaseException as error:
            self._recorder.end(_broken_off(progress, error))
            raise
        ms = (time.perf_counter() - began) * 1000
        self._recorder.end(progress.trace("found", found=found))
        return SearchResult(
            id=progress.begun.id,
            searched_for=searched_for,
            hits=found.hits,
            visible_passages=found.visible_passages,
            stages=tuple(progress.stages),
            degraded=found.degraded,
            ms=ms,
        )

    async def _bounded(
        self, principal: Principal, sought: Sought, progress: _Progress, *, asked_in: Spoken
    ) -> _Found:
        deadline, admission = self._bounds.deadline(), self._bounds.direct_searches
        async with (
            deadline.bounding(),
            admission.place(tenant_id=principal.tenant_id) as waited_s,
        ):
            return await self._search(
                principal,
                sought,
                progress,
                asked_in=asked_in,
                deadline=deadline,
                waited_s=waited_s,
            )

    async def _search(
        self,
        principal: Principal,
        sought: Sought,
        progress: _Progress,
        *,
        asked_in: Spoken,
        deadline: Deadline,
        waited_s: float,
    ) -> _Found:
        tenant_id = principal.tenant_id
        with progress.stage("release"):
            async with self._database.read_as(principal) as conn:
                stored = await find_release(conn, tenant_id=tenant_id, name=sought.release)
                progress.release = stored
                corpus = await find_corpus(conn, tenant_id=tenant_id, name=stored.release.corpus)
                aimed = await aim(
                    conn,
                    tenant_id=tenant_id,
                    corpus=corpus,
                    stored=stored,
                    spoken=asked_in,
                    embedders=self._embedders,
                )
        with progress.stage("embed") as spent:
            embedded = await embed_or_degrade(
                aimed, sought.question, deadline=deadline, on_use=spent.uses.append
            )
        asked = stored.release.rerank
        # Until its end: what is found in the meantime may be deleted.
        making = self._in_flight.begin(tenant_id)
        try:
            async with self._bounds.searches.place(tenant_id=tenant_id, waited_s=waited_s):
                found = await self._database.look_as(
                    principal,
                    lambda conn: search(
                        conn,
                        sought.question,
                        queries=embedded.queries,
                        corpus=corpus,
                        tenant_id=tenant_id,
                        among=sought.among,
                        limit=max(sought.limit, asked.candidates if asked else 0),
                        fusion=fusion_of(stored.release),
                    ),
                )
            progress.stages += _stages(found.ms, paths=found.paths)
            making.documents = frozenset(hit.document_id for hit in found.hits)
            hits, without = found.hits, list[str]()
            if asked is not None:
                with progress.stage("rerank") as spent:
                    hits, without = await rerank(
                        sought.question,
                        hits,
                        reranker=self._reranker,
                        asked=asked,
                        on_use=spent.uses.append,
                    )
            making.check()
        finally:
            self._in_flight.end(making)
        return _Found(
            hits=hits[: sought.limit],
            visible_passages=found.visible_passages,
            degraded=embedded.degraded + without + [FURTHER] * found.is_cut_short,
        )

    def _begin(self, principal: Principal, sought: Sought) -> Begun:
        begun = Begun(
            id=new_id(),
            tenant_id=principal.tenant_id,
            pseudonym=self._pseudonym(principal),
            surface=sought.surface,
            question=sought.question,
            started_at=now(),
            key_id=sought.key_id,
        )
        self._recorder.begin(begun)
        return begun


def _read(sought: Sought) -> Sought:
    """Part what was typed into the words that are looked for and the filters.

    Raises:
        Invalid: it is empty, too long or no text, or an operator in it cannot be meant; or too few
            or too many hits are asked for.
    """
    check_encodable(sought.question)
    check_question(sought.question)
    check_limit(sought.limit)
    query = read_search(sought.question)
    return replace(sought, question=query.text, among=both(query.among, sought.among))


def told_or_detected(question: str, told: str | None) -> Spoken:
    """Name the language of a question: as told, else detected.

    Raises:
        Invalid: what was told is no language.
    """
    if told is None:
        return spoken(question)
    return Spoken(language=check_language(told), is_certain=True)


def trace_hits(hits: Sequence[Hit], *, cited: frozenset[int] = frozenset()) -> list[TraceHit]:
    """Keep of each hit what a trace keeps: ids and scores, no text."""
    return [
        TraceHit(
            document_id=hit.document_id,
            passage_id=hit.passage_id,
            score=hit.score,
            keyword_score=hit.keyword_score,
            vector_score=hit.vector_score,
            cited=hit.passage_id in cited,
        )
        for hit in hits
    ]


def _stages(ms: Mapping[str, float], *, paths: Sequence[str]) -> Iterator[Stage]:
    notes = {"vectors": "; ".join(paths)}
    return (Stage(name=name, ms=took, note=notes.get(name, "")) for name, took in ms.items())


def _broken_off(progress: _Progress, error: BaseException) -> Trace:
    """Say why nothing was found."""
    outcome, problem = "failed", type(error).__name__
    if isinstance(error, asyncio.CancelledError):
        outcome, problem = "cancelled", None
    elif isinstance(error, RoadworthyError):
        outcome = "failed" if isinstance(error, Unavailable) else "refused"
        problem = error.message
    return progress.trace(outcome, problem=problem)
