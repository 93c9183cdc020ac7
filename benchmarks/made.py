"""A corpus that is made, not read: clustered vectors, tenants of Zipf sizes, nested permissions."""

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIMENSION = 384
DOCUMENT = 10  # passages
TENANTS = 50
CLUSTER = 250  # passages around one centre, on average
SPREAD = 0.7  # of a passage around its centre, whose length is 1
NEAR = 0.5  # of a question around the passage that it is made from
VOCABULARY = 200_000
MANDELBROT = 20  # flattens the head of Zipf's law, where stop words were
LENGTH = 60  # words of a passage, on average
QUESTION = 6  # words
BLOCK = 10_000  # passages whose vectors or words are made together

# A document is of the first class whose share its number falls below; whoever sees a class sees
# those before it, too.
SHARES = (0.005, 0.05, 0.5, 1.0)
VISIBLE = {100.0: 4, 50.0: 3, 5.0: 2, 0.5: 1, 0.0: 0}  # per cent of a tenant -> how many classes

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Passages in the order of their documents, and questions; all follows from the seed."""

    vectors: NDArray[np.float16]  # shape (n, DIMENSION), of length 1
    tenants: NDArray[np.int32]  # of each passage, from 0; the first is the largest
    documents: NDArray[np.int32]
    classes: NDArray[np.int32]  # of each passage, index into SHARES
    questions: Floats  # shape (m, DIMENSION), of length 1
    asked_by: NDArray[np.int32]  # tenant of each question
    asked_about: NDArray[np.int32]  # the passage that a question was made from

    def visible(self, tenant: int, percent: float) -> NDArray[np.bool_]:
        """Mark the passages of a tenant that one who sees so much of it may see."""
        return (self.tenants == tenant) & (self.classes < VISIBLE[percent])

    def nearest(self, question: int, percent: float, k: int) -> NDArray[np.intp]:
        """Find the nearest visible passages by looking at each."""
        seen = np.flatnonzero(self.visible(int(self.asked_by[question]), percent))
        cosines = self.vectors[seen].astype(np.float32) @ self.questions[question]
        return seen[np.argsort(-cosines, kind="stable")[:k]]

    def question(self, number: int) -> str:
        """Give words of the passage that a question was made from."""
        place = int(self.asked_about[number]) % BLOCK
        lengths, said = spoken(int(self.asked_about[number]) - place)
        end = int(lengths[: place + 1].sum())
        held = said[end - int(lengths[place]) : end]
        chosen = np.random.default_rng([2, number]).choice(held, QUESTION)
        return " ".join(word(rank) for rank in dict.fromkeys(chosen.tolist()))

    def save(self, folder: Path) -> None:
        """Write each array to a file of its name."""
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name))


def make(passages: int, *, questions: int, seed: int = 7) -> Made:
    """Make a corpus; the same arguments make the same one."""
    random = np.random.default_rng([seed, passages])
    documents = -(-passages // DOCUMENT)
    shares = 1 / np.arange(1, TENANTS + 1)
    of_tenant = np.sort(random.choice(TENANTS, documents, p=shares / shares.sum()))
    of_class = np.searchsorted(SHARES, random.random(documents), side="right")
    documents_of = np.repeat(np.arange(documents), DOCUMENT)[:passages]
    vectors = _vectors(random, of_tenant, documents_of)
    about = random.choice(passages, questions, replace=False)
    asked = vectors[about].astype(np.float32) + NEAR * _directions(random, questions)
    return Made(
        vectors=vectors,
        tenants=of_tenant[documents_of].astype(np.int32),
        documents=documents_of.astype(np.int32),
        classes=of_class[documents_of].astype(np.int32),
        questions=_unit(asked),
        asked_by=of_tenant[documents_of[about]].astype(np.int32),
        asked_about=about.astype(np.int32),
    )


@cache
def _ranks() -> NDArray[np.float64]:
    weights = 1 / (np.arange(VOCABULARY) + MANDELBROT)
    return np.cumsum(weights / weights.sum())


def spoken(block: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the lengths of BLOCK passages from `block` on, a multiple of BLOCK, and their words.

    Words are numbers, one passage's after the other's.
    """
    random = np.random.default_rng([1, block])
    lengths = random.integers(LENGTH // 2, LENGTH * 3 // 2, BLOCK)
    return lengths, np.searchsorted(_ranks(), random.random(int(lengths.sum())))


def word(number: int) -> str:
    """Spell a word of the vocabulary."""
    return f"w{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverted:
    """Which passages hold a word, and how often; by ascending word, then passage."""

    starts: NDArray[np.int64]  # of each word of the vocabulary, and the end
    passages: NDArray[np.int32]
    counts: NDArray[np.int16]
    lengths: NDArray[np.int64]  # of each passage, in words

    def of(self, number: int) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
        """Give the passages that hold a word, and how often each does."""
        held = slice(self.starts[number], self.starts[number + 1])
        return self.passages[held], self.counts[held]

    def best(self, asked: str, seen: NDArray[np.bool_], k: int) -> list[tuple[int, float]]:
        """Rank the passages of a mask by BM25 (Lucene's idf, k1 1.2, b .75), looking at each."""
        total, mean = int(seen.sum()), float(self.lengths[seen].mean())
        scores = np.zeros(len(seen))
        for spelt in asked.split():
            held, counts = self.of(int(spelt.removeprefix("w")))
            held, counts = held[seen[held]], counts[seen[held]].astype(np.float64)
            idf = np.log1p((total - len(held) + 0.5) / (len(held) + 0.5))
            norm = 1.2 * (1 - 0.75 + 0.75 * self.lengths[held] / mean)
            scores[held] += idf * counts / (counts + norm)
        found = np.flatnonzero(scores)
        order = np.lexsort((found, -scores[found]))[:k]
        return [(int(i), float(scores[i])) for i in found[order]]


def invert(passages: int) -> Inverted:
    """Index the words of so many passages."""
    keys, counts, lengths = [], [], []
    for block in range(0, passages, BLOCK):
        each, said = spoken(block)
        kept = min(BLOCK, passages - block)
        each, said = each[:kept], said[: int(each[:kept].sum())]
        held = np.repeat(np.arange(block, block + kept), each)
        pairs, often = np.unique(said << 32 | held, return_counts=True)
        keys.append(pairs)
        counts.append(often.astype(np.int16))
        lengths.append(each)
    every = np.concatenate(keys)
    order = np.argsort(every, kind="stable")
    every = every[order]
    return Inverted(
        starts=np.searchsorted(every, np.arange(VOCABULARY + 1) << 32),
        passages=(every & 0xFFFFFFFF).astype(np.int32),
        counts=np.concatenate(counts)[order],
        lengths=np.concatenate(lengths),
    )


def _vectors(
    random: np.random.Generator, of_tenant: NDArray[np.intp], documents_of: NDArray[np.intp]
) -> NDArray[np.float16]:
    """Put each document near one of its tenant's centres."""
    centre_of = np.empty(len(of_tenant), np.intp)
    centres = 0
    for tenant in range(TENANTS):
        held = np.flatnonzero(of_tenant == tenant)
        count = -(-len(held) * DOCUMENT // CLUSTER)
        centre_of[held] = centres + random.integers(0, max(count, 1), len(held))
        centres += count
    centre = _directions(random, centres)
    vectors = np.empty((len(documents_of), DIMENSION), np.float16)
    for start in range(0, len(documents_of), BLOCK):
        around = centre[centre_of[documents_of[start : start + BLOCK]]]
        vectors[start : start + BLOCK] = _unit(around + SPREAD * _directions(random, len(around)))
    return vectors


def _directions(random: np.random.Generator, count: int) -> Floats:
    """Draw directions of which few dimensions matter much, as in embeddings of text."""
    spread = np.arange(1, DIMENSION + 1, dtype=np.float32) ** -0.5
    return _unit(random.standard_normal((count, DIMENSION), np.float32) * spread)


def _unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
