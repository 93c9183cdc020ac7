"""How well relevance tells questions that the documents answer from questions they do not.

make bench NAME=relevance [ARGS="--data DIR --questions 150 --paragraphs 400 --sets 'piaf_fr'"]
make bench NAME=relevance ARGS="--space minilm --sets 'xquad_en squad_v2 hotpotqa_100'"

Half of the articles of a set are indexed. A question to them is answerable, one to the other half
is not. The reader was trained on most articles of SQuAD, XQuAD and PIAF: they are indexed, too, and
where a space is looked at closely no question to them is asked.
The fits of the product are measured beside ones that are made afresh. Of a question that is
answerable, what answers it may not have been found; then turning it away is no mistake, so that
share is told of those where it was found, too.
"""

import argparse
import asyncio
import hashlib
import json
import math
import random
import statistics
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.datasets import DEFAULT, RetrievalSet, retrieval_sets
from benchmarks.intervals import Figure, share
from benchmarks.quality import documents_of, ingest
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.answering.judging import Judged as Relevance
from roadworthy.answering.reading import read, searched_for
from roadworthy.answering.relevance import (
    CALIBRATIONS,
    SHIPPED,
    Calibration,
    CloseCalibration,
    Look,
    MatchCalibration,
    coverage,
    relevance,
)
from roadworthy.bootstrap import Services
from roadworthy.cli.sample_keys import FOLDER, sample_people
from roadworthy.core.errors import Unavailable
from roadworthy.core.identity import Principal
from roadworthy.core.ranking_metrics import auroc
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.corpus.people import find_principal, tenant_id
from roadworthy.releases import BUILT_IN
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.retrieval.search import search
from training import logistic
from training.sets import is_read_in_training, source_of

