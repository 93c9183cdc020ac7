"""Search alone: the hits of a question, traced like an answer."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from roadworthy.answering.admission import Bounds
from roadworthy.answering.conversation import check_encodable
from roadworthy.answering.embedding import aim, embed_or_degrade
from roadworthy.answering.in_flight import InFlight
from roadworthy.answering.spending import Spent
from roadworthy.core.clock import Laps, now
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

    release: StoredRelease
    hits: Sequence[Hit]
    visible_passages: int
    stages: Sequence[Stage]
    degraded: Sequence[str]


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
        begun = self._begin(principal, sought)
        began = time.perf_counter()
        searched_for = None
        try:
            sought = _read(sought)
            searched_for = SearchedFor(text=sought.question, filters=sought.among.conditions)
            asked_in = told_or_detected(sought.question, sought.language)
            found = await self._bounded(principal, sought, asked_in=asked_in)
        except BaseException as error:
            self._recorder.end(_broken_off(begun, searched_for, error))
            raise
        ms = (time.perf_counter() - began) * 1000
        self._recorder.end(_trace(begun, searched_for, found, language=asked_in.language))
        return SearchResult(
            id=begun.id,
            searched_for=searched_for,
            hits=found.hits,
            visible_passages=found.visible_passages,
            stages=found.stages,
            degraded=found.degraded,
            ms=ms,
        )

    async def _bounded(self, principal: Principal, sought: Sought, *, asked_in: Spoken) -> _Found:
        deadline, admission = self._bounds.deadline(), self._bounds.direct_searches
        async with (
            deadline.bounding(),
            admission.place(tenant_id=principal.tenant_id) as waited_s,
        ):
            return await self._search(
                principal, sought, asked_in=asked_in, deadline=deadline, waited_s=waited_s
            )

    async def _search(
        self,
        principal: Principal,
        sought: Sought,
        *,
        asked_in: Spoken,
        deadline: Deadline,
        waited_s: float,
    ) -> _Found:
        tenant_id, laps = principal.tenant_id, Laps()
        async with self._database.read_as(principal) as conn:
            stored = await find_release(conn, tenant_id=tenant_id, name=sought.release)
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=stored.release.corpus)
            aimed = await aim(
                conn,
                tenant_id=tenant_id,
                corpus=corpus,
                stored=stored,
                spoken=asked_in,
                embedders=self._embedders,
            )
        laps.end("release")
        spent = {name: Spent(prices=self._prices) for name in ("embed", "rerank")}
        embedded = await embed_or_degrade(
            aimed, sought.question, deadline=deadline, on_use=spent["embed"].uses.append
        )
        laps.end("embed")
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
            making.documents = frozenset(hit.document_id for hit in found.hits)
            hits, without, reranking = found.hits, list[str](), Laps()
            if asked is not None:
                hits, without = await rerank(
                    sought.question,
                    hits,
                    reranker=self._reranker,
                    asked=asked,
                    on_use=spent["rerank"].uses.append,
                )
                reranking.end("rerank")
            making.check()
        finally:
            self._in_flight.end(making)
        return _Found(
            release=stored,
            hits=hits[: sought.limit],
            visible_passages=found.visible_passages,
            stages=_stages({**laps.ms, **found.ms, **reranking.ms}, spent=spent, paths=found.paths),
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


def _stages(
    ms: Mapping[str, float], *, spent: Mapping[str, Spent], paths: Sequence[str]
) -> tuple[Stage, ...]:
    notes = {"vectors": paths}
    return tuple(
        spent[name].stage(name, ms=took, notes=())
        if name in spent
        else Stage(name=name, ms=took, note="; ".join(notes.get(name, ())))
        for name, took in ms.items()
    )


def _broken_off(begun: Begun, searched_for: SearchedFor | None, error: BaseException) -> Trace:
    """Say why nothing was found."""
    outcome, problem = "failed", type(error).__name__
    if isinstance(error, asyncio.CancelledError):
        outcome, problem = "cancelled", None
    elif isinstance(error, RoadworthyError):
        outcome = "failed" if isinstance(error, Unavailable) else "refused"
        problem = error.message
    return Trace(
        begun=begun, ended_at=now(), outcome=outcome, problem=problem, searched_for=searched_for
    )


def _trace(begun: Begun, searched_for: SearchedFor, found: _Found, *, language: str) -> Trace:
    return Trace(
        begun=begun,
        ended_at=now(),
        outcome="found",
        release_name=found.release.name,
        release_hash=found.release.hash,
        language=language,
        searched_for=searched_for,
        stages=tuple(found.stages),
        hits=tuple(trace_hits(found.hits)),
        degraded=tuple(found.degraded),
    )
