"""Answer with the few best sentences of the hits, each cited: true to the documents by making."""

import asyncio
import math
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.answering.context import Context
from roadworthy.answering.records import (
    Degraded,
    ModelCalled,
    NotInDocuments,
    Task,
    TextPiece,
    Written,
    cite,
)
from roadworthy.core.errors import Busy, Unavailable
from roadworthy.core.sentences import sentences
from roadworthy.core.spaces import QueryVector, SpaceMismatch, Vectors
from roadworthy.corpus.terms import query_terms, terms
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.uses import OnUse
from roadworthy.retrieval.search import Hit

READ_HITS = 4  # the best hits, whose sentences are compared
READ_SENTENCES = 40
LONGEST_SENTENCE = 600  # characters; a longer one is a table or no sentence
SHORTEST_SENTENCE = 12
# A sentence ends, a table row has cells, an item a mark; a short line without any is a heading.
ENDED = re.compile(r"[.!?:;…。！？；؟۔][\"'”’»)\]*_]*$")
MARKED = re.compile(r"^(?:[-*+•]|\(?\w{1,3}[.)])\s|\|")
UNMARKED_WORDS = 8
# Measured on questions of three languages: of .02 to .1 these hold the answer most often in about
# two sentences.
CLOSE = 0.06  # a further sentence is quoted when its score is this near to the best one's
WORDS = 0.08  # what holding all rare words of the question is worth, beside the cosine
SAME = 0.97  # two sentences of this cosine say the same
HIT_BONUS = 0.02  # the best hit's sentences are trusted this much more than the last one's
REMEMBERED = 20_000  # vectors of sentences, about 30 MB
LONGEST_WAIT_S = 10.0  # for vectors of sentences; half of what is left, if that is less


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a hit."""

    hit: Hit
    start: int  # code points into the hit's text
    end: int

    @property
    def text(self) -> str:
        """Give its words."""
        return self.hit.text[self.start : self.end]


class SentenceVectors:
    """Embeds sentences and remembers them: the same passages are found again and again."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, str], Vectors] = OrderedDict()
        self._forgotten = 0

    def forget(self) -> None:
        """Drop all of them, and what is being embedded now: a document was deleted."""
        self._forgotten += 1
        self._known.clear()

    async def of(
        self, embedder: SpaceEmbedder, texts: Sequence[str], *, on_use: OnUse = lambda _: None
    ) -> Vectors:
        """Give one vector a text, shape (texts, dimension).

        Args:
            on_use: told what it took; nothing, where all are remembered.

        Raises:
            Unavailable: the endpoint is down or left the space.
        """
        space_id = embedder.space.id
        keys = dict.fromkeys((space_id, text) for text in texts)
        # Taken before the wait: others may push them out meanwhile.
        found = {key: self._known[key] for key in keys if key in self._known}
        new = [text for (_, text) in keys if (space_id, text) not in found]
        before = self._forgotten
        embedded = await embedder.embed_passages(new, on_use=on_use)
        for text, vector in zip(new, embedded, strict=True):
            found[space_id, text] = vector
        if self._forgotten == before:
            self._remember(found)
        return np.stack([found[space_id, text] for text in texts])

    def _remember(self, found: dict[tuple[int, str], Vectors]) -> None:
        for key, vector in found.items():
            self._known[key] = vector
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


class ExtractingAnswerer:
    """Quotes the sentences nearest to the question, in the order of their documents."""

    def __init__(self) -> None:
        self._vectors = SentenceVectors()

    def forget(self) -> None:
        """Keep nothing of what was read so far."""
        self._vectors.forget()

    async def write(self, task: Task) -> AsyncGenerator[Written]:
        """Write the answer; see Answerer."""
        candidates = sentences_of(task.context.hits)
        if not candidates:
            yield NotInDocuments()
            return
        # While the model that compares them is down or late, quote how the best passage begins.
        chosen = candidates[:1]
        if task.query is not None:
            began = time.perf_counter()
            try:
                chosen = await self._nearest(candidates, task.query, task)
            except SpaceMismatch:
                raise
            except (Unavailable, Busy, TimeoutError):
                yield Degraded(what="embeddings")
            yield ModelCalled(ms=(time.perf_counter() - began) * 1000)
        for written in _quoted(chosen, task.context):
            yield written

    async def _nearest(
        self, candidates: Sequence[Sentence], query: QueryVector, task: Task
    ) -> list[Sentence]:
        assert task.embedder is not None  # there is a query
        left_s = task.deadline.left_s if task.deadline else math.inf
        async with asyncio.timeout(min(LONGEST_WAIT_S, left_s / 2)):
            embedded = await self._vectors.of(
                task.embedder, [each.text for each in candidates], on_use=task.on_use
            )
        scores = embedded @ query.vector + WORDS * shared_words(task.question, candidates)
        return choose(candidates, embedded, scores=scores, most=task.release.sentences)


