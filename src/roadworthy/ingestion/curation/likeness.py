"""Sketch a text so that the likeness of two can be told from their sketches: MinHash.

Two texts are as alike as the share of their shingles (runs of words) that both have. A shingle
that comes again is another one: two reports by one form, each of which repeats the name of its own
site, have half of all shingles in common, but nearly all of the different ones. The smallest hash
of a text's shingles under many permutations is the same in both for just that share of them. Bands
of such hashes, equal in both, are how the alike are found without comparing all pairs.

Source: Broder, "On the resemblance and containment of documents", 1997; bands after Leskovec,
Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METHOD = "minhash-1"  # changes when the same text would get another signature
SHINGLE = 4  # words; measured: benchmarks/curation.py
BANDS, ROWS = 20, 6  # a pair of likeness .8 meets in some band in .998 of cases, one of .5 in .27
PERMUTATIONS = BANDS * ROWS
LEAST_SHINGLES = 20  # different ones; a shorter text is like too many others
MOST_WORDS = 200_000
AT_ONCE = 4_096  # shingles hashed in one step: 4 MB

# A letter of a script without spaces is a word of its own.
WORD = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    r"|[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_RANDOM = np.random.Generator(np.random.PCG64(20260101))
FACTORS = _RANDOM.integers(1, 2**63, size=PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
TERMS = _RANDOM.integers(0, 2**63, size=PERMUTATIONS, dtype=np.uint64)
MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: spreads what is added next


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What a text is compared by."""

    signature: NDArray[np.uint32]  # shape (PERMUTATIONS,)

    @property
    def bands(self) -> list[int]:
        """Give one number of 64 bits a band, signed as PostgreSQL has them."""
        return [
            int.from_bytes(
                hashlib.blake2b(bytes([number]) + band.tobytes(), digest_size=8).digest(),
                signed=True,
            )
            for number, band in enumerate(self.signature.reshape(BANDS, ROWS))
        ]


def sketch(text: str) -> Sketch | None:
    """Sketch a text; None when it is too short to be compared."""
    ordered = np.sort(_shingles(WORD.findall(text.casefold())[:MOST_WORDS]))
    is_new = np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ordered)]
    if np.count_nonzero(is_new) < LEAST_SHINGLES:
        return None
    shingles = _told_apart(ordered, is_new)
    least = np.full(PERMUTATIONS, np.iinfo(np.uint32).max, dtype=np.uint32)
    for start in range(0, len(shingles), AT_ONCE):
        some = shingles[start : start + AT_ONCE, np.newaxis]
        # The upper half of the product is spread evenly (multiply-shift, Dietzfelbinger 1997).
        hashed = ((some * FACTORS + TERMS) >> np.uint64(32)).astype(np.uint32)
        least = np.minimum(least, hashed.min(axis=0))
    return Sketch(signature=least)


def likeness(one: Sketch, other: Sketch) -> float:
    """Estimate the share of shingles that two texts have in common; its error is about .04."""
    return float(np.mean(one.signature == other.signature))


def packed(of: Sketch) -> bytes:
    """Write a signature as little-endian 32-bit numbers."""
    return of.signature.astype("<u4").tobytes()


def unpacked(stored: bytes) -> Sketch:
    """Read a signature back."""
    return Sketch(signature=np.frombuffer(stored, dtype="<u4"))


def _shingles(words: Sequence[str]) -> NDArray[np.uint64]:
    known = {word: _hash(word) for word in set(words)}
    hashes = np.array([known[word] for word in words], dtype=np.uint64)
    if len(hashes) < SHINGLE:
        return np.empty(0, dtype=np.uint64)
    runs = len(hashes) - SHINGLE + 1
    mixed = np.zeros(runs, dtype=np.uint64)
    for place in range(SHINGLE):
        mixed = (mixed ^ hashes[place : place + runs]) * MIX
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _told_apart(ordered: NDArray[np.uint64], is_new: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Make the second of two equal shingles another one than the first."""
    places = np.arange(len(ordered), dtype=np.uint64)
    times = places - np.maximum.accumulate(np.where(is_new, places, np.uint64(0)))
    mixed = (ordered ^ times) * MIX
    return mixed ^ (mixed >> np.uint64(29))


def _hash(word: str) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest())
