"""Choose how rankings are joined by questions whose answers are known."""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import get_args

from roadworthy.answering.embedding import aim, embed_or_degrade
from roadworthy.core.choosing import LEAST_DOCUMENTS, Choice, check_documents, choose
from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.core.identity import Principal
from roadworthy.core.ranking_metrics import mean, ndcg_at_k
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.corpus.languages import spoken
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.plumbing.database import Database
from roadworthy.releases import find_release
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.fusion import Fusion, Method, Rankings, fuse, fusion_of
from roadworthy.retrieval.passages import PassageRow, fetch
from roadworthy.retrieval.search import CANDIDATES, rank
from roadworthy.tuning.experiments import Basis, Experiment, Measured, keep
from roadworthy.tuning.questions import Dataset, JudgedQuestion, answerable, words
from roadworthy.tuning.records import Report

WEIGHTS = tuple(step / 10 for step in range(11))
# By ranks, a weight moves a space far: .9 by seven places, .5 behind all of the other's.
SPACE_WEIGHTS = (0.9, 0.75, 0.5)
BEST = 10  # the hits that count


@dataclass(frozen=True, slots=True, kw_only=True)
class Searcher:
    """Who searches, where, and by which release. He sees what he may see."""

    database: Database
    embedders: Mapping[str, SpaceEmbedder]
    principal: Principal
    stored: StoredRelease
    corpus: Corpus

    @property
    def spaces(self) -> list[str]:
        """Give the names of the spaces in which questions may be compared."""
        if self.stored.release.space is not None:
            return [self.stored.release.space]
        routing = self.corpus.routing
        ids = {routing.space_id, *(route.space_id for route in routing.routes)}
        return sorted(name for name, each in self.embedders.items() if each.space.id in ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedFusion:
    """One way to join, and its mean nDCG@10 over all questions."""

    fusion: Fusion
    ndcg10: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedRanking:
    """What was measured, and what follows from it. Invariant: the first tried is the live one."""

    visible: int  # questions about documents that may be seen
    out_of_time: bool
    tried: Sequence[TriedFusion]
    choice: Choice
    experiment: Experiment

    @property
    def best(self) -> TriedFusion:
        """Give the best for all questions; the live one where none is better."""
        return self.tried[self.choice.best]


async def searcher(
    database: Database, embedders: Mapping[str, SpaceEmbedder], principal: Principal
) -> Searcher:
    """Let a person search by the live release, in its corpus.

    Raises:
        Missing: there is no live release, or not its corpus.
    """
    tenant_id = principal.tenant_id
    async with database.read_as(principal) as conn:
        stored = await find_release(conn, tenant_id=tenant_id)
        corpus = await find_corpus(conn, tenant_id=tenant_id, name=stored.release.corpus)
    return Searcher(
        database=database, embedders=embedders, principal=principal, stored=stored, corpus=corpus
    )


async def tune(
    by: Searcher, dataset: Dataset, *, most: int, has_time: Callable[[], bool], report: Report
) -> TunedRanking:
    """Search for each question once, join in every way, and keep what was measured.

    Args:
        most: questions that are asked.
        has_time: asked before each question.

    Raises:
        Invalid: the questions are about too few documents to tell anything, or there was time for
            too few of them.
        Unavailable: the database or a model is down; what is measured without it would not hold.
    """
    of = {"tenant_id": by.principal.tenant_id, "corpus_id": by.corpus.id}
    async with by.database.read_as(by.principal) as conn:
        visible = await answerable(conn, dataset, **of)
    asked = visible[:most]
    check_documents([each.document for each in asked])
    fusions = list(ways(fusion_of(by.stored.release), spaces=by.spaces))
    scores: list[list[float]] = []  # of each question, by way: all that is remembered of it
    for each in asked:
        if not has_time():
            break
        found = await _found(by, each)
        scores.append(await asyncio.to_thread(found.ndcgs, fusions))
        report("searching", len(scores), len(asked))
    documents = [each.document for each in asked[: len(scores)]]
    if len(set(documents)) < LEAST_DOCUMENTS:
        raise Invalid(f"There was time for only {len(scores)} questions; give it more.")
    choice = await asyncio.to_thread(choose, scores, documents)
    tried = [
        TriedFusion(fusion=fusion, ndcg10=mean(of_way) or 0.0)
        for fusion, of_way in zip(fusions, zip(*scores, strict=True), strict=True)
    ]
    experiment = _experiment(by, tried, choice, dataset=dataset.name, documents=documents)
    async with by.database.as_worker(by.principal.tenant_id) as conn:
        await keep(conn, experiment, **of)
    return TunedRanking(
        visible=len(visible),
        out_of_time=len(scores) < len(asked),
        tried=tried,
        choice=choice,
        experiment=experiment,
    )


def ways(live: Fusion, *, spaces: Sequence[str]) -> Iterator[Fusion]:
    """List what is tried, the live way first.

    Args:
        spaces: in which questions are compared; where there are several, each is lowered in turn.
    """
    yield live
    lowered = [{space: weight} for space in spaces for weight in SPACE_WEIGHTS]
    seen = [_key(live)]
    for space_weights in ({}, *(lowered if len(spaces) > 1 else ())):
        for method in get_args(Method):
            for weight in WEIGHTS:
                way = Fusion(method=method, vector_weight=weight, space_weights=space_weights)
                if _key(way) not in seen:
                    seen.append(_key(way))
                    yield way


def _key(way: Fusion) -> Fusion:
    """Write what joins alike in one way: where one ranking decides alone, methods do."""
    counted = {space: weight for space, weight in way.space_weights.items() if weight != 1}
    if way.vector_weight == 0:
        return Fusion(method="weighted", vector_weight=0)
    method = "weighted" if way.vector_weight == 1 else way.method
    return replace(way, method=method, space_weights=counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRankings:
    """What was found for a question, and how good that is, however it is joined."""

    rankings: Rankings
    items: Mapping[int, Sequence[Hashable]]  # passage id -> what it stands for in a ranking
    grades: Mapping[Hashable, float]  # of all that is to be found, by what stands for it

    def ndcgs(self, fusions: Sequence[Fusion]) -> list[float]:
        """Score each way to join."""
        return [self.ndcg(fusion) for fusion in fusions]

    def ndcg(self, fusion: Fusion) -> float:
        """Score the ranking that `fusion` makes: nDCG@10."""
        fused = fuse(self.rankings, fusion, limit=max(1, len(self.items)))
        ranked = dict.fromkeys(item for each in fused for item in self.items[each.passage_id])
        return ndcg_at_k(list(ranked), self.grades, BEST) or 0.0


def judged(
    asked: JudgedQuestion, rankings: Rankings, passages: Mapping[int, PassageRow]
) -> JudgedRankings:
    """Say of each passage that was found what it stands for: every target that it meets.

    Documents rank as the best of their passages does; where a target quotes, passages do. One that
    meets several targets stands for them one after the other: nothing better can be found.
    """
    grades: dict[Hashable, float] = {}
    for each in asked.targets:
        key = each.document, each.quote
        grades[key] = max(each.grade, grades.get(key, 0.0))
    patterns = {each.quote: words(each.quote or "") for each in asked.targets}
    by_passage = any(each.quote is not None for each in asked.targets)
    items: dict[int, Sequence[Hashable]] = {}
    for passage_id in ids_of(rankings):
        row = passages.get(passage_id)
        met = [
            (each.document, each.quote)
            for each in asked.targets
            if row is not None
            and row.document_name == each.document
            and patterns[each.quote].search(row.text)
        ]
        other = passage_id if by_passage or row is None else row.document_name
        items[passage_id] = met or [other]
    return JudgedRankings(rankings=rankings, items=items, grades=grades)


def ids_of(rankings: Rankings) -> set[int]:
    """Give the passages that a ranking holds."""
    return {i for each in (rankings.keyword, *rankings.vector.values()) for i, _ in each}


async def _found(by: Searcher, asked: JudgedQuestion) -> JudgedRankings:
    tenant_id, corpus = by.principal.tenant_id, by.corpus
    async with by.database.read_as(by.principal) as conn:
        aimed = await aim(
            conn,
            tenant_id=tenant_id,
            corpus=corpus,
            stored=by.stored,
            spoken=spoken(asked.question),
            embedders=by.embedders,
        )
    embedded = await embed_or_degrade(aimed, asked.question)
    if embedded.degraded:
        raise Unavailable(
            f"Without {', '.join(embedded.degraded)} nothing is measured; `roadworthy doctor` says "
            "what is wrong."
        )
    async with by.database.read_as(by.principal) as conn:
        scope = Scope(tenant_id=tenant_id, corpus_id=corpus.id, among=Filter())
        ranked = await rank(
            conn, asked.question, queries=embedded.queries, scope=scope, candidates=CANDIDATES
        )
        rows = await fetch(conn, ids_of(ranked.rankings), tenant_id=tenant_id)
    return judged(asked, ranked.rankings, rows)


def _experiment(
    by: Searcher,
    tried: Sequence[TriedFusion],
    choice: Choice,
    *,
    dataset: str,
    documents: Sequence[str],
) -> Experiment:
    return Experiment.of(
        [
            Measured(setting=asdict(each.fusion), figures={"ndcg10": each.ndcg10}, gain=gain)
            for each, gain in zip(tried, choice.gains, strict=True)
        ],
        choice,
        corpus=by.corpus.name,
        kind="ranking",
        measure="ndcg10",
        questions=len(documents),
        made_by=by.principal.user_id,
        basis=Basis(
            dataset=dataset,
            release_hash=by.stored.hash,
            spaces=by.spaces,
            counted=len(documents),
            documents=len(set(documents)),
        ),
    )
