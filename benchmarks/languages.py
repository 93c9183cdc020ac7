"""What each embedding space finds in each language, and how well languages are told.

make bench NAME=languages [ARGS="--data DIR --paragraphs 240 --questions 200 --runs 300"]

Detection is held against lingua in the same run. Retrieval: each set is indexed once in each
space, by the real worker; then the first paragraphs of all sets together in one corpus, with
English routed to a space of its own, and every question is asked as people ask.
"""

import argparse
import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.datasets import DEFAULT, RetrievalSet, retrieval_sets
from benchmarks.languages_told import Figures, Told, judged, recall_by_language, tell
from benchmarks.quality import Ingested, documents_of, ingest
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.answering.embedding import aim, embed_or_degrade
from roadworthy.bootstrap import Services
from roadworthy.cli.reindexing import follow, queue_all
from roadworthy.core.errors import Invalid
from roadworthy.core.identity import Principal
from roadworthy.core.ranking_metrics import mean, recall_at_k
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.languages import spoken
from roadworthy.corpus.reembedding import keep_beside
from roadworthy.corpus.switching import switch
from roadworthy.releases import BUILT_IN, add_release, find_release, make_live
from roadworthy.releases.records import DEFAULT as RELEASE
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.search import Hit, search

K = 5
SPACES = ("e5-small", "minilm")
OF_ITS_OWN = ("en", "minilm")  # the route of the corpus of all languages
WAYS = {"bm25": 0.0, "vector": 1.0, "hybrid": BUILT_IN[RELEASE].vector_weight}
TOGETHER = 60  # paragraphs of each language in the corpus of all