RELEASE = BUILT_IN["extract"]
SAMPLE = "sample company"  # measured, never fitted; by a space that serves its three languages
TOGETHER = "together"  # all but the sample company
LARGE = 10_000  # documents
RESAMPLES = 1000
PAUSES_S = (1, 2, 4, 8, 16)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, and whether the person who asks it may read an answer."""

    question: str
    answerable: bool
    principal: Principal
    answered_in: frozenset[str]  # names of documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What relevance saw of a question, and said."""

    answerable: bool
    is_found: bool  # a hit is of a document that answers it
    cosine: float  # the best of the hits
    coverage: float  # 0 to 1
    look: Look | None  # at the best hits; None: this space is not looked at closely
    first: float  # 0 to 1, without that look
    relevance: float  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the two kinds of question are told apart; None without evidence."""

    auroc: Figure | None
    turned_away: Figure | None  # share of the answerable below the threshold
    found_turned_away: Figure | None  # and of those of them where an answer was found
    caught: Figure | None  # share of the unanswerable below the threshold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_sets(parser)
    parser.add_argument("--space", default="e5-small", help="a shipped embedding model")
    options = parser.parse_args()
    sets = chosen_sets(options.data, named=options.sets.split())
    with fresh_home() as home:
        up = Up(home, environ={"ROADWORTHY_EMBEDDINGS_MODEL": options.space})
        up.start()
        try:
            up.wait_until_greeted()  # the sample corpus
            judged = asyncio.run(
                judge_all(up, sets, questions=options.questions, paragraphs=options.paragraphs)
            )
        finally:
            up.stop()
    print(json.dumps(_report(judged, shipped_fit=CALIBRATIONS.get(options.space))))


async def judge_all(
    up: Up, sets: Sequence[RetrievalSet], *, questions: int, paragraphs: int
) -> dict[str, list[Judged]]:
    """Ask every set and the sample company; the judged questions by name."""
    judged = {}
    async with services_of(up) as services:
        has_close = CALIBRATIONS[services.default_space.name].close is not None
        for data in sets:
            indexed, others = halves(data, paragraphs=paragraphs)
            half = replace(data, documents={key: data.documents[key] for key in indexed})
            ingested = await ingest(services, half, run=uuid4().hex[:6])
            reader = Principal(
                tenant_id=ingested.tenant_id, user_id="bench", groups=frozenset(), clearance=0
            )
            asked = [
                Asked(
                    question=data.questions[key],
                    answerable=answerable,
                    principal=reader,
                    answered_in=_gold(data.grades[key]),
                )
                for answerable, gold in ((True, indexed), (False, others))
                for key in _questions_to(
                    _held_out(gold, data) if has_close else gold, data, most=questions
                )
            ]
            judged[data.name] = await _judge(services, asked, corpus=ingested.corpus, of=data.name)
            print(
                f"{data.name}: {len(indexed)} of {len(data.documents)} paragraphs are indexed; "
                f"median best cosine {_median_cosine(judged[data.name], answerable=True)} of the "
                f"answerable, {_median_cosine(judged[data.name], answerable=False)} of the others"
            )
        if not services.default_space.languages:
            corpus, asked = await _sample(services)
            judged[SAMPLE] = await _judge(services, asked, corpus=corpus, of=SAMPLE)
    return judged


def halves(data: RetrievalSet, *, paragraphs: int) -> tuple[list[str], list[str]]:
    """Part the documents by article: those to index, at most `paragraphs`, and the other half.

    An article is what has one title, the first line. The hash of the title decides, so the halves
    are the same on every machine; each has half of the articles that were not trained on. Those
    that a question points at are indexed first.
    """
    articles: dict[str, list[str]] = {}
    for key, text in data.documents.items():
        articles.setdefault(_title(text), []).append(key)
    order = sorted(articles, key=lambda title: (
        is_read_in_training(data.name, title), hashlib.sha256(title.encode()).digest()
    ))  # fmt: skip
    asked = frozenset[str]().union(*(_gold(grades) for grades in data.grades.values()))
    first = sorted(order[::2], key=lambda title: asked.isdisjoint(articles[title]))
    indexed = [key for title in first for key in articles[title]]
    return indexed[:paragraphs], [key for title in order[1::2] for key in articles[title]]


def fit(judged: Sequence[Judged]) -> Calibration | None:
    """Fit both estimates; None unless both kinds of question are there.

    The intercepts are moved so that the threshold turns away the share of the answerable that
    relevance.toml promises: odds at which nobody asks would say nothing.
    """
    answerable = np.array([each.answerable for each in judged], dtype=float)
    if len(set(answerable)) < 2:
        return None
    _, (cosine, covered) = logistic.fit(
        [(each.cosine, each.coverage) for each in judged], answerable
    )
    levels = [cosine * each.cosine + covered * each.coverage for each in judged if each.answerable]
    return Calibration(
        intercept=_intercept(levels), cosine=cosine, coverage=covered, close=_fit_close(judged)
    )


def _fit_close(judged: Sequence[Judged]) -> CloseCalibration | None:
    """Fit the close look to what the shipped first fit is unsure of."""
    close = next((fit.close for fit in CALIBRATIONS.values() if fit.close), None)
    if close is None:
        return None
    unsure = [each for each in judged if close.is_unsure(each.first)]
    read = [each for each in unsure if each.look and each.look.answered is not None]
    kinds = {each.answerable for each in read}
    if not all(each.look for each in unsure) or len(kinds) < 2:
        return None
    match, covered, answered = _slopes(read, lambda look: [look.answered or 0.0])
    fitted = replace(
        close,
        intercept=0,
        match=match,
        coverage=covered,
        answered=answered,
        unread=_fit_unread(judged, unsure, close),
    )
    intercept = _intercept(
        _levels(judged, close, lambda each, look: _read_level(each, look, fitted))
    )
    if not math.isfinite(intercept):  # what is unsure cannot make up the share that was promised
        return None
    return replace(fitted, intercept=intercept)


def _fit_unread(
    judged: Sequence[Judged], unsure: Sequence[Judged], close: CloseCalibration
) -> MatchCalibration:
    """Fit what holds where nothing was read, as if that were so everywhere."""
    match, covered = _slopes(unsure, lambda _: [])
    levels = _levels(judged, close, lambda each, look: match * look.match + covered * each.coverage)
    return MatchCalibration(intercept=_intercept(levels), match=match, coverage=covered)


def _slopes(
    unsure: Sequence[Judged], further: Callable[[Look], Sequence[float]]
) -> Sequence[float]:
    rows = [[each.look.match, each.coverage, *further(each.look)] for each in unsure if each.look]
    return logistic.fit(rows, np.array([each.answerable for each in unsure], dtype=float))[1]


def _levels(
    judged: Sequence[Judged], close: CloseCalibration, level: Callable[[Judged, Look], float]
) -> Sequence[float]:
    """Give what an intercept moves of the answerable; infinite where the first fit is sure."""
    return [
        level(each, each.look)
        if each.look and close.is_unsure(each.first)
        else math.copysign(math.inf, each.first - close.below)
        for each in judged
        if each.answerable
    ]


def _read_level(each: Judged, look: Look, close: CloseCalibration) -> float:
    """Give what the intercept moves; infinite where nothing was read, and another one decides."""
    level = close.logit(look, covered=each.coverage)
    if look.answered is not None:
        return level
    return math.copysign(math.inf, level - _logit(SHIPPED.threshold))


def _intercept(levels: Sequence[float]) -> float:
    """Put the promised share of the levels below the threshold, at most.

    It lies midway to the next lower one, where there is one: rounded constants say the same then.
    """
    ordered = sorted(levels)
    last = int(SHIPPED.wrong_refusals * (len(ordered) - 1))
    next_to, at = ordered[max(0, last - 1)], ordered[last]
    return _logit(SHIPPED.threshold) - ((next_to + at) / 2 if math.isfinite(next_to) else at)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def figures(judged: Sequence[Judged], scores: Iterable[float]) -> Figures:
    """Compare the scores of the two kinds of question, with each other and the threshold."""
    scored = list(zip(judged, scores, strict=True))
    answerable = [score for each, score in scored if each.answerable]
    found = [score for each, score in scored if each.answerable and each.is_found]
    unanswerable = [score for each, score in scored if not each.answerable]
    return Figures(
        auroc=_resampled_auroc(answerable, unanswerable),
        turned_away=_share_below(answerable),
        found_turned_away=_share_below(found),
        caught=_share_below(unanswerable),
    )


def ask_for_sets(parser: argparse.ArgumentParser) -> None:
    """Let a command say which questions are asked."""
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with retrieval sets")
    parser.add_argument("--questions", type=int, default=150, help="most of each kind in a set")
    parser.add_argument("--paragraphs", type=int, default=400, help="most indexed of a set")
    parser.add_argument("--sets", default="", help=f"names; left out: all up to {LARGE} documents")


def chosen_sets(folder: Path, *, named: Sequence[str]) -> list[RetrievalSet]:
    """Read the sets that are named; where none is, those that are not large."""
    chosen = []
    for data in retrieval_sets(folder, most_questions=sys.maxsize):
        if data.name in named or (not named and len(data.documents) <= LARGE):
            chosen.append(data)
        elif not named:
            print(f"{data.name}: left out, it has {len(data.documents)} documents")
    return chosen


async def _judge(
    services: Services, asked: Sequence[Asked], *, corpus: Corpus, of: str
) -> list[Judged]:
    space = services.default_space.name
    embedder = services.embedders[space]
    close_look = services.judging.close_look if CALIBRATIONS[space].close else None
    judged = []
    for each in track(asked, description=of, transient=True):
        tenant_id = each.principal.tenant_id
        query = await embedder.embed_question(each.question)
        async with services.database.read_as(each.principal) as conn:
            found = await search(
                conn,
                each.question,
                queries=[query],
                corpus=corpus,
                tenant_id=tenant_id,
                among=Filter(),
                limit=searched_for(RELEASE),
                fusion=fusion_of(RELEASE),
            )
        hits = read(found.hits, RELEASE).hits
        least = RELEASE.least_relevance
        judge = partial(services.judging.of, each.question, hits, least=least, tenant_id=tenant_id)
        look = close_look and partial(close_look.at, each.question, hits, tenant_id=tenant_id)
        judged.append(
            Judged(
                answerable=each.answerable,
                is_found=not each.answered_in.isdisjoint(documents_of(hits)),
                cosine=max(hit.vector_score for hit in hits if hit.vector_score is not None),
                coverage=coverage(hits),
                look=look and await _in_the_end(look),
                first=relevance(hits),
                relevance=(await _in_the_end(partial(_not_degraded, judge))).relevance,
            )
        )
    return judged


async def _not_degraded(judge: Callable[[], Awaitable[Relevance]]) -> Relevance:
    said = await judge()
    if said.degraded:
        raise Unavailable(f"Without {said.degraded} nothing is measured.")
    return said


async def _in_the_end(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again what was late: who else keeps this machine busy is not what is measured."""
    for pause_s in PAUSES_S:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(pause_s)
    return await ask()


