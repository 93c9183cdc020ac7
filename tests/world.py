"""A tenant to test with: people, a corpus, documents published without a model."""

import hashlib
import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from roadworthy.core.identity import Principal
from roadworthy.core.spaces import PROBE_TEXTS, EmbeddingSpace, QueryVector, SpaceDeclaration
from roadworthy.corpus.accepting import Receipt, Upload, accept
from roadworthy.corpus.access import Access, access
from roadworthy.corpus.documents import Corpus, ensure_corpus
from roadworthy.corpus.people import ensure_tenant, put_principal
from roadworthy.corpus.publishing import (
    Extract,
    NewPassage,
    SpaceVectors,
    publish,
    read_pending,
)
from roadworthy.corpus.reindex_jobs import REINDEX
from roadworthy.corpus.spaces import ensure_space
from roadworthy.corpus.terms import METHOD, terms
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Database
from roadworthy.releases import BUILT_IN, add_release, make_live

_numbers = itertools.count()
DIMENSION = 32
DECLARED = SpaceDeclaration(
    name="words",
    model="words",
    revision="1",
    dimension=DIMENSION,
    normalised=True,
    query_prefix="",
    passage_prefix="",
    languages=(),
)


def words_vector(text: str) -> np.ndarray:
    """Embed as a bag of hashed words, of length 1: alike texts get near vectors."""
    vector = np.full(DIMENSION, 1e-3, dtype=np.float32)
    for word in text.lower().split():
        vector[hashlib.sha256(word.encode()).digest()[0] % DIMENSION] += 1
    return vector / np.linalg.norm(vector)


@dataclass(frozen=True, kw_only=True)
class World:
    database: Database
    tenant_id: int
    space: EmbeddingSpace
    corpus: Corpus

    def person(self, user="ana", *, groups=(), clearance=0) -> Principal:
        return Principal(
            tenant_id=self.tenant_id, user_id=user, groups=frozenset(groups), clearance=clearance
        )

    def query(self, text: str) -> QueryVector:
        return QueryVector(space_id=self.space.id, space=self.space.name, vector=words_vector(text))

    async def put(self, *people: Principal) -> None:
        async with self.database.as_worker(self.tenant_id) as conn:
            for person in people:
                await put_principal(conn, person)

    async def upload(
        self,
        name: str,
        text: str | bytes,
        *,
        readers: Access | None = None,
        owner="operator",
        metadata=None,
        priority=jobs.INTERACTIVE,
    ) -> Receipt:
        """Hand a text or a file in as the operator, and enqueue its job."""
        upload = Upload(
            name=name,
            content=text.encode() if isinstance(text, str) else text,
            access=readers or access(),
            owner=owner,
            metadata=metadata or {},
        )
        async with self.database.as_worker(self.tenant_id) as conn:
            receipt = await accept(
                conn, upload, tenant_id=self.tenant_id, corpus=self.corpus, by=None
            )
            if receipt.revision_id:
                await jobs.enqueue(
                    conn,
                    tenant_id=self.tenant_id,
                    kind="ingest",
                    document_id=receipt.document_id,
                    revision_id=receipt.revision_id,
                    priority=priority,
                )
        return receipt

    async def publish_all(self) -> None:
        """Do the waiting jobs: each paragraph becomes a passage."""
        while await self._publish_one():
            pass

    async def add(self, name: str, text: str, **kwargs) -> uuid.UUID:
        """Upload and publish."""
        receipt = await self.upload(name, text, **kwargs)
        await self.publish_all()
        return receipt.document_id

    async def _publish_one(self) -> bool:
        async with self.database.as_worker() as conn:
            lease = await jobs.claim(conn)
        if lease is None:
            return False
        async with self.database.as_worker(lease.tenant_id) as conn:
            is_left_over = lease.tenant_id != self.tenant_id  # by a test of another world
            if lease.kind != REINDEX and not is_left_over:  # what is published here is in line
                pending = await read_pending(conn, lease)
                await publish(conn, lease, extract(pending.content.decode(), self.space))
            await jobs.complete(conn, lease)
        return True


def extract(text: str, space: EmbeddingSpace, *, language="en") -> Extract:
    """Read a text as one passage a paragraph, embedded by words_vector."""
    passages, at = [], 0
    for paragraph in text.split("\n\n"):
        start = text.index(paragraph, at)
        at = start + len(paragraph)
        passages.append(
            NewPassage(
                start=start,
                end=at,
                text=paragraph,
                page_first=None,
                page_last=None,
                heading="",
                language=language,
                terms=tuple(terms(paragraph, language=language)),
                analysis=METHOD,
            )
        )
    return Extract(
        text=text,
        title=text.split("\n", 1)[0][:80],
        media_type="text/plain",
        language=language,
        language_told=None,
        page_count=None,
        passages=passages,
        vectors=[embedded(passages, space, words_vector)],
    )


def embedded(passages: Sequence[NewPassage], space: EmbeddingSpace, vector) -> SpaceVectors:
    """Embed all passages in a space by a function of their text."""
    vectors = np.stack([vector(passage.text) for passage in passages])
    return SpaceVectors(space=space, ordinals=range(len(passages)), vectors=vectors)


def turned_vector(text: str) -> np.ndarray:
    """Embed like another model: as good, and nothing to compare with words_vector."""
    return np.roll(words_vector(text), 5)


OTHER = replace(DECLARED, name="turned", model="turned")


async def make_other_space(database: Database, *, languages: Sequence[str] = ()) -> EmbeddingSpace:
    """Make a second space of the same dimension, for some languages or for any."""
    declared = replace(OTHER, languages=tuple(languages))
    if languages:
        name = f"turned-{'-'.join(languages)}"
        declared = replace(declared, name=name, model=name)
    probes = np.stack([turned_vector(text) for text in PROBE_TEXTS])
    async with database.as_worker() as conn:
        return await ensure_space(conn, declared, probe_vectors=probes)


async def make_world(database: Database, name: str = "acme") -> World:
    async with database.as_worker() as conn:
        tenant_id = await ensure_tenant(conn, name)
        probes = np.stack([words_vector(text) for text in PROBE_TEXTS])
        space = await ensure_space(conn, DECLARED, probe_vectors=probes)
    async with database.as_worker(tenant_id) as conn:
        corpus = await ensure_corpus(conn, tenant_id=tenant_id, name="main", space_id=space.id)
        release = BUILT_IN["extract"].model_copy(update={"space": "words", "least_relevance": 0})
        await add_release(conn, tenant_id=tenant_id, name="extract", release=release)
        await make_live(conn, tenant_id=tenant_id, name="extract")
    return World(database=database, tenant_id=tenant_id, space=space, corpus=corpus)


async def another_world(database: Database) -> World:
    """Make a world in a database that others share."""
    return await make_world(database, f"tenant-{next(_numbers)}")
