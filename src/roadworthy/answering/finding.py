"""Find what an answer is made from: the release, and what it reads of the hits, as a task."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.answering.admission import Admission
from roadworthy.answering.conversation import last_asked, whole_question
from roadworthy.answering.converse import check_conversation
from roadworthy.answering.embedding import Aimed, Embedded, aim, embed_or_degrade
from roadworthy.answering.guarding import Guarding
from roadworthy.answering.in_flight import InFlight
from roadworthy.answering.judging import CLOSELY, Judging
from roadworthy.answering.progress import Progress
from roadworthy.answering.reading import noted, read, searched_for
from roadworthy.answering.records import Asked, Task
from roadworthy.answering.searching import told_or_detected
from roadworthy.core.identity import Principal
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.reranking import Reranker
from roadworthy.guardrails.looking import is_blocked
from roadworthy.plumbing.database import Database
from roadworthy.releases import Release, find_release
from roadworthy.retrieval.filters import both
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.retrieval.query import Query
from roadworthy.retrieval.reranking import rerank
from roadworthy.retrieval.search import Hit, search
from roadworthy.traces import SearchedFor


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedFor:
    """What a question looks for, where, and by which release."""

    release: Release
    query: Query
    corpus: Corpus
    aimed: Aimed


class Finding:
    """Finds what answers are made from, each for one principal."""

    def __init__(
        self,
        *,
        database: Database,
        embedders: Mapping[str, SpaceEmbedder],
        in_flight: InFlight,
        searches: Admission,
        guarding: Guarding,
        judging: Judging,
        reranker: Reranker | None,
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._in_flight = in_flight
        self._searches = searches
        self._guarding = guarding
        self._judging = judging
        self._reranker = reranker

    async def release(
        self, principal: Principal, asked: Asked, progress: Progress
    ) -> tuple[Release, LookedFor | None]:
        """Find the release and what it looks for; None: it reads no documents."""
        tenant_id = principal.tenant_id
        asked_in = told_or_detected(last_asked(asked.turns), asked.language)
        progress.language = asked_in.language
        async with self._database.read_as(principal) as conn:
            stored = await find_release(conn, tenant_id=tenant_id, name=asked.release)
            progress.release = stored
            if stored.release.answerer == "chat":
                check_conversation(asked, stored)
                return stored.release, None
            query = whole_question(asked.turns)
            query = replace(query, among=both(query.among, asked.among))
            progress.searched_for = SearchedFor(text=query.text, filters=query.among.conditions)
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=stored.release.corpus)
            aimed = await aim(
                conn,
                tenant_id=tenant_id,
                corpus=corpus,
                stored=stored,
                spoken=asked_in,
                embedders=self._embedders,
            )
        release = stored.release
        return release, LookedFor(release=release, query=query, corpus=corpus, aimed=aimed)

    async def task(
        self, principal: Principal, looked: LookedFor, progress: Progress
    ) -> Task | None:
        """Find what the answer is made from; None: a guard lets nothing of it be read."""
        release, question = looked.release, looked.query.text
        # Not in a search's place: a model that hangs is not to keep those who do without it.
        embedded = await self._embed(looked, progress)
        found = await self._retrieve(principal, looked, progress, embedded=embedded)
        found = await self._screen(found, progress, release=release)
        if is_blocked(progress.verdicts):
            return None
        progress.context = read(found, release)
        await self._judge(principal, looked, progress)
        is_relevant = progress.relevance >= release.least_relevance
        if is_relevant and release.rerank is not None:
            await self._rerank(question, found, progress, release=release)
        assert progress.making is not None
        progress.making.documents = frozenset(hit.document_id for hit in progress.context.named)
        progress.reading = noted(progress.context)
        return Task(
            release=release,
            question=question,
            language=progress.language,
            query=embedded.queries[0] if embedded.queries else None,
            context=progress.context,
            embedder=embedded.embedder,
            deadline=progress.deadline,
            mark=secrets.token_hex(8),
            on_call=progress.called,
            on_use=progress.used,
        )

    async def _embed(self, looked: LookedFor, progress: Progress) -> Embedded:
        with progress.stage("embed"):
            embedded = await embed_or_degrade(
                looked.aimed,
                looked.query.text,
                deadline=progress.deadline,
                on_use=progress.used,
            )
        progress.model_ms += progress.stages[-1].ms
        progress.degraded += embedded.degraded
        return embedded

    async def _retrieve(
        self, principal: Principal, looked: LookedFor, progress: Progress, *, embedded: Embedded
    ) -> Sequence[Hit]:
        """Search in a place of searches; from then on a deletion waits for what is made of it."""
        tenant_id = principal.tenant_id
        place = self._searches.place(tenant_id=tenant_id, waited_s=progress.waited_s)
        async with place as waited_s:
            progress.wait(waited_s)
            progress.making = self._in_flight.begin(tenant_id)
            with progress.stage("retrieve") as notes:
                found = await self._database.look_as(
                    principal,
                    lambda conn: search(
                        conn,
                        looked.query.text,
                        queries=embedded.queries,
                        corpus=looked.corpus,
                        tenant_id=tenant_id,
                        among=looked.query.among,
                        limit=searched_for(looked.release),
                        fusion=fusion_of(looked.release),
                    ),
                )
                notes.extend(found.paths)
        progress.making.documents = frozenset(hit.document_id for hit in found.hits)
        return found.hits

    async def _screen(
        self, found: Sequence[Hit], progress: Progress, *, release: Release
    ) -> Sequence[Hit]:
        with progress.stage("screen passages"):
            screened = await self._guarding.of_passages(found, release=release)
            progress.verdicts += screened.verdicts
            progress.scored += screened.scored
        return screened.hits

    async def _judge(self, principal: Principal, looked: LookedFor, progress: Progress) -> None:
        """Judge what was found: the fit is to the cosines of the best, whatever is read first."""
        with progress.stage("judge") as notes:
            judged = await self._judging.of(
                looked.query.text,
                progress.context.hits,
                least=looked.release.least_relevance,
                tenant_id=principal.tenant_id,
                deadline=progress.deadline,
            )
            notes.extend([CLOSELY] * judged.is_close)
        progress.relevance = judged.relevance
        progress.degraded += judged.degraded
        if judged.is_close or judged.degraded:
            progress.model_ms += progress.stages[-1].ms

    async def _rerank(
        self, question: str, found: Sequence[Hit], progress: Progress, *, release: Release
    ) -> None:
        """Let another order of the hits decide what is read; no connection waits for it."""
        assert release.rerank is not None
        with progress.stage("rerank"):
            hits, without = await rerank(
                question,
                found,
                reranker=self._reranker,
                asked=release.rerank,
                on_use=progress.used,
            )
            progress.degraded += without
            if not without:
                progress.context = read(hits, release)
        progress.model_ms += progress.stages[-1].ms
