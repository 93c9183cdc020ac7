"""A text may be changed on its way in, and every offset still points at what it pointed at."""

from hypothesis import given
from hypothesis import strategies as st

from roadworthy.ingestion.curation.edits import edited, removals
from roadworthy.ingestion.curation.records import Edit
from tests.ingestion.curation.documents import document


@st.composite
def edits_of(draw, length):
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return [
        Edit(start=a, end=b, replacement=draw(st.sampled_from(["", "[x]"])), is_recorded=True)
        for a, b in pairs
    ]


@given(st.data())
def test_pages_keep_their_text(data):
    pages = data.draw(st.lists(st.text("abc \n", min_size=1, max_size=30), min_size=2, max_size=5))
    before = document(*pages)
    edits = data.draw(edits_of(len(before.text)))
    after = edited(before, edits)
    assert [page.number for page in after.pages] == [page.number for page in before.pages]
    assert [after.text[page.start : page.end] for page in after.pages] == [
        left_of(page, before.text, edits) for page in before.pages
    ]


def left_of(page, text, edits):
    """Say what edits leave of a page; what stands for several pages stands on the last."""
    gone = {at for edit in edits for at in range(edit.start, edit.end)}
    kept = [(at, text[at]) for at in range(page.start, page.end) if at not in gone]
    new = [(e.start, e.replacement) for e in edits if page.start < e.end <= page.end]
    return "".join(piece for _, piece in sorted(kept + new))


def test_what_stays_is_found_on_its_page():
    before = document("head one", "head two", "head three")
    cuts = [Edit(start=page.start, end=page.start + 5, is_recorded=True) for page in before.pages]
    after = edited(before, cuts)
    assert [after.text[page.start : page.end] for page in after.pages] == ["one", "two", "three"]
    found = removals(before, cuts)
    assert [(removal.page, removal.text) for removal in found] == [
        (1, "head "),
        (2, "head "),
        (3, "head "),
    ]
    assert [after.text[removal.at :].split()[0] for removal in found] == ["one", "two", "three"]


def test_a_longer_replacement_moves_what_follows():
    after = edited(document("a b", "c"), [Edit(start=0, end=1, replacement="[word]")])
    assert after.text == "[word] b\n\nc"
    assert after.text[after.pages[1].start : after.pages[1].end] == "c"
