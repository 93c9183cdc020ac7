"""Try ways to cut the documents of a corpus; what is searched is not touched."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from roadworthy.core.choosing import LEAST_DOCUMENTS, check_documents, choose
from roadworthy.core.errors import Invalid
from roadworthy.core.spaces import QueryVector, Vectors
from roadworthy.corpus.routing import Routing
from roadworthy.corpus.texts import Text
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.ingestion.embed import BATCH
from roadworthy.ingestion.split import TokenCounter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.tuning.answers import Judge
from roadworthy.tuning.index import Index, Passage, passages_of
from roadworthy.tuning.judging import judged
from roadworthy.tuning.records import Asked, Cost, Cut, Measure, Score, Tried, Tuned

Report = Callable[[str, int, int], None]  # stage, done, of how many; what it raises ends it all


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What every cut is tried on, and by what."""

    texts: Sequence[Text]
    asked: Sequence[Asked]
    routing: Routing
    fusion: Fusion
    context_tokens: int
    tokenizer: TokenCounter
    embedder: SpaceEmbedder  # of the space that holds every passage
    judge: Judge


class _OutOfTime(Exception):
    """What is left is not tried."""


async def tune(
    trial: Trial, cuts: Sequence[Cut], *, has_time: Callable[[], bool], report: Report
) -> Tuned:
    """Try each cut, the present one first, for as long as there is time.

    The corpus is searched as its fallback space does; routes to others are not followed.

    Args:
        has_time: asked before each step; a cut that is not tried to its end does not count.

    Raises:
        Invalid: the questions are about too few documents, or no time was left for the present cut.
        Unavailable: a model is down.
    """
    measure = measure_of(trial.asked)
    passages = await _cut_all(trial, cuts, report=report)
    total = len({each.led for every in passages for each in every})
    total += len(trial.asked) * (1 + len(cuts))
    work = _Work(trial=trial, total=total, has_time=has_time, report=report)
    tried: list[Tried] = []
    try:
        queries = await work.questions()
        for cut, every in zip(cuts, passages, strict=True):
            tried.append(await _try(work, cut, every, queries=queries))
    except _OutOfTime:
        if not tried:
            raise Invalid(
                "There was no time for the present way of cutting; give it more."
            ) from None
    rows = zip(*([getattr(score, measure) for score in each.scores] for each in tried), strict=True)
    told = [(row, n) for n, row in enumerate(rows) if None not in row]
    return Tuned(
        measure=measure,
        context_tokens=trial.context_tokens,
        tried=tried,
        untried=cuts[len(tried) :],
        choice=choose([row for row, _ in told], [trial.asked[n].document for _, n in told]),
    )


def measure_of(asked: Sequence[Asked]) -> Measure:
    """Choose by the quotes where they are of enough documents, else by the documents.

    Raises:
        Invalid: the questions are about too few documents to tell anything.
    """
    if len({each.document for each in asked if each.quotes}) >= LEAST_DOCUMENTS:
        return "covered"
    check_documents([each.document for each in asked])
    return "ndcg10"


@dataclass(slots=True, kw_only=True)
class _Work:
    """Embeds each text once, within the time, and remembers what it took."""

    trial: Trial
    total: int
    has_time: Callable[[], bool]
    report: Report
    _done: int = 0
    _known: dict[str, tuple[Vectors, float]] = field(default_factory=dict)  # vector, seconds

    def advance(self, count: int) -> None:
        """Begin the next so many steps.

        Raises:
            _OutOfTime: there is no time for them.
        """
        if not self.has_time():
            raise _OutOfTime
        self._done += count
        self.report("trying", self._done, self.total)

    async def questions(self) -> list[QueryVector]:
        queries: list[QueryVector] = []
        for each in self.trial.asked:
            self.advance(1)
            queries.append(await self.trial.embedder.embed_question(each.question))
        return queries

    async def passages(self, texts: Sequence[str]) -> tuple[Vectors, float]:
        """Give a vector each, shape (texts, dimension), and the seconds for all of them."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            self.advance(len(batch))
            began = time.perf_counter()
            vectors = await self.trial.embedder.embed_passages(batch)
            each_s = (time.perf_counter() - began) / len(batch)
            self._known.update((t, (v, each_s)) for t, v in zip(batch, vectors, strict=True))
        found = [self._known[text] for text in texts]
        return np.stack([vector for vector, _ in found]), sum(seconds for _, seconds in found)


async def _cut_all(trial: Trial, cuts: Sequence[Cut], *, report: Report) -> list[list[Passage]]:
    """Cut every text in every way, a text at a time, so that it can be interrupted."""
    found: list[list[Passage]] = []
    total = len(cuts) * len(trial.texts)
    for cut in cuts:
        every: list[Passage] = []
        for position, text in enumerate(trial.texts):
            report("cutting", len(found) * len(trial.texts) + position, total)
            every += await asyncio.to_thread(
                passages_of,
                text,
                position,
                cut,
                tokenizer=trial.tokenizer,
                routing=trial.routing,
            )
        found.append(every)
    return found


async def _try(
    work: _Work, cut: Cut, passages: Sequence[Passage], *, queries: Sequence[QueryVector]
) -> Tried:
    trial = work.trial
    vectors, embed_s = await work.passages([each.led for each in passages])
    index = await asyncio.to_thread(Index, passages, vectors)
    scores: list[Score] = []
    took: list[float] = []
    for asked, query in zip(trial.asked, queries, strict=True):
        work.advance(1)
        began = time.perf_counter()
        ids = await asyncio.to_thread(index.rank, asked.question, query.vector, trial.fusion)
        took.append(time.perf_counter() - began)
        ranked = [passages[i] for i in ids]
        answered = await trial.judge.answered(asked, query, ranked)
        scores.append(judged(asked, ranked, answered=answered, tokens=trial.context_tokens))
    cost = Cost(
        passages=len(passages),
        mean_tokens=statistics.fmean(each.tokens for each in passages),
        vector_bytes=index.vector_bytes,
        posting_bytes=index.posting_bytes,
        embed_s=embed_s,
        search_ms=1000 * statistics.median(took),
    )
    return Tried(cut=cut, scores=scores, cost=cost)
