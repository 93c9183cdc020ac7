"""What document frequencies that tell no class of another cost: many classes over one corpus.

make bench NAME=postings [ARGS="--passages 20000 200000 --classes 1 10 100 1000"]

Each class has rows of its own for each of its terms. One person sees them all, so that every way
of parting the same passages gives the same ranking, which is compared with that of bm25s.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import bm25s
import numpy as np
import psycopg
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.loaded import DECLARED
from benchmarks.made import DIMENSION, DOCUMENT, VOCABULARY, Inverted, invert, word
from benchmarks.up import fresh_home
from roadworthy.core.identity import Principal
from roadworthy.core.spaces import PROBE_TEXTS
from roadworthy.corpus.access import access, ensure_acl
from roadworthy.corpus.documents import ensure_corpus
from roadworthy.corpus.merging import FULL
from roadworthy.corpus.people import ensure_tenant
from roadworthy.corpus.postings import Postings, pack
from roadworthy.corpus.spaces import ensure_space
from roadworthy.corpus.terms import METHOD
from roadworthy.installation import running_database
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.embedded_postgres import DATABASE, EmbeddedPostgres
from roadworthy.plumbing.settings import load_settings
from roadworthy.retrieval.bm25 import K1, B
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.keywords import by_keyword
from roadworthy.retrieval.visible import count_visible

QUESTIONS, WORDS, BEST = 50, 6, 10
SIZE = """
SELECT count(*), sum(pg_column_size(posting_segment.*)) FROM posting_segment WHERE tenant_id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Searches of one corpus whose passages are parted into so many classes."""

    passages: int
    classes: int
    rows: int
    mib: float
    p50_ms: float
    p95_ms: float
    same_best: int  # questions whose best ten are those of bm25s, or score as they do
    largest_error: float  # of a score
    bm25s_p50_ms: float
    bm25s_p95_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[20_000])
    parser.add_argument("--classes", type=int, nargs="+", default=[1, 10, 100, 1_000])
    options = parser.parse_args()
    cells = [
        cell
        for passages in options.passages
        for cell in asyncio.run(measure(passages, options.classes))
    ]
    figures = list(asdict(cells[0]))
    table = Table(*figures)
    for cell in cells:
        table.add_row(*(str(getattr(cell, figure)) for figure in figures))
    Console(width=150).print(table)
    print(json.dumps({"cells": [asdict(cell) for cell in cells]}))


async def measure(passages: int, classes: Sequence[int]) -> list[Cell]:
    """Search one corpus, parted in several ways."""
    inverted = invert(passages)
    questions = [asked(inverted, number) for number in range(QUESTIONS)]
    truth, peer = by_peer(inverted, questions)
    with (
        fresh_home() as home,
        running_database(load_settings({}, overrides={"home": home})) as urls,
    ):
        superuser = EmbeddedPostgres(home).superuser_url(DATABASE)
        database = Database(app_url=urls.app, worker_url=urls.worker, connections=4)
        await database.open()
        try:
            return [
                await cell(database, superuser, inverted, questions, truth, peer, count)
                for count in classes
            ]
        finally:
            await database.close()


async def cell(  # noqa: PLR0917
    database: Database,
    superuser: str,
    inverted: Inverted,
    questions: Sequence[str],
    truth: NDArray[np.float32],
    peer: Sequence[float],
    classes: int,
) -> Cell:
    reader, scope = await load(database, superuser, inverted, classes=classes)
    took, same, error = [], 0, 0.0
    for number, question in [*enumerate(questions[:5]), *enumerate(questions)]:
        async with database.read_as(reader) as conn:
            visible = await count_visible(conn, scope)
            began = time.perf_counter()
            ranking = (await by_keyword(conn, question, scope, visible=visible, limit=50)).ranking
            took.append((time.perf_counter() - began) * 1000)
        expected = np.sort(truth[number])[::-1][:BEST]
        best = ranking[:BEST]
        found = np.array([score for _, score in best])
        theirs = np.array([truth[number][passage_id - 1] for passage_id, _ in best])
        error = max(error, float(np.abs(found - theirs).max()))
        same += bool(np.allclose(theirs, expected[: len(best)], atol=1e-4))
    with psycopg.connect(superuser) as conn:
        [(rows, size)] = conn.execute(SIZE, [scope.tenant_id]).fetchall()
    took = took[5:]
    return Cell(
        passages=len(inverted.lengths),
        classes=classes,
        rows=rows,
        mib=round(int(size) / 2**20, 1),
        p50_ms=round(float(np.percentile(took, 50)), 2),
        p95_ms=round(float(np.percentile(took, 95)), 2),
        same_best=same - 5,
        largest_error=error,
        bm25s_p50_ms=round(float(np.percentile(peer, 50)), 2),
        bm25s_p95_ms=round(float(np.percentile(peer, 95)), 2),
    )


async def load(
    database: Database, superuser: str, inverted: Inverted, *, classes: int
) -> tuple[Principal, Scope]:
    """Write the segments of a tenant as merging leaves them, and what is counted."""
    probes = np.eye(len(PROBE_TEXTS), DIMENSION, dtype=np.float32)
    async with database.as_worker() as conn:
        space = await ensure_space(conn, DECLARED, probe_vectors=probes)
        tenant_id = await ensure_tenant(conn, f"classes-{classes}")
    async with database.as_worker(tenant_id) as conn:
        corpus = await ensure_corpus(conn, tenant_id=tenant_id, name="main", space_id=space.id)
        readers = [access(groups=[f"class-{n}"]) for n in range(classes)]
        acls = [await ensure_acl(conn, each, tenant_id=tenant_id) for each in readers]
    documents = -(-len(inverted.lengths) // DOCUMENT)
    of_document = np.random.default_rng(5).integers(0, classes, documents)
    of_passage = np.repeat(of_document, DOCUMENT)[: len(inverted.lengths)]
    with psycopg.connect(superuser) as conn:
        copy_segments(conn, inverted, of_passage, (tenant_id, corpus.id, acls))
        with conn.cursor().copy(
            "COPY passage_count (tenant_id, corpus_id, acl_id, language, analysis, passages, terms)"
            " FROM STDIN"
        ) as copy:
            for number in np.unique(of_passage).tolist():
                mine = of_passage == number
                counts = (int(mine.sum()), int(inverted.lengths[mine].sum()))
                copy.write_row((tenant_id, corpus.id, acls[number], "en", METHOD, *counts))
    with psycopg.connect(superuser, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE posting_segment")
    groups = frozenset(f"class-{n}" for n in range(classes))
    reader = Principal(tenant_id=tenant_id, user_id="bench", groups=groups, clearance=0)
    return reader, Scope(tenant_id=tenant_id, corpus_id=corpus.id, among=Filter())


def copy_segments(  # noqa: PLR0917
    conn: psycopg.Connection,
    inverted: Inverted,
    of_passage: NDArray[np.int64],
    ids: tuple[int, int, Sequence[int]],
) -> None:
    tenant_id, corpus_id, acls = ids
    with conn.cursor().copy(
        "COPY posting_segment (tenant_id, corpus_id, acl_id, term, first_id, last_id, packed)"
        " FROM STDIN WITH (FORMAT binary)"
    ) as copy:
        copy.set_types(["int4", "int4", "int4", "text", "int4", "int4", "bytea"])
        for number in track(range(VOCABULARY), "postings", transient=True):
            held, counts = inverted.of(number)
            order = np.argsort(of_passage[held], kind="stable")
            held, counts, group = held[order], counts[order], of_passage[held[order]]
            for mine in np.split(np.arange(len(held)), np.flatnonzero(np.diff(group)) + 1):
                for start in range(0, len(mine), FULL):
                    some = mine[start : start + FULL]
                    postings = Postings(
                        passage_ids=(held[some] + 1).astype("<i4"),
                        frequencies=counts[some].astype("<u2"),
                        lengths=inverted.lengths[held[some]].astype("<u2"),
                    )
                    ends = int(postings.passage_ids[0]), int(postings.passage_ids[-1])
                    acl = acls[group[some[0]]]
                    copy.write_row((tenant_id, corpus_id, acl, word(number), *ends, pack(postings)))


def asked(inverted: Inverted, number: int) -> str:
    """Draw words as passages use them: the frequent ones often."""
    random = np.random.default_rng([3, number])
    places = random.integers(0, len(inverted.passages), WORDS)
    numbers = np.searchsorted(inverted.starts, places, side="right") - 1
    return " ".join(word(each) for each in dict.fromkeys(numbers.tolist()))


def by_peer(
    inverted: Inverted, questions: Sequence[str]
) -> tuple[NDArray[np.float32], list[float]]:
    """Score all passages by bm25s, and say how many milliseconds a ranking takes it."""
    words_of: list[list[int]] = [[] for _ in inverted.lengths]
    for number in track(range(VOCABULARY), "bm25s", transient=True):
        for passage, count in zip(*(each.tolist() for each in inverted.of(number)), strict=True):
            words_of[passage] += [number] * count
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index((words_of, {n: n for n in range(VOCABULARY)}), show_progress=False)
    scores, took = [], []
    for question in questions:
        ids = [int(each.removeprefix("w")) for each in question.split()]
        began = time.perf_counter()
        scores.append(index.get_scores_from_ids(ids))
        np.argpartition(scores[-1], -50)
        took.append((time.perf_counter() - began) * 1000)
    return np.stack(scores), took


if __name__ == "__main__":
    main()
