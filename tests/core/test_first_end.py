"""A text that is written in pieces is cut into the same sentences however the pieces come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.sentences import LONGEST_HELD, LOOKED_AT, first_end


def cut(pieces):
    """Cut a text that comes in pieces, as early as may be."""
    held, found = "", []
    for piece in pieces:
        held += piece
        while end := first_end(held):
            found.append(held[:end])
            held = held[end:]
    return [*found, held] if held else found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Thirty days. They lapse in May.", ["Thirty days.", " They lapse in May."]),
        ("Thirty days [1]. They lapse. [2]", ["Thirty days [1].", " They lapse. [2]"]),
        ("Thirty days. [1] They lapse.", ["Thirty days. [1]", " They lapse."]),
        ("Thirty. [1][2, 3] So.", ["Thirty. [1][2, 3]", " So."]),
        ("Thirty. [see] So.", ["Thirty.", " [see] So."]),
        ("Ask Dr. Meyer. Or not!  Yes?", ["Ask Dr. Meyer.", " Or not!", "  Yes?"]),
        ("It is 3.5 m. long and so on.", ["It is 3.5 m. long and so on."]),
        ("1. Take it.\n2. Go.", ["1. Take it.\n", "2. Go."]),
        ("\n\nOne line\n\nTwo", ["\n\nOne line\n", "\nTwo"]),
        ("三十天。五月到期。", ["三十天。", "五月到期。"]),
        ("x" * 5_000, ["x" * (4 * LONGEST_HELD), "x" * LONGEST_HELD]),
        ("ab " * 400, ["ab " * 334, "ab " * 66]),
        ("", []),
    ],
)
def test_it_is_cut_into_sentences(text, found):
    assert cut([text]) == cut(list(text)) == found


WORDS = st.sampled_from(
    ["A", "b", " ", "  ", "\n", ".", "!", "。", "…", "[", "1", "]", "[12]", "Dr.", '"', ")", ",",
     " " * 61, "x" * 990, "1. ", "- ", "No. 5", "？", "”", " " * 700]
)  # fmt: skip


@given(st.data())
def test_the_pieces_do_not_matter(data):
    text = "".join(data.draw(st.lists(WORDS, max_size=40)))
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=20).map(sorted))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *places, len(text)])]
    assert cut(pieces) == cut(list(text)) == cut([text])
    assert "".join(cut(pieces)) == text


@pytest.mark.parametrize("written", ["word", " ", "\n", "1. ", "[1]"])
def test_what_is_held_is_bounded(written):
    held = ""
    for letter in written * (20_000 // len(written)):
        held += letter
        held = held[first_end(held) :]
        assert len(held) <= 5 * LONGEST_HELD


@given(st.lists(WORDS, max_size=40).map("".join))
def test_no_more_is_looked_at_than_is_said(text):
    assert first_end(text) == first_end(text[:LOOKED_AT])
