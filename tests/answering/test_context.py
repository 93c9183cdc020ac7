"""What is read: each text once, as its document has it, neighbours joined, within a budget."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.answering.context import estimated_tokens, joined, written
from roadworthy.answering.copies import Distinct, distinct
from roadworthy.answering.reading import fitted
from roadworthy.core.sentences import sentences
from roadworthy.retrieval.passages import PassageRow
from roadworthy.retrieval.search import Hit

SENTENCES = ["Leave is thirty days.", "Leave is forty days.", "Ça dure – 二十日です。", "So " * 90]


def passage(text, *, document=1, ordinal=0, start=0, heading="", title="Leave"):
    return PassageRow(
        passage_id=document * 1000 + ordinal,
        document_id=uuid.UUID(int=document),
        document_name=f"{document}.txt",
        title=title,
        version=1,
        metadata={},
        ordinal=ordinal,
        start=start,
        end=start + len(text),
        page_first=None,
        page_last=None,
        heading=heading,
        language="en",
        text=text,
    )


def hit(row, *, rank=1, score=1.0):
    named = {name: getattr(row, name) for name in PassageRow.__slots__}
    unfound = dict.fromkeys(["keyword_rank", "keyword_score", "vector_rank", "vector_score"])
    return Hit(**named, **unfound, space=None, rank=rank, fused_rank=rank, score=score)


def hits_of(*rows):
    return [hit(row, rank=rank) for rank, row in enumerate(rows, 1)]


@st.composite
def documents(draw):
    """Texts, each cut into passages that repeat up to three characters of the one before."""
    papers = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        said = draw(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=9))
        text = " ".join(said)
        rows, at, overlap = [], 0, draw(st.integers(0, 3))
        for ordinal, sentence in enumerate(said):
            start = max(at - overlap, 0)
            end = at + len(sentence)
            rows.append(passage(text[start:end], document=number, ordinal=ordinal, start=start))
            at = end + 1
        papers.append((text, rows))
    return papers


@st.composite
def found(draw):
    """Documents, and hits on some of their passages, best first."""
    papers = draw(documents())
    rows = [row for _, rows in papers for row in rows]
    return papers, hits_of(*draw(st.permutations(rows))[: draw(st.integers(0, len(rows)))])


@given(found())
def test_a_piece_is_its_documents_text_and_repeats_nothing(case):
    papers, hits = case
    texts = {row.document_id: text for text, rows in papers for row in rows}
    for piece in joined(hits):
        first, last = piece[0], piece[-1]
        whole = texts[first.document_id][first.start : last.end]
        shown = written([piece], {}).partition("\n")[2]
        assert "".join(_unmarked(shown).split()) == "".join(whole.split())
        assert [each.ordinal for each in piece] == list(range(first.ordinal, last.ordinal + 1))


def _unmarked(shown):
    return "\n".join(
        line.split("] ", 1)[1] if line[:1] == "[" else line for line in shown.split("\n")
    )


@given(found())
def test_every_hit_is_in_one_piece_and_apart_pieces_are_no_neighbours(case):
    _, hits = case
    pieces = joined(hits)
    assert sorted(each.passage_id for piece in pieces for each in piece) == sorted(
        each.passage_id for each in hits
    )
    ends = {(piece[-1].document_id, piece[-1].ordinal + 1) for piece in pieces}
    assert ends.isdisjoint((piece[0].document_id, piece[0].ordinal) for piece in pieces)


@given(found(), st.integers(300, 1000))
def test_the_budget_holds_and_the_best_is_always_read(case, tokens):
    _, hits = case
    told = distinct(hits, most=50)
    context = fitted(told, tokens=tokens)
    assert estimated_tokens(context.text) <= tokens
    assert [each.passage_id for each in context.hits[:1]] == [h.passage_id for h in told.hits[:1]]


@given(found(), st.integers(300, 1000))
def test_what_is_read_is_cited_where_it_stands(case, tokens):
    papers, hits = case
    texts = {row.document_id: text for text, rows in papers for row in rows}
    context = fitted(distinct(hits, most=50), tokens=tokens)
    for each in context.numbered:
        assert each.text == texts[each.document_id][each.start : each.end]


@given(found())
def test_what_is_left_out_as_a_copy_is_said_by_better_hits(case):
    _, hits = case
    told = distinct(hits, most=50)
    order = {each.passage_id: place for place, each in enumerate(hits)}
    for copies in told.copies.values():
        for copy in copies:
            best = [h.text for h in told.hits if order[h.passage_id] < order[copy.passage_id]]
            for start, end in sentences(copy.text):
                assert any(copy.text[start:end] in text for text in best)


def test_a_copy_makes_room_and_is_remembered():
    same = [passage(SENTENCES[0], document=n) for n in (1, 2)]
    told = distinct(hits_of(*same, passage(SENTENCES[1], document=3)), most=2)
    assert [each.document_id.int for each in told.hits] == [1, 3]
    assert [each.rank for each in told.hits] == [1, 2]
    assert [copy.document_id.int for copy in told.copies[1000]] == [2]


@pytest.mark.parametrize(
    ("text", "heading"),
    [(SENTENCES[1], ""), (f"{SENTENCES[0]} Not in May.", ""), (SENTENCES[0], "Part-time")],
    ids=["another-number", "more", "another-section"],
)
def test_what_differs_in_a_word_or_in_its_heading_is_no_copy(text, heading):
    other = passage(text, document=2, heading=heading)
    assert len(distinct(hits_of(passage(SENTENCES[0]), other), most=2).hits) == 2


def test_what_is_cut_elsewhere_is_a_copy_too():
    halves = [passage(text, document=1, ordinal=n) for n, text in enumerate(SENTENCES[:2])]
    told = distinct(hits_of(*halves, passage(" ".join(SENTENCES[:2]), document=2)), most=9)
    assert {of: [c.document_id.int for c in some] for of, some in told.copies.items()} == {
        1000: [2],
        1001: [2],
    }


def test_a_model_is_told_every_title_that_a_text_stands_under():
    told = distinct(
        hits_of(
            passage("Two years.", title="HG-200"), passage("Two years.", document=2, title="LH-4")
        ),
        most=2,
    )
    assert written(joined(told.hits), told.copies) == "[1] HG-200; LH-4\nTwo years."


def test_a_hit_that_is_too_long_makes_room_for_a_shorter_one():
    long, short = passage("So it is. " * 70, document=2), passage("Yes, it is.", document=3)
    told = Distinct(hits=hits_of(passage("So it is. " * 20), long, short), copies={})
    context = fitted(told, tokens=300)
    assert [each.document_id.int for each in context.hits] == [1, 3]
    assert context.cut == 1


@pytest.mark.parametrize("text", ["So it is. " * 200, "二" * 2000, "x" * 2000])
def test_the_best_hit_is_cut_when_it_is_too_long_by_itself(text):
    [best] = fitted(Distinct(hits=hits_of(passage(text)), copies={}), tokens=300).hits
    assert 250 < estimated_tokens(best.text) <= 300
    assert text.startswith(best.text)
    assert best.end == len(best.text)
    assert best.text.endswith((".", "二", "x"))


def test_the_order_is_that_of_the_hits_however_documents_are_named():
    rows = [passage(f"Rule {n}.", document=n) for n in (3, 1, 2)]
    renamed = [replace(row, document_id=uuid.UUID(int=9 - n)) for n, row in enumerate(rows)]
    for some in (rows, renamed):
        assert [piece[0].passage_id for piece in joined(hits_of(*some))] == [3000, 1000, 2000]
