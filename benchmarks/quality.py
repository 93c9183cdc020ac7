"""Ingest retrieval sets through the real worker, and see what is found."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.progress import Progress

from benchmarks.datasets import RetrievalSet
from roadworthy.bootstrap import Services
from roadworthy.core.identity import Principal
from roadworthy.core.ranking_metrics import ndcg_at_k, recall_at_k
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import Access, access
from roadworthy.corpus.documents import Corpus, ensure_corpus
from roadworthy.corpus.lead import to_embed
from roadworthy.corpus.people import ensure_tenant
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.ingestion import KIND
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.releases import BUILT_IN, Rerank
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.reranking import rerank
from roadworthy.retrieval.search import Hit, search
from roadworthy.worker.main import JOBS_AT_ONCE

EVERYONE = access()
K = 10
SYSTEMS = {"bm25": 0.0, "vector": 1.0, "hybrid": BUILT_IN["extract"].vector_weight}
RERANKED = "reranked"
COUNT_PASSAGES = "SELECT count(*) FROM passage WHERE tenant_id = %s"
READ_PASSAGES = """
SELECT passage.text, title, heading
  FROM passage JOIN document ON document.tenant_id = passage.tenant_id
                            AND document.id = passage.document_id
 WHERE passage.tenant_id = %s
 ORDER BY passage.id
"""
UNFINISHED = """
SELECT count(*) FILTER (WHERE state IN ('queued', 'running')),
       count(*) FILTER (WHERE state = 'failed')
  FROM job WHERE tenant_id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """A set that is searchable."""

    tenant_id: int
    corpus: Corpus
    passages: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Figures of each question of a set; None where nothing is to be found."""

    ndcg10: Sequence[float | None]
    recall10: Sequence[float | None]


async def ingest(
    services: Services,
    data: RetrievalSet,
    *,
    run: str,
    space: str | None = None,
    audiences: Sequence[Access] = (EVERYONE,),
) -> Ingested:
    """Hand every document in, and wait until the worker has made it searchable.

    Args:
        space: that the corpus is made in; None: the default one.
        audiences: the readers of each copy; every document is filed once for each.
    """
    made_in = services.embedders[space].space if space else services.default_space
    async with services.database.as_worker() as conn:
        tenant_id = await ensure_tenant(conn, f"bench-{run}-{data.name}".replace("_", "-").lower())
    async with services.database.as_worker(tenant_id) as conn:
        corpus = await ensure_corpus(conn, tenant_id=tenant_id, name="main", space_id=made_in.id)
    began = time.perf_counter()
    async with services.database.as_worker(tenant_id) as conn:
        for copy, readers in enumerate(audiences):
            for name, text in data.documents.items():
                filed = f"{copy}/{name}" if copy else name
                await hand_in(conn, tenant_id, corpus, name=filed, text=text, readers=readers)
    total = len(data.documents) * len(audiences)
    await _finished(services, tenant_id, total=total, label=data.name)
    seconds = time.perf_counter() - began
    async with services.database.as_worker(tenant_id) as conn:
        [[passages]] = await (await conn.execute(COUNT_PASSAGES, (tenant_id,))).fetchall()
    return Ingested(tenant_id=tenant_id, corpus=corpus, passages=passages, seconds=seconds)


async def engine_rate(services: Services, ingested: Ingested, *, texts: int) -> float:
    """Embed a sample of what was ingested straight at the engine; passages per second.

    An engine may be faster for a few large requests or for many small ones: the better counts.
    """
    async with services.database.as_worker(ingested.tenant_id) as conn:
        rows = await (await conn.execute(READ_PASSAGES, (ingested.tenant_id,))).fetchall()
    sample = random.Random(2).sample(rows, min(texts, len(rows)))  # noqa: S311
    led = [to_embed(text, title=title, heading=heading) for text, title, heading in sample]
    [embedder] = [e for e in services.embedders.values() if e.space.id == ingested.corpus.space_id]
    await embedder.check()
    return max([await _rate(embedder, led, at_once=size) for size in (len(led) // 4 or 1, 1)])


async def _rate(embedder: SpaceEmbedder, texts: Sequence[str], *, at_once: int) -> float:
    """Embed with as many requests in flight as a worker has; texts per second."""
    requests = iter([texts[i : i + at_once] for i in range(0, len(texts), at_once)])

    async def caller() -> None:
        for request in requests:
            await embedder.embed_passages(request)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(JOBS_AT_ONCE)))
    return len(texts) / (time.perf_counter() - began)


async def judge(
    services: Services, data: RetrievalSet, ingested: Ingested, *, candidates: int = 0
) -> dict[str, Quality]:
    """Ask every question of every system; documents rank as their best passage does.

    Args:
        candidates: of the hybrid ranking that are reranked as a further system; 0: there is none.
    """
    [embedder] = [e for e in services.embedders.values() if e.space.id == ingested.corpus.space_id]
    reader = Principal(
        tenant_id=ingested.tenant_id, user_id="bench", groups=frozenset(), clearance=0
    )
    ranked: dict[str, list[list[str]]] = {system: [] for system in SYSTEMS}
    if candidates:
        ranked[RERANKED] = []
    for question in data.questions.values():
        query = await embedder.embed_question(question)
        async with services.database.read_as(reader) as conn:
            for system, weight in SYSTEMS.items():
                found = await search(
                    conn,
                    question,
                    queries=[query],
                    corpus=ingested.corpus,
                    tenant_id=ingested.tenant_id,
                    among=Filter(),
                    limit=50,
                    fusion=Fusion(vector_weight=weight),
                )
                ranked[system].append(documents_of(found.hits))
        if candidates:  # of the hybrid ranking, the last
            asked = Rerank(candidates=candidates, budget_ms=60_000)
            hits, without = await rerank(
                question, found.hits, reranker=services.reranker, asked=asked
            )
            assert not without
            ranked[RERANKED].append(documents_of(hits))
    grades = [data.grades[key] for key in data.questions]
    return {
        system: Quality(
            ndcg10=[ndcg_at_k(r, g, K) for r, g in zip(lists, grades, strict=True)],
            recall10=[recall_at_k(r, g, K) for r, g in zip(lists, grades, strict=True)],
        )
        for system, lists in ranked.items()
    }


async def hand_in(
    conn: WorkerConnection, tenant_id: int, corpus: Corpus, *, name: str, text: str, readers: Access
) -> None:
    """Hand a text in, and put its job on the queue."""
    upload = Upload(
        name=f"{name}.txt",
        content=text.encode(),
        access=readers,
        owner="bench",
        media_type="text/plain",
    )
    receipt = await accept(conn, upload, tenant_id=tenant_id, corpus=corpus, by=None)
    if receipt.revision_id is not None:
        await jobs.enqueue(
            conn,
            tenant_id=tenant_id,
            kind=KIND,
            document_id=receipt.document_id,
            revision_id=receipt.revision_id,
        )


async def _finished(services: Services, tenant_id: int, *, total: int, label: str) -> None:
    with Progress(transient=True) as progress:
        bar = progress.add_task(label, total=total)
        while True:
            async with services.database.as_worker(tenant_id) as conn:
                [[left, failed]] = await (await conn.execute(UNFINISHED, (tenant_id,))).fetchall()
            progress.update(bar, completed=total - left)
            if not left:
                if failed:
                    print(f"{label}: {failed} documents failed")
                return
            await asyncio.sleep(0.2)


def documents_of(hits: Sequence[Hit]) -> list[str]:
    """Name the documents of hits as their set does, best first."""
    return list(dict.fromkeys(hit.document_name.removesuffix(".txt") for hit in hits))
