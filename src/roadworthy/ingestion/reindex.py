"""Do one job that brings a published document in line with its corpus's routing.

Vectors are added in batches, each in a transaction of its own: what was added before a kill is
not made again. Language and terms change in the transaction that ends the job.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from roadworthy.corpus.languages import detect, detect_passage
from roadworthy.corpus.lead import to_embed
from roadworthy.corpus.probes import drop_generated, generate_probes
from roadworthy.corpus.publishing import locked
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.corpus.reindexing import (
    Labels,
    Published,
    PublishedPassage,
    add_vectors,
    lacking,
    read_published,
    relabel,
)
from roadworthy.corpus.routing import rules_of
from roadworthy.corpus.spaces import names_of
from roadworthy.corpus.terms import terms
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.ingestion.embed import BATCH, check_served, kept_unserved
from roadworthy.ingestion.probing import probe_sentences
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Database, WorkerConnection
from roadworthy.plumbing.jobs import Lease

Report = Callable[[str, int, int], None]  # stage, done, of how many


async def reindex(
    database: Database, lease: Lease, *, embedders: Mapping[int, SpaceEmbedder], report: Report
) -> None:
    """Embed what lacks in each space that is wanted, and relabel what is labelled otherwise.

    Raises:
        Unavailable: a space that is wanted is not served here, or its model is down. If it is only
            kept beside, all else is done before.
        Missing, Conflict: the document was deleted or replaced, or the job taken over.
    """
    async with database.as_worker(lease.tenant_id) as conn:
        published = await read_published(conn, lease)
    language, labels = await asyncio.to_thread(_labels, published)
    wanted = _wanted(published, labels)
    languages = [each.language for each in labels.values()]
    check_served(languages, routing=published.routing, embedders=embedders)
    served = {space_id: embedders[space_id] for space_id in wanted if space_id in embedders}
    for space_id, embedder in served.items():
        await _fill(
            database, lease, published, ids=wanted[space_id], embedder=embedder, report=report
        )
    named = [replace(each, language=labels[each.id].language) for each in published.passages]
    async with database.as_worker(lease.tenant_id) as conn:
        place = await locked(conn, lease)
        is_overtaken = not published.still_holds(place) or await _lacks(
            conn, lease, {space_id: wanted[space_id] for space_id in served}
        )
        if is_overtaken:
            # Labels made of what held before would replace newer ones.
            await enqueue_reindex(
                conn,
                tenant_id=lease.tenant_id,
                corpus_id=place.corpus_id,
                document_id=lease.document_id,
            )
        elif _differs(published, language, labels):
            await relabel(conn, lease, place, language=language, labels=labels)
            await drop_generated(conn, lease)
        if not is_overtaken:
            await generate_probes(conn, lease, probe_sentences(named))
        unserved = wanted.keys() - served.keys()
        if is_overtaken or not unserved:
            await jobs.complete(conn, lease)
            return
        names = await names_of(
            conn, tenant_id=lease.tenant_id, corpus_id=place.corpus_id, space_id=min(unserved)
        )
    raise kept_unserved(*names)


async def _lacks(
    conn: WorkerConnection,
    lease: Lease,
    added: Mapping[int, Sequence[int]],
) -> bool:
    """Say whether a vector that was added is gone, with a space that went and came back."""
    for space_id, ids in added.items():
        if await lacking(conn, tenant_id=lease.tenant_id, space_id=space_id, ids=ids):
            return True
    return False


async def _fill(
    database: Database,
    lease: Lease,
    published: Published,
    *,
    ids: Sequence[int],
    embedder: SpaceEmbedder,
    report: Report,
) -> None:
    space_id = embedder.space.id
    texts = {
        each.id: to_embed(each.text, title=published.title, heading=each.heading)
        for each in published.passages
    }
    async with database.as_worker(lease.tenant_id) as conn:
        left = await lacking(conn, tenant_id=lease.tenant_id, space_id=space_id, ids=ids)
    for start in range(0, len(left), BATCH):
        report(f"embedding in {embedder.space.name}", start, len(left))
        batch = left[start : start + BATCH]
        led = [texts[each] for each in batch]
        vectors = await embedder.embed_passages(led, is_background=True)
        async with database.as_worker(lease.tenant_id) as conn:
            await add_vectors(conn, lease, space=embedder.space, ids=batch, vectors=vectors)


def _labels(published: Published) -> tuple[str, dict[int, Labels]]:
    told = published.language_told
    language = told or detect(published.text)
    return language, {
        each.id: _label(each, published, told or detect_passage(each.text, document=language))
        for each in published.passages
    }


def _label(passage: PublishedPassage, published: Published, language: str) -> Labels:
    analysis = published.routing.analysis_of(language)
    led = to_embed(passage.text, title=published.title, heading=passage.heading)
    rules = rules_of(analysis, language=language)
    return Labels(language=language, analysis=analysis, terms=terms(led, language=rules))


def _wanted(published: Published, labels: Mapping[int, Labels]) -> dict[int, list[int]]:
    ids = list(labels)
    wanted = published.routing.wanted([each.language for each in labels.values()])
    return {space_id: [ids[at] for at in positions] for space_id, positions in wanted.items()}


def _differs(published: Published, language: str, labels: Mapping[int, Labels]) -> bool:
    return language != published.language or any(
        (each.language, each.analysis) != (labels[each.id].language, labels[each.id].analysis)
        for each in published.passages
    )
