"""A process that publishes made documents at a pace, as a worker would, while others search."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_bool, c_int
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized

import numpy as np

from benchmarks.field import Field
from benchmarks.loaded import Loaded
from benchmarks.made import DIMENSION, DOCUMENT, LENGTH, SHARES, VOCABULARY, word
from benchmarks.quality import hand_in
from roadworthy.core.ids import new_id
from roadworthy.corpus.access import access
from roadworthy.corpus.publishing import Extract, NewPassage, SpaceVectors, publish
from roadworthy.corpus.terms import METHOD, terms
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Database

# Only who sees everything sees what is written: the truth of all others stays what it was.
READERS = access(groups=[f"class-{len(SHARES) - 1}"])
DOCUMENTS_A_S = 10  # three times what the embedding model does on two cores
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a writer did so far, told across processes."""

    documents: "Synchronized[int]"
    is_over: "Synchronized[bool]"


@contextmanager
def writer(field: Field) -> Iterator[Written]:
    """Let a process write into random tenants, large ones more often, for a block."""
    written = Written(documents=SPAWN.Value(c_int, 0), is_over=SPAWN.Value(c_bool, 0))
    process = SPAWN.Process(target=_write, args=(field.worker_url, field.loaded, written))
    process.start()
    try:
        yield written
    finally:
        written.is_over.value = True
        process.join()
    assert process.exitcode == 0, "the writer failed"


def _write(url: str, loaded: Loaded, written: Written) -> None:
    asyncio.run(_write_on(url, loaded, written))


async def _write_on(url: str, loaded: Loaded, written: Written) -> None:
    database = Database(app_url=url, worker_url=url, connections=4)
    await database.open()
    random = np.random.default_rng()
    shares = 1 / np.arange(1, len(loaded.tenant_ids) + 1)
    began, number = time.perf_counter(), 0
    try:
        while not written.is_over.value:
            tenant = int(random.choice(len(shares), p=shares / shares.sum()))
            await _publish_one(database, loaded, tenant, made=_extract(loaded, random))
            number += 1
            written.documents.value = number
            ahead = number / DOCUMENTS_A_S - (time.perf_counter() - began)
            await asyncio.sleep(max(0, ahead))
    finally:
        await database.close()


async def _publish_one(database: Database, loaded: Loaded, tenant: int, *, made: Extract) -> None:
    tenant_id, corpus = loaded.tenant_ids[tenant], loaded.corpora[tenant]
    async with database.as_worker(tenant_id) as conn:
        name = str(new_id())
        await hand_in(conn, tenant_id, corpus, name=name, text=made.text, readers=READERS)
    async with database.as_worker() as conn:
        lease = await jobs.claim(conn)
    assert lease is not None
    async with database.as_worker(tenant_id) as conn:
        await publish(conn, lease, made)
        await jobs.complete(conn, lease)


def _extract(loaded: Loaded, random: np.random.Generator) -> Extract:
    said = [
        " ".join(word(n) for n in random.integers(0, VOCABULARY, LENGTH)) for _ in range(DOCUMENT)
    ]
    vectors = random.standard_normal((DOCUMENT, DIMENSION), np.float32)
    passages = [
        NewPassage(
            start=0,
            end=len(text),
            text=text,
            page_first=None,
            page_last=None,
            heading="",
            language="en",
            terms=tuple(terms(text, language="en")),
            analysis=METHOD,
        )
        for text in said
    ]
    return Extract(
        text="\n\n".join(said),
        title="",
        media_type="text/plain",
        language="en",
        language_told=None,
        page_count=None,
        passages=passages,
        vectors=[
            SpaceVectors(
                space=loaded.space,
                ordinals=range(DOCUMENT),
                vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
            )
        ],
    )
