"""A made corpus in a database of its own, and what each part of a search finds in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.loaded import Loaded, load
from benchmarks.made import Inverted, Made, invert, make
from benchmarks.up import fresh_home
from roadworthy.core.spaces import QueryVector
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
CONNECTIONS = 40
HYBRID = fusion_of(BUILT_IN["extract"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of a person."""

    text: str
    vector: QueryVector
    tenant: int
    percent: float
    truth: dict[str, list[int]]  # what he should find by each part


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A made corpus, and the database that it was put into; no tenant has a partition yet."""

    corpus: Made
    inverted: Inverted
    loaded: Loaded
    database: Database
    home: Path
    worker_url: str
    owner_url: str
    superuser_url: str


@asynccontextmanager
async def made_field(passages: int, *, questions: int) -> AsyncIterator[Field]:
    """Put a made corpus into a database of its own."""
    corpus, inverted = make(passages, questions=questions), invert(passages)
    with (
        fresh_home() as home,
        running_database(load_settings({}, overrides={"home": home})) as urls,
    ):
        assert urls.owner
        superuser = EmbeddedPostgres(home).superuser_url(DATABASE)
        database = Database(app_url=urls.app, worker_url=urls.worker, connections=CONNECTIONS)
        await database.open()
        try:
            loaded = await load(database, corpus, inverted, superuser_url=superuser)
            yield Field(
                corpus=corpus,
                inverted=inverted,
                loaded=loaded,
                database=database,
                home=home,
                worker_url=urls.worker,
                owner_url=urls.owner,
                superuser_url=superuser,
            )
        finally:
            await database.close()


def asked(field: Field, number: int, percent: float) -> Asked:
    """Have a person ask, and work out what he should find by a look at each row."""
    return replace(unjudged(field, number, percent), truth=_truth(field, number, percent))


def unjudged(field: Field, number: int, percent: float) -> Asked:
    """Have a person ask whose answer nobody looks at."""
    corpus = field.corpus
    space = field.loaded.space
    return Asked(
        text=corpus.question(number),
        vector=QueryVector(space_id=space.id, space=space.name, vector=corpus.questions[number]),
        tenant=int(corpus.asked_by[number]),
        percent=percent,
        truth={},
    )


def _truth(field: Field, number: int, percent: float) -> dict[str, list[int]]:
    corpus = field.corpus
    seen = corpus.visible(int(corpus.asked_by[number]), percent)
    vector: list[tuple[int, float]] = []
    words: list[tuple[int, float]] = []
    if seen.any():
        near = corpus.nearest(number, percent, CANDIDATES)
        cosines = corpus.vectors[near].astype(np.float32) @ corpus.questions[number]
        vector = list(zip(near.tolist(), cosines.tolist(), strict=True))
        words = field.inverted.best(corpus.question(number), seen, CANDIDATES)
    rankings = Rankings(candidates=CANDIDATES, keyword=words, vector={"made": vector})
    return {
        "vector": [i for i, _ in vector[:K]],
        "bm25": [i for i, _ in words[:K]],
        "hybrid": [f.passage_id for f in fuse(rankings, HYBRID, limit=K)],
    }


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
            ranking = (
                await by_keyword(conn, each.text, scope, visible=visible, limit=CANDIDATES)
            ).ranking
    return [passage_id - 1 for passage_id, _ in ranking[:K]]
