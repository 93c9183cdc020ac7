"""Postings come back from their bytes as they went in, and damaged ones are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.corpus.postings import decode_postings, join, pack_by_term

passages = st.dictionaries(
    st.integers(0, 2**31 - 1), st.lists(st.sampled_from("abc"), max_size=9), max_size=9
)


@given(passages)
def test_bytes_give_back_what_was_packed(passages):
    packed = pack_by_term(passages)
    assert set(packed) == {term for terms in passages.values() for term in terms}
    for term, held in packed.items():
        read = decode_postings(held)
        rows = zip(read.passage_ids, read.frequencies, read.lengths, strict=True)
        ids = sorted(i for i, terms in passages.items() if term in terms)
        assert list(rows) == [(i, passages[i].count(term), len(passages[i])) for i in ids]
        assert len(held) == 8 * len(ids) == 8 * len(read)


def test_what_does_not_fit_becomes_the_greatest_that_does():
    read = decode_postings(pack_by_term({1: ["a"] * 70_000})["a"])
    assert (read.frequencies.tolist(), read.lengths.tolist()) == ([65_535], [65_535])


def test_the_layout_is_little_endian_and_stays():
    packed = pack_by_term({258: [*"aaab", "c"], 1: [*"aaaab", "c"]})["a"]
    assert packed == bytes([1, 0, 0, 0, 2, 1, 0, 0, 4, 0, 3, 0, 6, 0, 5, 0])


def test_bytes_cut_short_are_refused():
    packed = pack_by_term({1: ["a"], 2: ["a"]})["a"]
    with pytest.raises(Invalid, match="cut short"):
        decode_postings(packed[:-1])


def test_passages_that_are_gone_are_left_out():
    held = decode_postings(pack_by_term({1: [*"ab"], 5: [*"aab"], 9: [*"aaabb"]})["a"])
    left = held.without(np.array([0, 5, 12], np.int32))
    assert left.passage_ids.tolist() == [1, 9]
    assert left.frequencies.tolist() == [1, 3]
    assert left.lengths.tolist() == [2, 5]
    assert len(held.without(np.array([1, 5, 9], np.int32))) == 0


@pytest.mark.parametrize("gone", [[], [0], [12], [2, 6]], ids=str)
def test_others_that_are_gone_change_nothing(gone):
    held = decode_postings(pack_by_term({1: [*"ab"], 5: [*"aab"], 9: [*"aaabb"]})["a"])
    assert held.without(np.array(gone, np.int32)).passage_ids.tolist() == [1, 5, 9]


@given(passages, passages)
def test_rows_are_joined_one_behind_the_other(some, others):
    parts = [decode_postings(pack_by_term(each).get("a", b"")) for each in (some, others)]
    joined = join(parts)
    assert joined.passage_ids.tolist() == [i for p in parts for i in p.passage_ids]
    assert joined.frequencies.tolist() == [i for p in parts for i in p.frequencies]
    assert joined.lengths.tolist() == [i for p in parts for i in p.lengths]
