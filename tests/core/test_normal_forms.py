"""A text is normalized as Unicode says, however many marks are piled up on a letter."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.normal_forms import NFC, NFKC, normalized
from tests.pace import is_in_proportion

# Of several classes; some are written as one and are two, or become marks, or are letters of signs.
MARKS = ["\u0300", "\u0301", "\u0315", "\u0345", "\u0344", "\u05b0", "\u0f73", "\u0f71", "\uff9e"]
SIGNS = [*MARKS, "\u3099", "e", "é", "か", "ᄀ", "ᅡ", "가", "—", "👍", "\ufdfa", "\ufc5e", " ", "1"]
RUNS = st.lists(st.sampled_from(MARKS), min_size=20, max_size=60).map("".join)
TEXTS = st.lists(RUNS | st.sampled_from(SIGNS), max_size=12).map("".join)


@given(TEXTS | st.text(), st.sampled_from([NFC, NFKC]))
def test_it_is_what_unicode_says(text, form):
    assert normalized(text, form=form) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("part", ["\u0315\u0300", "\uff9e\u0315", "\u0344\u0315", "—", "é"])
def test_no_marks_take_longer_than_their_number_allows(part):
    assert is_in_proportion(normalized, part, size=8_000)
