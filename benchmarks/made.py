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
        about = int(self.asked_about[number])
        held = words(about - about % BLOCK)[about % BLOCK]
        chosen = np.random.default_rng([2, number]).choice(held, QUESTION)
        return " ".join(dict.fromkeys(chosen.tolist()))

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


def words(block: int) -> list[list[str]]:
    """Give the words of BLOCK passages from `block` on, whose number is a multiple of BLOCK."""
    random = np.random.default_rng([1, block])
    lengths = random.integers(LENGTH // 2, LENGTH * 3 // 2, BLOCK)
    drawn = np.searchsorted(_ranks(), random.random(int(lengths.sum())))
    ends = np.cumsum(lengths)
    named = [f"w{rank}" for rank in drawn.tolist()]
    return [named[end - length : end] for end, length in zip(ends, lengths, strict=True)]


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
