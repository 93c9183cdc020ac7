"""Where one term stands: passages, how often, and how long they are; packed for one bytea."""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def pack_by_term(passages: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
    """Pack what these passages add to each term: all ids, all frequencies, then all lengths.

    Greater frequencies and lengths become the greatest that fit.

    Args:
        passages: id -> its terms, repeated as often as they stand there.
    """
    rows: dict[str, list[tuple[int, int, int]]] = {}
    for passage_id, terms in sorted(passages.items()):
        length = min(len(terms), _MOST)
        for term, frequency in Counter(terms).items():
            rows.setdefault(term, []).append((passage_id, min(frequency, _MOST), length))
    return {term: _pack(entries) for term, entries in rows.items()}


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


def _pack(rows: Sequence[tuple[int, int, int]]) -> bytes:
    # Most terms stand in few passages of a document: making arrays for each costs ten times this.
    ids, frequencies, lengths = zip(*rows, strict=True)
    count = len(rows)
    return struct.pack(f"<{count}i{count}H{count}H", *ids, *frequencies, *lengths)