def _quoted(chosen: Sequence[Sentence], context: Context) -> Iterator[Written]:
    passages = dict.fromkeys(sentence.hit.passage_id for sentence in chosen)
    numbers = {passage_id: number for number, passage_id in enumerate(passages, 1)}
    for place, sentence in enumerate(chosen):
        number = numbers[sentence.hit.passage_id]
        yield TextPiece(text=f"{' ' if place else ''}{_tidy(sentence.text)} [{number}]")
        yield cite(sentence.hit, number, context=context, start=sentence.start, end=sentence.end)


def sentences_of(hits: Sequence[Hit]) -> list[Sentence]:
    """List the sentences of the best hits that are worth quoting, each text once."""
    found: dict[str, Sentence] = {}
    for hit in hits[:READ_HITS]:
        for start, end in sentences(hit.text):
            text = hit.text[start:end]
            if is_quotable(text):
                found.setdefault(text, Sentence(hit=hit, start=start, end=end))
    return list(found.values())[:READ_SENTENCES]


def is_quotable(text: str) -> bool:
    """Say whether a line says something, rather than being a heading or a rule of a table."""
    if not SHORTEST_SENTENCE <= len(text) <= LONGEST_SENTENCE or text.startswith("#"):
        return False
    if not any(letter.isalnum() for letter in text):
        return False
    if " | " in text and not text.startswith("|"):
        return False  # the head or foot of a page, not a row of a table
    return bool(ENDED.search(text) or MARKED.match(text) or len(text.split()) >= UNMARKED_WORDS)


def shared_words(question: str, candidates: Sequence[Sentence]) -> Vectors:
    """Weigh the question's terms that each sentence holds by their rarity among the sentences.

    Returns: shape (candidates,), from 0 to 1.
    """
    classes = query_terms(question, {each.hit.language for each in candidates})
    held = [frozenset(terms(each.text, language=each.hit.language)) for each in candidates]
    holds = np.array([[not forms.isdisjoint(words) for forms in classes] for words in held])
    if not classes:
        return np.zeros(len(candidates), dtype=np.float32)
    found = holds.sum(axis=0)
    rarity = np.log1p((len(candidates) - found + 0.5) / (found + 0.5)) * (found > 0)
    return (holds @ rarity / max(float(rarity.sum()), 1e-9)).astype(np.float32)


def choose(
    candidates: Sequence[Sentence],
    embedded: Vectors,
    *,
    scores: NDArray[np.floating],
    most: int,
) -> list[Sentence]:
    """Choose the best sentences that differ, best passage first, in the order of its text.

    Args:
        embedded: one vector a candidate, shape (candidates, dimension), of length 1.
        scores: of the candidates without regard to their hits, shape (candidates,).
    """
    ranked = scores + np.array(
        [HIT_BONUS * (1 - (each.hit.rank - 1) / READ_HITS) for each in candidates]
    )
    order = np.argsort(-ranked, kind="stable")
    chosen: list[int] = []
    for index in order.tolist():
        if len(chosen) == most or ranked[index] < ranked[order[0]] - CLOSE:
            break
        if all(embedded[index] @ embedded[other] < SAME for other in chosen):
            chosen.append(index)
    best_of: dict[int, int] = {}
    for index in chosen:
        best_of.setdefault(candidates[index].hit.passage_id, len(best_of))
    chosen.sort(key=lambda i: (best_of[candidates[i].hit.passage_id], candidates[i].start))
    return [candidates[index] for index in chosen]


def _tidy(sentence: str) -> str:
    # A bullet has a space after it; the minus of "-18 °C" has none.
    bare = re.sub(r"^(?:[-*•#>]+\s+)+", "", sentence)
    # A reference of the document's own would read as a citation of ours.
    return " ".join(re.sub(r"\[(\d+)\]", r"(\1)", bare).split())
