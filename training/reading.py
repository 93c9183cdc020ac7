"""What a reader learns from: questions and passages in one row of tokens, and where answers are."""

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadworthy.gateway.engine.reader import joined
from roadworthy.gateway.engine.tokens import CutsText
from training import sets
from training.examples import PASSAGE, QUERY
from training.sets import Question

MOST_TOKENS = 256
NEAR_BY = 0.25  # of the questions with an answer are put to another passage of the article, too
ELSEWHERE = 0.5  # of those of OTHER_SETS to the one of all other articles that is most like them
OTHER_SETS = ("xquad_de", "xquad_es", "xquad_ru", "xquad_zh", "piaf_fr")  # sets without adversaries

_LONGEST_QUESTION = 60
_ALL = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question, or a statement, and a passage."""

    ids: NDArray[np.int32]  # of both, (tokens,)
    passage_from: int  # the place of the passage's first token
    is_answered: bool  # or the statement is said
    answer: tuple[int, int]  # the places of its first and last token; of none the first place
    is_statement: bool


def training_pairs(data: Path, tokens: CutsText, *, seed: int = 1) -> list[Pair]:
    """Give pairs of the articles that are not kept for the test.

    The questions without an answer were written by people to look like the others. Those that are
    put to another passage are easier, and what a search finds where nothing answers. Statements, of
    e-SNLI's smaller part, teach to compare.
    """
    rng = random.Random(seed)
    found = list(_questions(sets.squad(data, test=False), tokens, rng))
    for name in OTHER_SETS:
        rows = sets.answerable(data, name)
        found += _questions(rows, tokens, rng)
        found += _elsewhere(rows, tokens, rng)
    for row in sets.entailment(data, "dev"):
        said = row.is_supported
        found.append(_pair(row.sentence, row.passage, tokens, is_answered=said, is_statement=True))
    return found


def held_out_pairs(data: Path, tokens: CutsText) -> list[Pair]:
    """Give the pairs of the articles that are kept for the test, in the order of `sets.squad`."""
    return [
        _pair(row.question, row.passage, tokens, is_answered=row.answer is not None)
        for row in sets.squad(data, test=True)
    ]


def _questions(rows: Sequence[Question], tokens: CutsText, rng: random.Random) -> Iterator[Pair]:
    of_article: dict[str, list[str]] = {}
    for row in rows:
        of_article.setdefault(row.article, []).append(row.passage)
    for row in rows:
        if row.answer is None:
            yield _pair(row.question, row.passage, tokens, is_answered=False)
            continue
        pair = _answered(row, row.answer, tokens)
        if pair is not None:
            yield pair
        other = rng.choice(of_article[row.article])
        if rng.random() < NEAR_BY and row.passage[slice(*row.answer)] not in other:
            yield _pair(row.question, other, tokens, is_answered=False)


def _elsewhere(rows: Sequence[Question], tokens: CutsText, rng: random.Random) -> Iterator[Pair]:
    """Put questions to the passage of all other articles that shares most rare tokens with them."""
    articles = {row.passage: row.article for row in rows}
    holding: dict[int, list[str]] = {}  # token -> passages
    for passage in articles:
        for token in set(_cut(tokens, passage)):
            holding.setdefault(token, []).append(passage)
    for row in rows:
        if row.answer is None or rng.random() >= ELSEWHERE:
            continue
        shared: defaultdict[str, float] = defaultdict(float)
        for token in set(_cut(tokens, row.question)) & holding.keys():
            for passage in holding[token]:
                shared[passage] += math.log(len(articles) / len(holding[token]))
        others = [passage for passage in shared if articles[passage] != row.article]
        nearest = max(others, key=lambda passage: shared[passage], default="")
        if nearest and row.passage[slice(*row.answer)] not in nearest:
            yield _pair(row.question, nearest, tokens, is_answered=False)


def _answered(row: Question, answer: tuple[int, int], tokens: CutsText) -> Pair | None:
    """Mark the tokens of the answer; None where they are cut off."""
    first, last = (len(_cut(tokens, PASSAGE + row.passage[:end].rstrip())) for end in answer)
    pair = _pair(row.question, row.passage, tokens, is_answered=True)
    start, end = pair.passage_from + first, pair.passage_from + last - 1
    if not start <= end < len(pair.ids) - 1:
        return None
    return replace(pair, answer=(start, end))


def _pair(
    question: str,
    passage: str,
    tokens: CutsText,
    *,
    is_answered: bool,
    is_statement: bool = False,
) -> Pair:
    row = joined(
        QUERY + question,
        PASSAGE + passage,
        tokens,
        most=MOST_TOKENS,
        longest_question=_LONGEST_QUESTION,
    )
    return Pair(
        ids=np.array(row.ids, np.int32),
        passage_from=row.passage_from,
        is_answered=is_answered,
        answer=(0, 0),
        is_statement=is_statement,
    )


def _cut(tokens: CutsText, text: str) -> list[int]:
    return list(tokens.cut(text, max_tokens=_ALL)[0][1:-1])


def batches(
    pairs: Sequence[Pair], rng: np.random.Generator, *, most_tokens: int
) -> Iterator[Sequence[Pair]]:
    """Draw all pairs once, those of about one length together."""
    order = sorted(range(len(pairs)), key=lambda at: len(pairs[at].ids) + 16 * rng.random())
    drawn: list[list[int]] = [[]]
    for at in order:
        if drawn[-1] and (len(drawn[-1]) + 1) * len(pairs[at].ids) > most_tokens:
            drawn.append([])
        drawn[-1].append(at)
    for number in rng.permutation(len(drawn)):
        yield [pairs[at] for at in drawn[number]]


def counted(pairs: Sequence[Pair]) -> Mapping[str, int]:
    """Count pairs by what they are."""
    asked = [pair for pair in pairs if not pair.is_statement]
    answered = sum(pair.is_answered for pair in asked)
    return {
        "answered": answered,
        "not answered": len(asked) - answered,
        "statements": len(pairs) - len(asked),
    }
