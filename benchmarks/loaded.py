"""Put a made corpus into a database at the speed of COPY, as the product would have left it."""

import uuid
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.made import (
    DIMENSION,
    DOCUMENT,
    SHARES,
    TENANTS,
    VISIBLE,
    VOCABULARY,
    Inverted,
    Made,
    word,
)
from roadworthy.core.clock import now
from roadworthy.core.identity import Principal
from roadworthy.core.spaces import PROBE_TEXTS, EmbeddingSpace, SpaceDeclaration
from roadworthy.corpus.access import access, ensure_acl
from roadworthy.corpus.documents import Corpus, ensure_corpus
from roadworthy.corpus.people import ensure_tenant
from roadworthy.corpus.spaces import ensure_space
from roadworthy.corpus.terms import METHOD
from roadworthy.plumbing.database import Database

DECLARED = SpaceDeclaration(
    name="made",
    model="made",
    revision="1",
    dimension=DIMENSION,
    normalised=True,
    query_prefix="",
    passage_prefix="",
    languages=(),
)
# The database does not look whether each row has its document, and reads no policy.
UNCHECKED = "SET session_replication_role = replica"
COUNT = """
INSERT INTO passage_count (tenant_id, corpus_id, acl_id, language, analysis, passages, terms)
SELECT tenant_id, corpus_id, acl_id, language, analysis, count(*), sum(term_count)
  FROM passage GROUP BY 1, 2, 3, 4, 5
"""
NEXT = "SELECT setval(pg_get_serial_sequence('passage', 'id'), %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A made corpus in a database. The id of a passage is its number + 1."""

    space: EmbeddingSpace
    corpora: list[Corpus]  # of each tenant
    tenant_ids: list[int]

    def reader(self, tenant: int, percent: float) -> Principal:
        """Be a person of a tenant who sees so much of it."""
        return Principal(
            tenant_id=self.tenant_ids[tenant],
            user_id="bench",
            groups=frozenset(f"class-{n}" for n in range(VISIBLE[percent])),
            clearance=0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ids:
    """What the rows of a tenant refer to."""

    tenant: int
    corpus: int
    acls: list[int]  # of each class


async def load(
    database: Database, corpus: Made, inverted: Inverted, *, superuser_url: str
) -> Loaded:
    """Write documents, passages, vectors, postings and counts into an empty database."""
    async with database.as_worker() as conn:
        space = await ensure_space(conn, DECLARED, probe_vectors=_probes())
    ids, corpora = [], []
    for tenant in range(TENANTS):
        async with database.as_worker() as conn:
            tenant_id = await ensure_tenant(conn, f"made-{tenant}")
        async with database.as_worker(tenant_id) as conn:
            made_in = await ensure_corpus(conn, tenant_id=tenant_id, name="main", space_id=space.id)
            readers = [access(groups=[f"class-{n}"]) for n in range(len(SHARES))]
            acls = [await ensure_acl(conn, each, tenant_id=tenant_id) for each in readers]
        corpora.append(made_in)
        ids.append(_Ids(tenant=tenant_id, corpus=made_in.id, acls=acls))
    with psycopg.connect(superuser_url) as conn:
        conn.execute(UNCHECKED)
        _copy_documents(conn, corpus, ids)
        _copy_passages(conn, corpus, ids, lengths=inverted.lengths)
        _copy_vectors(conn, corpus, ids, space=space)
        _copy_postings(conn, corpus, ids, inverted=inverted)
        conn.execute(COUNT)
        conn.execute(NEXT, (len(corpus.vectors),))
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    return Loaded(space=space, corpora=corpora, tenant_ids=[each.tenant for each in ids])


def _probes() -> NDArray[np.float32]:
    probes = np.random.default_rng(1).standard_normal((len(PROBE_TEXTS), DIMENSION), np.float32)
    return probes / np.linalg.norm(probes, axis=1, keepdims=True)


def _document_id(number: int) -> uuid.UUID:
    return uuid.UUID(int=number + 1)


def _copy_documents(conn: psycopg.Connection, corpus: Made, ids: list[_Ids]) -> None:
    moment = now()
    firsts = np.arange(0, len(corpus.vectors), DOCUMENT)
    documents = (
        "COPY document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type, language,"
        " metadata, version, state, created_at, updated_at) FROM STDIN"
    )
    with conn.cursor().copy(documents) as copy:
        for number, first in enumerate(firsts.tolist()):
            of = ids[corpus.tenants[first]]
            acl = of.acls[corpus.classes[first]]
            key = _document_id(number)
            named = (f"{number}.txt", str(number), "text/plain", "en", "{}", 1, "ready")
            copy.write_row((of.tenant, key, of.corpus, acl, "bench", *named, moment, moment))
    revisions = (
        "COPY revision (tenant_id, id, document_id, corpus_id, acl_id, content_hash, content, text,"
        " state, created_at) FROM STDIN"
    )
    with conn.cursor().copy(revisions) as copy:
        for number, first in enumerate(firsts.tolist()):
            of = ids[corpus.tenants[first]]
            acl = of.acls[corpus.classes[first]]
            key = _document_id(number)
            hashed = number.to_bytes(32)
            copy.write_row((of.tenant, key, key, of.corpus, acl, hashed, b"", "", "ready", moment))


def _copy_passages(
    conn: psycopg.Connection, corpus: Made, ids: list[_Ids], *, lengths: NDArray[np.int64]
) -> None:
    passages = (
        "COPY passage (tenant_id, id, corpus_id, acl_id, document_id, revision_id, ordinal,"
        " start_at, end_at, heading, language, analysis, term_count, text) FROM STDIN"
    )
    with conn.cursor().copy(passages) as copy:
        for number in track(range(len(corpus.vectors)), "passages", transient=True):
            of = ids[corpus.tenants[number]]
            acl = of.acls[corpus.classes[number]]
            key = _document_id(int(corpus.documents[number]))
            at = number % DOCUMENT
            fixed = ("", "en", METHOD, int(lengths[number]), f"Passage {number}.")
            copy.write_row(
                (of.tenant, number + 1, of.corpus, acl, key, key, at, at, at + 1, *fixed)
            )


def _copy_vectors(
    conn: psycopg.Connection, corpus: Made, ids: list[_Ids], *, space: EmbeddingSpace
) -> None:
    embeddings = (
        "COPY embedding (tenant_id, space_id, corpus_id, acl_id, document_id, passage_id, vector)"
        " FROM STDIN"
    )
    with conn.cursor().copy(embeddings) as copy:
        for number in track(range(len(corpus.vectors)), "vectors", transient=True):
            of = ids[corpus.tenants[number]]
            acl = of.acls[corpus.classes[number]]
            key = _document_id(int(corpus.documents[number]))
            vector = "[" + ",".join([f"{x:.4g}" for x in corpus.vectors[number].tolist()]) + "]"
            copy.write_row((of.tenant, space.id, of.corpus, acl, key, number + 1, vector))


def _copy_postings(
    conn: psycopg.Connection, corpus: Made, ids: list[_Ids], *, inverted: Inverted
) -> None:
    """Write each class of each tenant as one segment."""
    segments = (
        "COPY posting_segment (tenant_id, corpus_id, acl_id, term, first_id, last_id, packed)"
        " FROM STDIN"
    )
    group = corpus.tenants * len(SHARES) + corpus.classes
    with conn.cursor().copy(segments) as copy:
        for number in track(range(VOCABULARY), "postings", transient=True):
            held, counts = inverted.of(number)
            for each in np.unique(group[held]).tolist():
                of = ids[each // len(SHARES)]
                acl = of.acls[each % len(SHARES)]
                mine = group[held] == each
                packed = (
                    (held[mine] + 1).astype("<i4").tobytes()
                    + counts[mine].astype("<u2").tobytes()
                    + inverted.lengths[held[mine]].astype("<u2").tobytes()
                )
                first, last = int(held[mine][0]) + 1, int(held[mine][-1]) + 1
                copy.write_row((of.tenant, of.corpus, acl, word(number), first, last, packed))