async def _sample(services: Services) -> tuple[Corpus, list[Asked]]:
    """Let the person with the most clearance of those who may read the answer ask for it."""
    sample = sample_people()
    async with services.database.as_worker() as conn:
        tenant = await tenant_id(conn, sample.tenant)
    async with services.database.as_worker(tenant) as conn:
        corpus = await find_corpus(conn, tenant_id=tenant, name=RELEASE.corpus)
        people = {
            person.user: await find_principal(conn, tenant_id=tenant, user_id=person.user)
            for person in sorted(sample.people, key=lambda person: person.clearance)
        }
    lines = (FOLDER / "questions.jsonl").read_text("utf-8").splitlines()
    return corpus, [
        Asked(
            question=row["question"],
            answerable=bool(row["readable_by"]),
            principal=[p for u, p in people.items() if u in (row["readable_by"] or people)][-1],
            answered_in=frozenset(filter(None, [row.get("document"), *row.get("also_in", [])])),
        )
        for row in map(json.loads, lines)
    ]


def _held_out(keys: Sequence[str], data: RetrievalSet) -> Sequence[str]:
    """Choose documents of articles that the reader was not trained on."""
    titles = {key: _title(data.documents[key]) for key in keys}
    return [key for key in keys if not is_read_in_training(data.name, titles[key])]


