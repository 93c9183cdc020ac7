"""Where one term stands: passages, how often, and how long they are; packed for one bytea."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.errors import Invalid

METHOD = "postings-1"  # changes when the same postings would be packed otherwise
BYTES_EACH = 8  # int32 passage id, uint16 frequency, uint16 length
_MOST = np.iinfo(np.uint16).max
NO_IDS: NDArray[np.int32] = np.empty(0, "<i4")
_NONE: NDArray[np.uint16] = np.empty(0, "<u2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """The passages that hold one term.

    Invariant: no id repeats, and those of one row ascend; the three arrays are equally long; a
    frequency or a length of 65,535 means that or more.
    """

    passage_ids: NDArray[np.int32]
    frequencies: NDArray[np.uint16]  # of the term in the passage, at least 1
    lengths: NDArray[np.uint16]  # of the passage, in terms

    def __len__(self) -> int:
        return len(self.passage_ids)

    def at(self, places: slice | NDArray[np.bool_] | NDArray[np.intp]) -> "Postings":
        """Take some of them."""
        return Postings(
            passage_ids=self.passage_ids[places],
            frequencies=self.frequencies[places],
            lengths=self.lengths[places],
        )

    def without(self, gone: NDArray[np.int32]) -> "Postings":
        """Leave out the passages of `gone`, whose ids ascend."""
        if not len(self) or not len(gone):
            return self
        begin, end = np.searchsorted(gone, [self.passage_ids.min(), self.passage_ids.max() + 1])
        if begin == end:
            return self
        return self.at(np.isin(self.passage_ids, gone[begin:end], invert=True))


def join(parts: Sequence[Postings]) -> Postings:
    """Put postings of several rows one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return Postings(
        passage_ids=np.concatenate([NO_IDS, *(part.passage_ids for part in parts)]),
        frequencies=np.concatenate([_NONE, *(part.frequencies for part in parts)]),
        lengths=np.concatenate([_NONE, *(part.lengths for part in parts)]),
    )


def in_order(postings: Postings) -> Postings:
    """Sort postings by passage."""
    return postings.at(np.argsort(postings.passage_ids, kind="stable"))


def pack(postings: Postings) -> bytes:
    """Pack postings whose ids ascend, for one row."""
    return b"".join(
        column.tobytes()
        for column in (postings.passage_ids, postings.frequencies, postings.lengths)
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
    count, rest = divmod(len(packed), BYTES_EACH)
    if rest:
        raise Invalid("these postings are cut short; index the corpus again", bytes=len(packed))
    return Postings(
        passage_ids=np.frombuffer(packed, "<i4", count),
        frequencies=np.frombuffer(packed, "<u2", count, offset=4 * count),
        lengths=np.frombuffer(packed, "<u2", count, offset=6 * count),
    )


def pack_revision(rows: Mapping[str, bytes]) -> bytes:
    """Put all postings of a revision, packed by term, into one value."""
    names = "\0".join(rows).encode()
    sizes = np.array([len(names), *map(len, rows.values())], "<u4")
    header = struct.pack("<I", len(sizes)) + sizes.tobytes()
    return zlib.compress(b"".join([header, names, *rows.values()]))


def unpack_revision(packed: bytes) -> dict[str, bytes]:
    """Give the postings of a revision by term, as they were packed.

    Raises:
        Invalid: `packed` was not packed so.
    """
    try:
        plain = zlib.decompress(packed)
    except zlib.error as error:
        raise Invalid("these postings are damaged; index the corpus again") from error
    [count] = struct.unpack_from("<I", plain)
    sizes = np.frombuffer(plain, "<u4", count, offset=4)
    ends = (np.cumsum(sizes, dtype=np.int64) + 4 + 4 * count).tolist()
    names = plain[4 + 4 * count : ends[0]].decode().split("\0") if count > 1 else []
    return {name: plain[begin:end] for name, begin, end in zip(names, ends, ends[1:], strict=False)}


def passages_of(rows: Iterable[bytes]) -> bytes:
    """Name the passages that packed postings are of: ids that ascend, packed."""
    ids = [NO_IDS, *(decode_postings(packed).passage_ids for packed in rows)]
    return np.unique(np.concatenate(ids)).tobytes()


def decode_ids(packed: bytes) -> NDArray[np.int32]:
    """Read packed ids of passages without copying them."""
    return np.frombuffer(packed, "<i4")


def _pack(rows: Sequence[tuple[int, int, int]]) -> bytes:
    # Most terms stand in few passages of a document: making arrays for each costs ten times this.
    ids, frequencies, lengths = zip(*rows, strict=True)
    count = len(rows)
    return struct.pack(f"<{count}i{count}H{count}H", *ids, *frequencies, *lengths)
