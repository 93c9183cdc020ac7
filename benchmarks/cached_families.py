"""Questions that look like one that was asked: the same in other words, or not quite the same.

Each family is asked of the product: first its question, then those that look like it. One whose
first answer was not kept (it cites nothing, say) could neither hit nor miss: it does not count.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from uuid import UUID

import numpy as np
from rich.progress import track

from benchmarks.cached_codes import ask
from benchmarks.datasets import RetrievalSet
from benchmarks.near_misses import WORDS_OF, NearMiss, near_misses
from roadworthy.answering.cached import LEAST_COSINE
from roadworthy.answering.same_question import asks_the_same
from roadworthy.bootstrap import Services
from roadworthy.core.identity import Principal
from roadworthy.corpus.languages import detect

QUESTIONS = Path(__file__).with_name("frugality_questions.jsonl")
FIND_QUESTION = "SELECT question FROM cached_answer WHERE trace_id = %s"
MOST_NEIGHBOURS = 500
SAME = "same"
NEIGHBOUR = "neighbour"  # another question of the set, the nearest by its vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A question, others in its meaning, and near-misses by their kind."""

    language: str
    question: str
    same: Sequence[str]
    other: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A second question, and whether it was given the answer to the first."""

    kind: str  # same, or that of a near-miss
    is_hit: bool
    is_alike: bool  # by vectors and words alone, whatever was read
    cosine: float
    question: str
    second: str


def own_families() -> list[Family]:
    """Read the families that were written for the sample corpus."""
    rows = map(json.loads, QUESTIONS.read_text("utf-8").splitlines())
    return [
        Family(
            language=row["language"],
            question=row["question"],
            same=row["same"],
            other=[(each["kind"], each["question"]) for each in row["other"]],
        )
        for row in rows
    ]


async def families_of(services: Services, data: RetrievalSet, *, most: int) -> list[Family]:
    """Make families of a set's questions: each with one near-miss, the kinds as even as may be."""
    questions = list(dict.fromkeys(data.questions.values()))
    questions, others = questions[:most], questions[most : most + MOST_NEIGHBOURS]
    languages = Counter(detect(question) for question in questions)
    [(language, _)] = languages.most_common(1)
    if language not in WORDS_OF:
        return []
    made = near_misses(questions, language=language)
    of = {question: list(some) for question, some in groupby(made, key=lambda each: each.question)}
    nearest = await _nearest(services, questions, among=others)
    families, used = [], Counter[str]()
    for question, neighbour in zip(questions, nearest, strict=True):
        choices = [(each.kind, each.other) for each in of.get(question, [])]
        if neighbour is not None:
            choices.append((NEIGHBOUR, neighbour))
        if not choices:
            continue
        chosen = min(choices, key=lambda choice: used[choice[0]])
        used[chosen[0]] += 1
        families.append(Family(language=language, question=question, same=(), other=[chosen]))
    return families


async def ask_families(
    services: Services, reader: Principal, families: Sequence[Family], *, of: str
) -> list[Tried]:
    """Ask each question, and when its answer is kept, those that look like it."""
    tried = []
    for family in track(families, description=of, transient=True):
        first = await ask(services, reader, family.question, language=family.language)
        await services.recorder.flush()
        if await _kept_question(services, reader, first.id) is None:
            continue
        for kind, second in [*((SAME, each) for each in family.same), *family.other]:
            answer = await ask(services, reader, second, language=family.language)
            pair = NearMiss(kind=kind, question=family.question, other=second)
            alike = await _alike(services, pair, language=family.language)
            kept = await _kept_question(services, reader, answer.cached_from)
            # By chance the same words may have been asked before: that is no near-miss.
            is_hit = kept is not None and kept.strip() != second.strip()
            tried.append(replace(alike, is_hit=is_hit))
    return tried


def by_words(questions: Sequence[str], *, language: str) -> list[Tried]:
    """Judge near-misses as if all that is read were the same, and their vectors agreed."""
    return [
        _tried(pair, cosine=1, is_alike=asks_the_same(pair.question, pair.other, language=language))
        for pair in near_misses(questions, language=language)
    ]


async def _kept_question(
    services: Services, reader: Principal, trace_id: UUID | None
) -> str | None:
    """Give the question whose answer is kept with a trace; None: none is."""
    async with services.database.read_as(reader) as conn:
        rows = await (await conn.execute(FIND_QUESTION, (trace_id,))).fetchall()
    return rows[0][0] if rows else None


async def _nearest(
    services: Services, questions: Sequence[str], *, among: Sequence[str]
) -> list[str | None]:
    """Find the question nearest to each among others; None where there are none."""
    if not among:
        return [None] * len(questions)
    embedder = services.embedders[services.default_space.name]
    vectors, others = [
        np.stack([(await embedder.embed_question(each)).vector for each in some])
        for some in (questions, among)
    ]
    return [among[int(place)] for place in (vectors @ others.T).argmax(axis=1)]


async def _alike(services: Services, pair: NearMiss, *, language: str) -> Tried:
    embedder = services.embedders[services.default_space.name]
    one = await embedder.embed_question(pair.question)
    other = await embedder.embed_question(pair.other)
    cosine = float(one.vector @ other.vector)
    is_alike = cosine >= LEAST_COSINE and asks_the_same(
        pair.question, pair.other, language=language
    )
    return _tried(pair, cosine=cosine, is_alike=is_alike)


def _tried(pair: NearMiss, *, cosine: float, is_alike: bool) -> Tried:
    return Tried(
        kind=pair.kind,
        is_hit=is_alike,
        is_alike=is_alike,
        cosine=cosine,
        question=pair.question,
        second=pair.other,
    )
