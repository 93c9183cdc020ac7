"""How fast and how right searches are at a size, for people who see more or less of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.loaded import Loaded, load
from benchmarks.made import VISIBLE, Inverted, Made, invert, make
from benchmarks.up import fresh_home
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.moving import arrange_places
from roadworthy.installation import running_database
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.postgres_data import DATABASE
from roadworthy.plumbing.settings import load_settings
from roadworthy.releases import BUILT_IN
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.fusion import Rankings, fuse, fusion_of
from roadworthy.retrieval.keywords import by_keyword
from roadworthy.retrieval.nearest import nearest
from roadworthy.retrieval.search import CANDIDATES, search
from roadworthy.retrieval.visible import count_visible

K = 10
PARTS = ("vector", "bm25", "hybrid")
HYBRID = fusion_of(BUILT_IN["extract"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Searches of one kind, by people who see one share of their tenant."""

    passages: int
    visible_pct: float
    part: str  # vector, bm25, hybrid
    p50_ms: float
    p95_ms: float
    recall10: float | None  # of the exact answer; None: nobody sees anything
    forbidden: int  # rows that the person may not see
    short: int  # rows that were missing though visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of a person, and what he should find by each part."""

    text: str
    vector: QueryVector
    tenant: int
    percent: float
    truth: dict[str, list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A made corpus, and the database that it was put into."""

    corpus: Made
    inverted: Inverted
    loaded: Loaded
    database: Database


def measure(passages: int, *, questions: int) -> list[Cell]:
    """Make a corpus of a size, and search it as people who see more or less of it."""
    found = asyncio.run(_measure(passages, questions=questions))
    show(found)
    return found


def show(found: Sequence[Cell]) -> None:
    """Print a row for each cell."""
    figures = ("p50_ms", "p95_ms", "recall10", "forbidden", "short")
    table = Table("passages", "visible", "part", *figures)
    for each in found:
        told = (str(getattr(each, figure)) for figure in figures)
        table.add_row(f"{each.passages:,}", f"{each.visible_pct:g} %", each.part, *told)
    Console(width=120).print(table)


@asynccontextmanager
async def field(passages: int, *, questions: int) -> AsyncIterator[Field]:
    """Put a made corpus into a database of its own."""
    corpus, inverted = make(passages, questions=questions), invert(passages)
    with (
        fresh_home() as home,
        running_database(load_settings({}, overrides={"home": home})) as urls,
    ):
        superuser = EmbeddedPostgres(home).superuser_url(DATABASE)
        database = Database(app_url=urls.app, worker_url=urls.worker, connections=40)
        await database.open()
        try:
            loaded = await load(database, corpus, inverted, superuser_url=superuser)
            assert urls.owner
            began = time.perf_counter()
            await arrange_places(database, owner_url=urls.owner, report=print)
            seconds = time.perf_counter() - began
            print(f"{passages:,} passages: large tenants arranged in {seconds:.0f} s")
            yield Field(corpus=corpus, inverted=inverted, loaded=loaded, database=database)
        finally:
            await database.close()


async def _measure(passages: int, *, questions: int) -> list[Cell]:
    async with field(passages, questions=questions) as made:
        found = []
        for percent in VISIBLE:
            numbers = track(range(questions), f"truth, {percent} %", transient=True)
            asked = [_asked(made, number, percent) for number in numbers]
            found += [await cell(made, asked, part=part) for part in PARTS]
        return found


async def cell(field: Field, questions: Sequence[Asked], *, part: str) -> Cell:
    """Search for each question, and compare with the truth."""
    for each in questions[:20]:  # warm
        await find(field, each, part=part)
    took, recalls, forbidden, short = [], [], 0, 0
    for each in questions:
        began = time.perf_counter()
        found = await find(field, each, part=part)
        took.append((time.perf_counter() - began) * 1000)
        seen = field.corpus.visible(each.tenant, each.percent)
        forbidden += sum(not seen[number] for number in found)
        truth = each.truth[part]
        short += max(0, len(truth) - len(found))
        if truth:
            recalls.append(len(set(truth) & set(found)) / len(truth))
    return Cell(
        passages=len(field.corpus.vectors),
        visible_pct=questions[0].percent,
        part=part,
        p50_ms=round(float(np.percentile(took, 50)), 2),
        p95_ms=round(float(np.percentile(took, 95)), 2),
        recall10=round(float(np.mean(recalls)), 4) if recalls else None,
        forbidden=forbidden,
        short=short,
    )


async def find(field: Field, each: Asked, *, part: str) -> list[int]:
    """Give the numbers of the passages that a part finds, in a transaction of its own."""
    reader = field.loaded.reader(each.tenant, each.percent)
    corpus = field.loaded.corpora[each.tenant]
    scope = Scope(tenant_id=reader.tenant_id, corpus_id=corpus.id, among=Filter())
    async with field.database.read_as(reader) as conn:
        if part == "hybrid":
            found = await search(
                conn,
                each.text,
                queries=[each.vector],
                corpus=corpus,
                tenant_id=reader.tenant_id,
                among=Filter(),
                limit=K,
                fusion=HYBRID,
            )
            return [hit.passage_id - 1 for hit in found.hits]
        visible = await count_visible(conn, scope)
        if not visible:
            return []
        if part == "vector":
            [found] = await nearest(conn, [each.vector], scope, visible=visible, limit=CANDIDATES)
            ranking = found.ranking
        else:
            ranking = await by_keyword(conn, each.text, scope, visible=visible, limit=CANDIDATES)
    return [passage_id - 1 for passage_id, _ in ranking[:K]]


def _asked(field: Field, number: int, percent: float) -> Asked:
    corpus = field.corpus
    tenant = int(corpus.asked_by[number])
    text = corpus.question(number)
    seen = corpus.visible(tenant, percent)
    vector: list[tuple[int, float]] = []
    words: list[tuple[int, float]] = []
    if seen.any():
        near = corpus.nearest(number, percent, CANDIDATES)
        cosines = corpus.vectors[near].astype(np.float32) @ corpus.questions[number]
        vector = list(zip(near.tolist(), cosines.tolist(), strict=True))
        words = field.inverted.best(text, seen, CANDIDATES)
    rankings = Rankings(candidates=CANDIDATES, keyword=words, vector={"made": vector})
    return Asked(
        text=text,
        vector=QueryVector(
            space_id=field.loaded.space.id,
            space=field.loaded.space.name,
            vector=corpus.questions[number],
        ),
        tenant=tenant,
        percent=percent,
        truth={
            "vector": [i for i, _ in vector[:K]],
            "bm25": [i for i, _ in words[:K]],
            "hybrid": [f.passage_id for f in fuse(rankings, HYBRID, limit=K)],
        },
    )
