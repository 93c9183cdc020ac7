"""Where one term stands: passages, how often, and how long they are; packed for one bytea."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.core.errors import Invalid

METHOD = "postings-1"  # changes when the same postings would be packed otherwise
_BYTES_EACH = 8  # int32 passage id, uint16 frequency, uint16 length
_MOST = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """The passages that hold one term.

    Invariant: ids ascend and none repeats; the three arrays are equally long; a frequency or a
    length of 65,535 means that or more.
    """

    passage_ids: NDArray[np.int32]
    frequencies: NDArray[np.uint16]  # of the term in the passage, at least 1
    lengths: NDArray[np.uint16]  # of the passage, in terms

    def __len__(self) -> int:
        return len(self.passage_ids)

    def among(self, visible: NDArray[np.integer]) -> "Postings":
        """Keep the passages that stand in `visible`, which need not be in order."""
        kept = np.isin(self.passage_ids, visible)
        return Postings(
            passage_ids=self.passage_ids[kept],
            frequencies=self.frequencies[kept],
            lengths=self.lengths[kept],
        )


def postings_of(passage_ids: ArrayLike, frequencies: ArrayLike, lengths: ArrayLike) -> Postings:
    """Put postings in order; greater frequencies and lengths become the greatest that fit.

    Raises:
        Invalid: the three differ in number, an id repeats or is no int32, or a count is below 1.
    """
    ids, counts, sizes = (
        np.asarray(a, dtype=np.int64) for a in (passage_ids, frequencies, lengths)
    )
    if not (ids.ndim == 1 and ids.shape == counts.shape == sizes.shape):
        raise Invalid("give each passage one frequency and one length", passages=ids.size)
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    if ids.size and not (ids[0] >= 0 and ids[-1] <= np.iinfo(np.int32).max):
        raise Invalid("a passage id must be from 0 to 2147483647", lowest=int(ids[0]))
    if np.any(ids[1:] == ids[:-1]):
        raise Invalid("name each passage once for one term", passages=ids.size)
    if np.any(counts < 1) or np.any(sizes < 1):
        raise Invalid("a frequency and a length must be at least 1", passages=ids.size)
    return Postings(
        passage_ids=ids.astype(np.int32),
        frequencies=np.minimum(counts[order], _MOST).astype(np.uint16),
        lengths=np.minimum(sizes[order], _MOST).astype(np.uint16),
    )


def encode_postings(postings: Postings) -> bytes:
    """Pack postings, 8 bytes each: all ids, then all frequencies, then all lengths."""
    return b"".join(
        (
            postings.passage_ids.astype("<i4", copy=False).tobytes(),
            postings.frequencies.astype("<u2", copy=False).tobytes(),
            postings.lengths.astype("<u2", copy=False).tobytes(),
        )
    )


def decode_postings(packed: bytes) -> Postings:
    """Read packed postings without copying them; the arrays cannot be written to.

    Raises:
        Invalid: `packed` has a length that packing never gives.
    """
    count, rest = divmod(len(packed), _BYTES_EACH)
    if rest:
        raise Invalid("these postings are cut short; index the corpus again", bytes=len(packed))
    return Postings(
        passage_ids=np.frombuffer(packed, "<i4", count),
        frequencies=np.frombuffer(packed, "<u2", count, offset=4 * count),
        lengths=np.frombuffer(packed, "<u2", count, offset=6 * count),
    )