def _title(document: str) -> str:
    return document.partition("\n")[0]


def _questions_to(gold: Sequence[str], data: RetrievalSet, *, most: int) -> list[str]:
    """Choose questions of which every document is among `gold`; gives their keys."""
    among = frozenset(gold)
    keys = sorted(
        key
        for key in data.questions
        if _gold(data.grades[key]) and _gold(data.grades[key]) <= among
    )
    return random.Random(1).sample(keys, min(most, len(keys)))  # noqa: S311


def _gold(grades: Mapping[str, float]) -> frozenset[str]:
    return frozenset(key for key, grade in grades.items() if grade > 0)


def _median_cosine(judged: Sequence[Judged], *, answerable: bool) -> str:
    cosines = [each.cosine for each in judged if each.answerable == answerable]
    return f"{statistics.median(cosines):.2f}" if cosines else "–"


def _score(each: Judged, by: Calibration) -> float:
    """Judge by another fit; where it is unsure is the same as in the product."""
    if each.look is None or by.close is None or not by.close.is_unsure(each.first):
        return _logistic(by.intercept + by.cosine * each.cosine + by.coverage * each.coverage)
    return _logistic(by.close.logit(each.look, covered=each.coverage))


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _resampled_auroc(answerable: list[float], unanswerable: list[float]) -> Figure | None:
    """Bootstrap each kind by itself; the interval is that of the percentiles."""
    value = auroc(answerable, unanswerable)
    if value is None:
        return None
    chance = random.Random(3)  # noqa: S311
    resampled = [
        auroc(
            chance.choices(answerable, k=len(answerable)),
            chance.choices(unanswerable, k=len(unanswerable)),
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(np.array(resampled, dtype=float), [2.5, 97.5]).tolist()
    return Figure(value=value, low=low, high=high)


def _share_below(scores: Sequence[float]) -> Figure | None:
    return share(sum(score < RELEASE.least_relevance for score in scores), of=len(scores))


def _report(
    judged: Mapping[str, Sequence[Judged]], *, shipped_fit: Calibration | None
) -> dict[str, object]:
    pot = [each for name, some in judged.items() if name != SAMPLE for each in some]
    told = {**judged, TOGETHER: pot}
    shipped = {name: figures(each, (j.relevance for j in each)) for name, each in told.items()}
    left_out = {name: _left_out(judged, name) for name in judged}
    refitted = _fit_without(judged)
    _show(told, shipped=shipped, left_out=left_out)
    _show_constants(shipped_fit, refitted)
    return {
        **_values(shipped),
        "left_out": _values(left_out),
        "shipped": shipped_fit and _constants(shipped_fit),
        "refitted": refitted and _constants(refitted),
        "threshold": RELEASE.least_relevance,
    }


def _left_out(judged: Mapping[str, Sequence[Judged]], name: str) -> Figures | None:
    """Judge one set by a fit over those with other articles; None when they allow of no fit."""
    fitted = _fit_without(judged, source=source_of(name))
    return fitted and figures(judged[name], [_score(each, fitted) for each in judged[name]])


def _fit_without(
    judged: Mapping[str, Sequence[Judged]], *, source: str = SAMPLE
) -> Calibration | None:
    others = {source, SAMPLE}
    return fit([j for name, each in judged.items() if source_of(name) not in others for j in each])


def _values(measured: Mapping[str, Figures | None]) -> dict[str, dict[str, float | None]]:
    named: dict[str, dict[str, float | None]] = {}
    for what in ("auroc", "turned_away", "found_turned_away", "caught"):
        found = {name: each and getattr(each, what) for name, each in measured.items()}
        named[what] = {name: figure and round(figure.value, 4) for name, figure in found.items()}
    return named


def _constants(calibration: Calibration) -> dict[str, float]:
    told = {name: getattr(calibration, name) for name in ("intercept", "cosine", "coverage")}
    if calibration.close is not None:
        close = asdict(calibration.close)
        told |= {f"unread {name}": value for name, value in close.pop("unread").items()}
        told |= {f"close {name}": value for name, value in close.items()}
    return {name: round(value, 3) for name, value in told.items()}


def _show(
    judged: Mapping[str, Sequence[Judged]],
    *,
    shipped: Mapping[str, Figures],
    left_out: Mapping[str, Figures | None],
) -> None:
    console = Console()
    columns = ("set", "asked", "AUROC", "turned away", "though found", "caught")
    table = Table(*columns, title="the shipped fit, with 95 % intervals")
    for name, each in shipped.items():
        answerable = sum(j.answerable for j in judged[name])
        asked = f"{answerable}+{len(judged[name]) - answerable}"
        shares = map(_percent, (each.turned_away, each.found_turned_away, each.caught))
        table.add_row(name, asked, _ranged(each.auroc), *shares)
    console.print(table)
    table = Table("set", *columns[2:], title="a fit over sets with other articles")
    for name, each in left_out.items():
        if each:
            shares = map(_percent, (each.turned_away, each.found_turned_away, each.caught))
            table.add_row(name, _ranged(each.auroc), *shares)
    console.print(table)


def _show_constants(*fits: Calibration | None) -> None:
    table = Table("constant", "shipped", "refitted")
    told = [_constants(fit) if fit else {} for fit in fits]
    for name in dict.fromkeys(name for each in told for name in each):
        table.add_row(name, *(str(each.get(name, "–")) for each in told))
    Console().print(table)


def _ranged(figure: Figure | None) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f} {figure.high:.2f}]" if figure else "–"


def _percent(figure: Figure | None) -> str:
    return f"{figure.value:.0%} [{figure.low:.0%} {figure.high:.0%}]" if figure else "–"


if __name__ == "__main__":
    main()
