"""Choose how large passages are, by questions; what is searched is not touched."""

import asyncio
import hashlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.in_flight import InFlight, Making
from roadworthy.core.choosing import LEAST_DOCUMENTS, Choice, check_documents, choose
from roadworthy.core.errors import Conflict, Invalid
from roadworthy.core.identity import Principal
from roadworthy.core.spaces import QueryVector, Vectors
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.corpus.routing import Routing
from roadworthy.corpus.texts import Text, read_texts
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.ingestion.embed import BATCH, not_served
from roadworthy.ingestion.split import TokenCounter
from roadworthy.plumbing.database import Database
from roadworthy.releases import find_release
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.tuning.answers import Judge
from roadworthy.tuning.experiments import Basis, Experiment, Measured, keep
from roadworthy.tuning.index import Index, Passage, passages_of
from roadworthy.tuning.judging import judged
from roadworthy.tuning.questions import Dataset, Located, answerable, located
from roadworthy.tuning.records import Cost, Cut, Measure, Report, Score, TriedCut, TunedPassages

OPERATOR = "operator"
SIZES, OVERLAPS = (128, 192, 256, 384, 510), (0, 32)
MOST_CUTS = 20
MOST_CHARACTERS = 5_000_000  # of all documents; each way embeds them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is measured with, and in whose name."""

    database: Database
    embedders: Mapping[int, SpaceEmbedder]  # by the space's id
    tokenizers: Mapping[int, TokenCounter]
    in_flight: InFlight  # hears of deletions meanwhile
    tenant_id: int
    principal: Principal | None  # None: the operator, who sees everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is tried, at most."""

    questions: int
    documents: int
    has_time: Callable[[], bool]  # asked before each step


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What every cut is tried on, and by what."""

    texts: Sequence[Text]
    asked: Sequence[Located]
    visible: int  # questions about documents that may be seen, those that are not asked too
    routing: Routing
    stored: StoredRelease  # by which is ranked and read
    tokenizer: TokenCounter
    embedder: SpaceEmbedder  # of the space that holds every passage


class _OutOfTime(Exception):
    """What is left is not tried."""


def cuts_of(present: Cut, *, sizes: Sequence[int], overlaps: Sequence[int]) -> list[Cut]:
    """List what is tried, the present way first, then without overlap before with it.

    Raises:
        Invalid: they are too many.
    """
    others = [
        Cut(size=size, overlap=overlap)
        for overlap in sorted(overlaps)
        for size in sorted(sizes)
        if 2 * overlap <= size
    ]
    cuts = list(dict.fromkeys([present, *others]))
    if len(cuts) > MOST_CUTS:
        raise Invalid(f"At most {MOST_CUTS} ways of cutting are tried at once.")
    return cuts


async def tune(
    bench: Bench,
    cuts: Sequence[Cut],
    dataset: Dataset,
    *,
    corpus: str,
    bounds: Bounds,
    report: Report,
) -> TunedPassages:
    """Try each cut of a corpus, the present one first, and keep what was measured.

    The corpus is searched as its fallback space does; routes to others are not followed.

    Raises:
        Missing: there is no such corpus, or no live release.
        Invalid: the questions are about too few documents, or no time was left for the first cut.
        Conflict: a document was deleted meanwhile.
        Unavailable: a model is down, or its space is not served here.
    """
    making = bench.in_flight.begin(bench.tenant_id)
    try:
        found, trial = await _trial(bench, corpus, dataset, bounds=bounds)
        making.documents = frozenset(text.document_id for text in trial.texts)

        def checked(stage: str, done: int, total: int) -> None:
            _check_whole(making)
            report(stage, done, total)

        measure = measure_of(trial.asked)
        tried = await compare(trial, cuts, has_time=bounds.has_time, report=checked)
        _check_whole(making)
        choice, basis = await asyncio.to_thread(
            _choice, trial, tried, measure=measure, dataset=dataset.name
        )
        experiment = Experiment.of(
            [
                Measured(setting=_setting(each.cut), figures=each.figures, gain=gain)
                for each, gain in zip(tried, choice.gains, strict=True)
            ],
            choice,
            corpus=found.name,
            kind="passages",
            measure=measure,
            questions=len(trial.asked),
            made_by=bench.principal.user_id if bench.principal else OPERATOR,
            basis=basis,
        )
        async with bench.database.as_worker(bench.tenant_id) as conn:
            await keep(conn, experiment, tenant_id=bench.tenant_id, corpus_id=found.id)
    finally:
        bench.in_flight.end(making)
    return TunedPassages(
        given=len(dataset.questions),
        visible=trial.visible,
        unfound=sum(each.unfound for each in trial.asked),
        texts=len(trial.texts),
        measure=measure,
        tried=tried,
        untried=cuts[len(tried) :],
        choice=choice,
        experiment=experiment,
    )


async def _trial(
    bench: Bench, name: str, dataset: Dataset, *, bounds: Bounds
) -> tuple[Corpus, Trial]:
    """Read what is tried on, as far as it may be seen."""
    database, tenant_id = bench.database, bench.tenant_id
    person = bench.principal
    async with database.read_as(person) if person else database.as_worker(tenant_id) as conn:
        corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
        of = {"tenant_id": tenant_id, "corpus_id": corpus.id}
        stored = await find_release(conn, tenant_id=tenant_id)
        visible = await answerable(conn, dataset, **of)
        asked = visible[: bounds.questions]
        texts = await read_texts(
            conn,
            **of,
            first={target.document for each in asked for target in each.targets},
            most=bounds.documents,
            most_characters=MOST_CHARACTERS,
        )
    try:
        embedder = bench.embedders[corpus.space_id]
        tokenizer = bench.tokenizers[corpus.space_id]
    except KeyError:
        raise not_served(corpus.space_id) from None
    return corpus, Trial(
        texts=texts,
        asked=located(asked, texts),
        visible=len(visible),
        routing=corpus.routing,
        stored=stored,
        tokenizer=tokenizer,
        embedder=embedder,
    )


def _check_whole(making: Making) -> None:
    if making.is_over:
        raise Conflict("A document was deleted while it was measured on; run it again.")


def _setting(cut: Cut) -> dict[str, int]:
    return {"passage_tokens": cut.size, "passage_overlap_tokens": cut.overlap}


def measure_of(asked: Sequence[Located]) -> Measure:
    """Choose by the quotes where they are of enough documents, else by the documents.

    Raises:
        Invalid: the questions are about too few documents to tell anything.
    """
    if len({each.document for each in asked if each.quotes}) >= LEAST_DOCUMENTS:
        return "covered"
    check_documents([each.document for each in asked])
    return "ndcg10"


def _choice(
    trial: Trial, tried: Sequence[TriedCut], *, measure: Measure, dataset: str
) -> tuple[Choice, Basis]:
    """Choose by the questions that say what is measured."""
    rows = zip(*([getattr(score, measure) for score in each.scores] for each in tried), strict=True)
    told = [(row, n) for n, row in enumerate(rows) if None not in row]
    documents = [trial.asked[n].document for _, n in told]
    basis = Basis(
        dataset=dataset,
        release_hash=trial.stored.hash,
        spaces=[trial.embedder.space.name],
        counted=len(told),
        documents=len(set(documents)),
        context_tokens=_judge(trial).context_tokens,
    )
    return choose([row for row, _ in told], documents), basis


async def compare(
    trial: Trial, cuts: Sequence[Cut], *, has_time: Callable[[], bool], report: Report
) -> list[TriedCut]:
    """Try each cut for as long as there is time; one that is not tried to its end does not count.

    Raises:
        Invalid: no time was left for the first.
        Unavailable: a model is down.
    """
    work = _Work(trial=trial, judge=_judge(trial), has_time=has_time, report=report)
    tried: list[TriedCut] = []
    try:
        queries = await work.questions()
        for number, cut in enumerate(cuts, 1):
            work.way = f"{number} of {len(cuts)}"
            tried.append(await _try(work, cut, queries=queries))
    except _OutOfTime:
        if not tried:
            raise Invalid(
                "There was no time for the present way of cutting; give it more."
            ) from None
    return tried


def _judge(trial: Trial) -> Judge:
    return Judge(
        answerer=ExtractingAnswerer(), embedder=trial.embedder, release=trial.stored.release
    )


@dataclass(slots=True, kw_only=True)
class _Work:
    """Goes step by step within the time, embeds each text once, and remembers what it took."""

    trial: Trial
    judge: Judge
    has_time: Callable[[], bool]
    report: Report
    way: str = ""
    # By the hash of its text: its vector, and seconds.
    _known: dict[bytes, tuple[Vectors, float]] = field(default_factory=dict)

    def step(self, stage: str, done: int, total: int) -> None:
        """Say what comes next.

        Raises:
            _OutOfTime: there is no time for it.
        """
        if not self.has_time():
            raise _OutOfTime
        self.report(f"{stage} {self.way}".strip(), done, total)

    async def questions(self) -> list[QueryVector]:
        asked, queries = self.trial.asked, list[QueryVector]()
        for each in asked:
            self.step("asking", len(queries), len(asked))
            queries.append(await self.trial.embedder.embed_question(each.question))
        return queries

    async def cut(self, cut: Cut) -> list[Passage]:
        trial, found = self.trial, list[Passage]()
        for position, text in enumerate(trial.texts):
            self.step("cutting", position, len(trial.texts))
            found += await asyncio.to_thread(
                passages_of, text, position, cut, tokenizer=trial.tokenizer, routing=trial.routing
            )
        return found

    async def vectors(self, passages: Sequence[Passage]) -> tuple[Vectors, float]:
        """Give a vector each, shape (passages, dimension), and the seconds for all of them."""
        keys = [hashlib.sha256(each.led.encode()).digest() for each in passages]
        named = zip(keys, passages, strict=True)
        new = list({key: each.led for key, each in named if key not in self._known}.items())
        for start in range(0, len(new), BATCH):
            self.step("embedding", start, len(new))
            batch = new[start : start + BATCH]
            began = time.perf_counter()
            vectors = await self.trial.embedder.embed_passages([led for _, led in batch])
            each_s = (time.perf_counter() - began) / len(batch)
            self._known.update((k, (v, each_s)) for (k, _), v in zip(batch, vectors, strict=True))
        found = [self._known[key] for key in keys]
        return np.stack([vector for vector, _ in found]), sum(seconds for _, seconds in found)


async def _try(work: _Work, cut: Cut, *, queries: Sequence[QueryVector]) -> TriedCut:
    trial, fusion = work.trial, fusion_of(work.trial.stored.release)
    passages = await work.cut(cut)
    vectors, embed_s = await work.vectors(passages)
    index = await asyncio.to_thread(
        Index, passages, vectors, texts=trial.texts, space=trial.embedder.space.name
    )
    scores: list[Score] = []
    took: list[float] = []
    for asked, query in zip(trial.asked, queries, strict=True):
        work.step("searching", len(scores), len(queries))
        began = time.perf_counter()
        found = await asyncio.to_thread(index.search, asked.question, query.vector, fusion)
        took.append(time.perf_counter() - began)
        context = work.judge.read(found)
        answered = await work.judge.answered(asked, query, context)
        scores.append(judged(asked, found, context, answered=answered))
    cost = Cost(
        passages=len(passages),
        mean_tokens=statistics.fmean(each.tokens for each in passages),
        vector_bytes=index.vector_bytes,
        posting_bytes=index.posting_bytes,
        embed_s=embed_s,
        search_ms=1000 * statistics.median(took),
    )
    return TriedCut(cut=cut, scores=scores, cost=cost)