Recalls = dict[str, float | None]  # by language or way


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What was found in one corpus of all languages, by the language of the question."""

    plain: Recalls  # all in the fallback space
    routed: Recalls  # one language in a space of its own
    wrong_space_queries: int
    foreign_vectors_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """What was found of each language: in each space alone, and of all languages together."""

    alone: Mapping[str, Recalls]  # by language, then way
    together: Together


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT / "languages")
    parser.add_argument("--paragraphs", type=int, default=240, help="most indexed of a set")
    parser.add_argument("--questions", type=int, default=200, help="most asked of a set")
    parser.add_argument("--runs", type=int, default=300, help="texts of a kind and language")
    options = parser.parse_args()
    whole = {
        each.name.rpartition("_")[2]: each
        for each in retrieval_sets(options.data, most_questions=100_000)
    }
    told, cost = tell(whole, most=options.runs)
    sets = {
        language: _cut(each, options.paragraphs, options.questions)
        for language, each in whole.items()
    }
    with fresh_home() as home:
        up = Up(home)
        up.start()
        try:
            up.wait_until_greeted()
            retrieved = asyncio.run(retrieve(up, sets))
        finally:
            up.stop()
    _show(judged(told), retrieved.alone, retrieved.together)
    print(json.dumps(_report(told, retrieved) | cost))


async def retrieve(up: Up, sets: Mapping[str, RetrievalSet]) -> Retrieved:
    """Ask every set in each space alone, and all of them together in one routed corpus."""
    run = uuid4().hex[:6]
    async with services_of(up) as services:
        await _served(services)
        alone: dict[str, Recalls] = {}
        for language, data in sets.items():
            for space in SPACES:
                named = replace(data, name=f"{data.name}-{space}")
                ingested = await ingest(services, named, run=run, space=space)
                found = await _alone(services, data, ingested, space=space)
                alone.setdefault(language, {}).update(found)
        together = await _together(services, sets, run=run)
        return Retrieved(alone=alone, together=together)


async def _served(services: Services) -> None:
    """Wait for the shipped spaces, which are made when all has settled."""
    async with asyncio.timeout(180):
        while not services.embedders.keys() >= set(SPACES):  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0.5)


async def _alone(
    services: Services, data: RetrievalSet, ingested: Ingested, *, space: str
) -> Recalls:
    embedder = services.embedders[space]
    ranked: dict[str, list[float | None]] = {way: [] for way in WAYS}
    for key, question in track(data.questions.items(), description=f"{data.name} in {space}"):
        query = await embedder.embed_question(question)
        for way, weight in WAYS.items():
            hits = await _hits(services, ingested, question, queries=[query], weight=weight)
            ranked[way].append(recall_at_k(documents_of(hits), data.grades[key], K))
    return {
        (way if way == "bm25" else f"{way} {space}"): mean(values) for way, values in ranked.items()
    }


async def _together(services: Services, sets: Mapping[str, RetrievalSet], *, run: str) -> Together:
    """Index all languages in one corpus, ask it plain and routed, and count what went wrong."""
    everything = _joined({lang: _cut(each, TOGETHER, TOGETHER) for lang, each in sets.items()})
    ingested = await ingest(services, everything, run=run)
    async with services.database.as_worker(ingested.tenant_id) as conn:
        built_in = {"tenant_id": ingested.tenant_id, "name": RELEASE}
        await add_release(conn, **built_in, release=BUILT_IN[RELEASE])
        await make_live(conn, **built_in)
    plain, _ = await _asked(services, everything, ingested)
    tenant_id = ingested.tenant_id
    language, name = OF_ITS_OWN
    space = services.embedders[name].space
    async with services.database.as_worker(tenant_id) as conn:
        asked = {"tenant_id": tenant_id, "name": "main", "space": space, "language": language}
        corpus = await keep_beside(conn, **asked)
    await queue_all(services.database, tenant_id=tenant_id, corpus=corpus)
    await follow(services.database, tenant_id=tenant_id, corpus=corpus)
    async with services.database.as_worker(tenant_id) as conn:
        await switch(conn, **asked)
        corpus = await find_corpus(conn, tenant_id=tenant_id, name="main")
    ingested = replace(ingested, corpus=corpus)
    routed, wrong = await _asked(services, everything, ingested)
    return Together(
        plain=plain,
        routed=routed,
        wrong_space_queries=wrong,
        foreign_vectors_refused=await _refused(services, ingested),
    )


async def _asked(services: Services, data: RetrievalSet, ingested: Ingested) -> tuple[Recalls, int]:
    """Ask every question as people ask; recall by its language, and vectors compared wrongly.

    A comparison is wrong when the space does not serve the language of the question, or that of a
    passage that it found.
    """
    reader = _reader(ingested)
    spaces = {each.space.id: each.space for each in services.embedders.values()}
    found: dict[str, list[float | None]] = {}
    wrong = 0
    for key, question in track(data.questions.items(), description="all languages together"):
        language = key.partition(":")[0]
        asked = {"tenant_id": ingested.tenant_id}
        async with services.database.read_as(reader) as conn:
            aimed = await aim(
                conn,
                **asked,
                corpus=ingested.corpus,
                stored=await find_release(conn, **asked, name=None),
                spoken=spoken(question),
                embedders=services.embedders,
            )
        embedded = await embed_or_degrade(aimed, question)
        wrong += sum(not spaces[each.space_id].serves(language) for each in embedded.queries)
        hits = await _hits(
            services, ingested, question, queries=embedded.queries, weight=WAYS["hybrid"]
        )
        wrong += sum(
            not services.embedders[hit.space].space.serves(hit.language)
            for hit in hits
            if hit.space
        )
        recall = recall_at_k(documents_of(hits), data.grades[key], K)
        found.setdefault(language, []).append(recall)
    return {language: mean(values) for language, values in found.items()}, wrong


async def _refused(services: Services, ingested: Ingested) -> bool:
    """Search with a vector of a space that the corpus is not searched in; it must be refused."""
    embedder = services.embedders["minilm"]
    query = replace(await embedder.embed_question("What is it?"), space_id=1_000_000)
    try:
        await _hits(services, ingested, "What is it?", queries=[query], weight=1.0)
    except Invalid:
        return True
    return False


async def _hits(
    services: Services,
    ingested: Ingested,
    question: str,
    *,
    queries: Sequence[QueryVector],
    weight: float,
) -> Sequence[Hit]:
    async with services.database.read_as(_reader(ingested)) as conn:
        found = await search(
            conn,
            question,
            queries=queries,
            corpus=ingested.corpus,
            tenant_id=ingested.tenant_id,
            among=Filter(),
            limit=50,
            fusion=Fusion(vector_weight=weight),
        )
    return found.hits


def _reader(ingested: Ingested) -> Principal:
    return Principal(tenant_id=ingested.tenant_id, user_id="bench", groups=frozenset(), clearance=0)


def _cut(data: RetrievalSet, paragraphs: int, questions: int) -> RetrievalSet:
    """Keep the first paragraphs that questions ask for, and a sample of those questions."""
    order = sorted(data.documents, key=lambda key: _unasked(key, data))
    kept = set(order[:paragraphs])
    answerable = [key for key in data.questions if data.grades[key].keys() <= kept]
    chosen = random.Random(5).sample(answerable, min(questions, len(answerable)))  # noqa: S311
    return replace(
        data,
        documents={key: data.documents[key] for key in order[:paragraphs]},
        questions={key: data.questions[key] for key in chosen},
        grades={key: data.grades[key] for key in chosen},
    )


def _unasked(key: str, data: RetrievalSet) -> bool:
    return not any(key in grades for grades in data.grades.values())


def _joined(sets: Mapping[str, RetrievalSet]) -> RetrievalSet:
    documents: dict[str, str] = {}
    questions: dict[str, str] = {}
    grades: dict[str, dict[str, float]] = {}
    for language, data in sets.items():
        documents |= {f"{language}:{key}": text for key, text in data.documents.items()}
        questions |= {f"{language}:{key}": text for key, text in data.questions.items()}
        grades |= {
            f"{language}:{key}": {f"{language}:{one}": grade for one, grade in each.items()}
            for key, each in data.grades.items()
        }
    return RetrievalSet(name="all", documents=documents, questions=questions, grades=grades)


def _show(
    detection: Mapping[str, Mapping[str, Figures]], alone: Mapping[str, Recalls], together: Together
) -> None:
    console = Console()
    table = Table("text", "detector", "precision", "recall", "wrong", title="languages told")
    for kind, row in detection.items():
        for who, each in row.items():
            table.add_row(kind, who, *map(_shown, (each.precision, each.recall, each.wrong)))
    console.print(table)
    ways = list(next(iter(alone.values()), {}))
    table = Table("language", *ways, "together", "routed", title=f"recall@{K}")
    for language, row in alone.items():
        found = [row.get(way) for way in ways]
        found += [together.plain.get(language), together.routed.get(language)]
        table.add_row(language, *map(_shown, found))
    console.print(table)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _report(told: Sequence[Told], retrieved: Retrieved) -> dict[str, object]:
    return {
        "wrong_space_queries": retrieved.together.wrong_space_queries,
        "foreign_vectors_refused": retrieved.together.foreign_vectors_refused,
        f"recall_at_{K}": {language: _rounded(row) for language, row in retrieved.alone.items()},
        "together": _rounded(retrieved.together.plain),
        "together_routed": _rounded(retrieved.together.routed),
        "detection": {
            kind: {who: asdict(each) for who, each in row.items()}
            for kind, row in judged(told).items()
        },
        "detection_recall": {
            language: _rounded(row) for language, row in recall_by_language(told).items()
        },
    }


def _rounded(row: Recalls) -> Recalls:
    return {key: None if value is None else round(value, 3) for key, value in row.items()}


if __name__ == "__main__":
    main()
