"""Do one job that brings a published document in line with its corpus's routing.

Vectors are added in batches, each in a transaction of its own: what was added before a kill is
not made again. Language and terms change in the transaction that ends the job.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from roadworthy.corpus.languages import detect, detect_passage
from roadworthy.corpus.reindexing import (
    Labels,
    Published,
    PublishedPassage,
    add_vectors,
    lacking,
    read_published,
    relabel,
)
from roadworthy.corpus.routing import Routing, rules_of
from roadworthy.corpus.terms import terms
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.ingestion.embed import BATCH, not_served
from roadworthy.ingestion.lead import to_embed
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.jobs import Lease

Report = Callable[[str, int, int], None]  # stage, done, of how many


async def reindex(
    database: Database, lease: Lease, *, embedders: Mapping[int, SpaceEmbedder], report: Report
) -> None:
    """Embed what lacks in each space that is wanted, and relabel what is labelled otherwise.

    Raises:
        Unavailable: a space that is wanted is not served here, or its model is down.
        Missing, Conflict: the document was deleted or replaced, or the job taken over.
    """
    async with database.as_worker(lease.tenant_id) as conn:
        published = await read_published(conn, lease)
    language, labels = await asyncio.to_thread(_labels, published)
    for space_id, ids in _wanted(published.routing, labels).items():
        if space_id not in embedders:
            raise not_served(space_id)
        await _fill(
            database, lease, published, ids=ids, embedder=embedders[space_id], report=report
        )
    async with database.as_worker(lease.tenant_id) as conn:
        if _differs(published, language, labels):
            await relabel(conn, lease, language=language, labels=labels)
        await jobs.complete(conn, lease)


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
        vectors = await embedder.embed_passages([texts[each] for each in batch])
        async with database.as_worker(lease.tenant_id) as conn:
            await add_vectors(conn, lease, space_id=space_id, ids=batch, vectors=vectors)


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


def _wanted(routing: Routing, labels: Mapping[int, Labels]) -> dict[int, list[int]]:
    wanted: dict[int, list[int]] = {}
    for passage_id, label in labels.items():
        for space_id in sorted(routing.wanted_by(label.language)):
            wanted.setdefault(space_id, []).append(passage_id)
    return wanted


def _differs(published: Published, language: str, labels: Mapping[int, Labels]) -> bool:
    return language != published.language or any(
        (each.language, each.analysis) != (labels[each.id].language, labels[each.id].analysis)
        for each in published.passages
    )
