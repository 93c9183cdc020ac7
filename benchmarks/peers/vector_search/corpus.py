"""What every engine is given, and what it gives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# A graph is made and searched by the same figures as the product's.
M = 24
EF_CONSTRUCTION = 128
EF = 200
BLOCK = 5_000  # passages handed in together


@dataclass(frozen=True)
class Corpus:
    """Passages by their index."""

    vectors: np.ndarray  # float16, shape (n, d), of length 1
    tenants: np.ndarray
    classes: np.ndarray
    clearances: Sequence[int]  # how many classes people see

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        return self.vectors.shape[1]

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give indexes and vectors (float32), a few thousand passages at a time."""
        for start in range(0, len(self), BLOCK):
            block = self.vectors[start : start + BLOCK].astype(np.float32)
            yield np.arange(start, start + len(block)), block


@dataclass(frozen=True)
class Question:
    """Asks for passages of a tenant that are of the classes below a number."""

    vector: np.ndarray  # float32, shape (d,), of length 1
    tenant: int
    classes: int


Ask = Callable[[Question, int], Sequence[int]]  # gives at most so many passages, nearest first


@dataclass(frozen=True)
class Engine:
    """One way to search."""

    package: str
    build: Callable[[Corpus, Path], Ask]  # may write to a folder
    how: str  # is filtered, in a sentence
