"""Sketches tell how much of two texts is the same, and their bands find the alike."""

import random
from collections import Counter

import pytest

from roadworthy.ingestion.curation.likeness import WORD, likeness, packed, sketch, unpacked
from tests.ingestion.curation.documents import prose

PINNED = -317362578863329111  # of prose(1)


def share(one: str, other: str) -> float:
    """Count the shingles that both have, one by one, each as often as it comes."""

    def shingles(text):
        words = WORD.findall(text.casefold())
        return Counter(tuple(words[i : i + 4]) for i in range(len(words) - 3))

    a, b = shingles(one), shingles(other)
    return (a & b).total() / (a | b).total()


@pytest.mark.parametrize("changed", [0, 3, 10, 40, 150])
def test_the_estimate_is_near_the_share(changed):
    words = prose(1, words=600).split()
    other = list(words)
    for place in random.Random(2).sample(range(len(words)), changed):  # noqa: S311
        other[place] = f"new{place}"
    one, two = " ".join(words), " ".join(other)
    assert likeness(sketch(one), sketch(two)) == pytest.approx(share(one, two), abs=0.12)


def test_alike_texts_meet_in_a_band_and_others_do_not():
    base = prose(1, words=400)
    near = base.replace("boat", "ship", 1)
    assert set(sketch(base).bands) & set(sketch(near).bands)
    assert not set(sketch(base).bands) & set(sketch(prose(2, words=400)).bands)


def test_a_text_without_spaces_is_compared_by_its_letters():
    text = "市议会星期一开会决定在冬天到来之前修复这座古老的桥梁并为此拨出专门的经费请大家周知"
    assert likeness(sketch(text), sketch(text.replace("星期一", "星期二"))) > 0.7


def test_reports_by_one_form_are_not_alike_when_each_speaks_of_its_own_site():
    one, other = (
        " ".join(f"Gauge {gauge} of site N-{site} was read." for gauge in range(60))
        for site in (1, 2)
    )
    assert likeness(sketch(one), sketch(other)) == pytest.approx(share(one, other), abs=0.12)
    assert share(one, other) < 0.5


def test_a_short_text_is_not_compared():
    assert sketch("Everybody has 27 days of paid holiday.") is None


def test_a_signature_survives_storing_and_is_the_same_for_ever():
    made = sketch(prose(1))
    assert likeness(made, unpacked(packed(made))) == 1
    assert made.bands[0] == PINNED, "stored signatures would not be found any more"
