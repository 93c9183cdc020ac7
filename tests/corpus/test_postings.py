"""Postings come back from their bytes as they went in, and damaged ones are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.corpus.postings import decode_postings, encode_postings, postings_of

count = st.integers(1, 70_000)
rows = st.lists(
    st.tuples(st.integers(0, 2**31 - 1), count, count), unique_by=lambda r: r[0], max_size=50
)


@given(rows)
def test_bytes_give_back_what_was_packed(rows):
    packed = encode_postings(postings_of(*(zip(*rows, strict=True) if rows else ([], [], []))))
    read = decode_postings(packed)
    back = zip(read.passage_ids, read.frequencies, read.lengths, strict=True)
    assert list(back) == [(i, min(f, 65_535), min(n, 65_535)) for i, f, n in sorted(rows)]
    assert len(packed) == 8 * len(rows) == 8 * len(read)


def test_the_layout_is_little_endian_and_stays():
    packed = encode_postings(postings_of([258, 1], [3, 4], [5, 6]))
    assert packed == bytes([1, 0, 0, 0, 2, 1, 0, 0, 4, 0, 3, 0, 6, 0, 5, 0])


@pytest.mark.parametrize(
    "columns",
    [
        ([1, 1], [1, 1], [2, 2]),
        ([2**31], [1], [1]),
        ([-1], [1], [1]),
        ([1], [0], [1]),
        ([1], [1], [0]),
        ([1, 2], [1], [1]),
    ],
    ids=["repeated", "too-great", "negative", "no-frequency", "no-length", "uneven"],
)
def test_impossible_postings_are_refused(columns):
    with pytest.raises(Invalid):
        postings_of(*columns)


def test_bytes_cut_short_are_refused():
    packed = encode_postings(postings_of([1, 2], [1, 1], [3, 3]))
    with pytest.raises(Invalid, match="cut short"):
        decode_postings(packed[:-1])


def test_only_visible_passages_are_kept():
    seen = postings_of([1, 5, 9], [1, 2, 3], [10, 50, 90]).among(np.array([9, 1, 4]))
    assert seen.passage_ids.tolist() == [1, 9]
    assert seen.frequencies.tolist() == [1, 3]
    assert seen.lengths.tolist() == [10, 90]
