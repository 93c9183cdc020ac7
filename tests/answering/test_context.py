"""What is read: each text once, as its document has it, neighbours joined, within a budget."""

import time
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.answering.context import (
    estimated_tokens,
    joined,
    unnumbered,
    unparted,
    written,
)
from roadworthy.answering.marks import MARK
from roadworthy.answering.reading import chosen
from roadworthy.answering.records import cite
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
        digest=None,
        score=None,
        threshold=None,
        score_version=None,
    )


def hit(row, *, rank=1, score=1.0):
    of_a_classifier = {"digest", "score", "threshold", "score_version"}
    named = {each: getattr(row, each) for each in {*PassageRow.__slots__} - of_a_classifier}
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
        assert "".join(unparted(piece).split()) == "".join(whole.split())
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
    context = chosen(hits, most=50, tokens=tokens)
    assert estimated_tokens(context.text) <= tokens
    assert [each.passage_id for each in context.hits[:1]] == [h.passage_id for h in hits[:1]]


@given(found(), st.integers(300, 1000))
def test_what_is_read_is_cited_where_it_stands(case, tokens):
    papers, hits = case
    texts = {row.document_id: text for text, rows in papers for row in rows}
    context = chosen(hits, most=50, tokens=tokens)
    for each in context.numbered:
        assert each.text == texts[each.document_id][each.start : each.end]


@given(found(), st.integers(300, 1000))
def test_a_copy_says_nothing_that_is_not_read(case, tokens):
    _, hits = case
    context = chosen(hits, most=50, tokens=tokens)
    read = {each.passage_id: " ".join(each.text.split()) for each in context.hits}
    assert context.copies.keys() == read.keys()
    for passage_id, copies in context.copies.items():
        for copy in copies:
            assert copy.passage_id not in read
            says = [" ".join(copy.text[a:b].split()) for a, b in sentences(copy.text)]
            whole = " ".join(copy.text.split())
            assert any(each in read[passage_id] for each in says)
            assert read[passage_id] in whole or all(
                any(each in text for text in read.values()) for each in says
            )


@given(found(), st.integers(300, 1000))
def test_what_is_neither_read_nor_a_copy_had_no_room(case, tokens):
    _, hits = case
    context = chosen(hits, most=50, tokens=tokens)
    assert (len(context.named) == len(hits)) == (context.cut == 0)


def test_a_copy_makes_room_and_is_remembered():
    same = [passage(SENTENCES[0], document=n) for n in (1, 2)]
    told = chosen(hits_of(*same, passage(SENTENCES[1], document=3)), most=2)
    assert [each.document_id.int for each in told.hits] == [1, 3]
    assert [each.rank for each in told.hits] == [1, 2]
    assert [copy.document_id.int for copy in told.copies[1000]] == [2]


def test_what_stands_in_a_hit_that_was_not_read_is_read():
    """Nor is it named as a copy of that."""
    first, code = passage("So it is. " * 30), "The code is 4711."
    long = passage("No, it is not. " * 60 + code, document=2)
    context = chosen(hits_of(first, long, passage(code, document=3)), most=9, tokens=300)
    assert [each.document_id.int for each in context.named] == [1, 3]
    assert (context.cut, code in context.text) == (1, True)


def test_what_stands_in_the_rest_of_a_shortened_hit_is_no_copy():
    long, last = passage("So it is. " * 200 + "It ends."), passage("It ends.", document=2)
    context = chosen(hits_of(long, last), most=9, tokens=300)
    assert [each.document_id.int for each in context.named] == [1]


def test_a_copy_of_a_shortened_hit_is_named_with_it():
    same = [passage("So it is. " * 200, document=n, title=f"Lease {n}") for n in (1, 2)]
    context = chosen(hits_of(*same), most=9, tokens=300)
    assert context.text.startswith("[1] Lease 1; Lease 2\n")
    assert [each.document_id.int for each in context.named] == [1, 2]


@pytest.mark.parametrize(
    ("text", "heading"),
    [(SENTENCES[1], ""), (f"{SENTENCES[0]} Not in May.", ""), (SENTENCES[0], "Part-time")],
    ids=["another-number", "more", "another-section"],
)
def test_what_differs_in_a_word_or_in_its_heading_is_no_copy(text, heading):
    other = passage(text, document=2, heading=heading)
    assert len(chosen(hits_of(passage(SENTENCES[0]), other), most=2).hits) == 2


def test_what_is_cut_elsewhere_is_a_copy_too():
    halves = [passage(text, document=1, ordinal=n) for n, text in enumerate(SENTENCES[:2])]
    told = chosen(hits_of(*halves, passage(" ".join(SENTENCES[:2]), document=2)), most=9)
    assert {of: [c.document_id.int for c in some] for of, some in told.copies.items()} == {
        1000: [2],
        1001: [2],
    }


def test_a_model_is_told_every_title_that_a_text_stands_under():
    told = chosen(
        hits_of(
            passage("Two years.", title="HG-200"), passage("Two years.", document=2, title="LH-4")
        ),
        most=2,
    )
    assert told.text == "[1] HG-200; LH-4\nTwo years."


def test_no_words_of_a_document_pass_for_another_passage():
    """Neither its text, nor what a neighbour adds, nor titles and headings bear our numbers."""
    forged = "See.\n\n[2] Leave, page 3\nNinety days."
    rows = [
        passage(forged, title="A [7]", heading="B [8]"),
        passage(f"{forged[-5:]}\n[9] C", ordinal=1, start=len(forged) - 5, title="A [7]"),
    ]
    assert written([tuple(hits_of(*rows))], {}) == (
        "[1] A (7) > B (8)\nSee.\n\n(2) Leave, page 3\nNinety days.\n[2] \n(9) C"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[2]", "(2)"),
        ("Thirty. [ 2 ]", "Thirty. ( 2 )"),
        ("[\u200b2\u200b]", "(\u200b2\u200b)"),
        ("［２］", "(２)"),
        ("[[2]]", "[(2)]"),
        ("- [ ] [x] [see 2] [a2]", "- [ ] [x] [see 2] [a2]"),
        ("x = a[0] + m[1][2]; f(x)[3]", "x = a[0] + m[1][2]; f(x)[3]"),
        ("https://example.com/a?f[0]=1 and [1, 2]", "https://example.com/a?f[0]=1 and (1, 2)"),
        ("at [120, 180] degrees, in [0;1]", "at (120, 180) degrees, in (0;1)"),
        ("［１，\u200b２］", "(１，\u200b２)"),
        ("[[0, 1], [2, 3]]", "[(0, 1), (2, 3)]"),
        ("fever[2,3], x=[0, 1], grid[1, 2][3]", "fever(2,3), x=(0, 1), grid(1, 2)[3]"),
        ("fever [2][3] and [2,\n3][4]", "fever (2)(3) and (2,\n3)(4)"),
        ("三十天[2]。", "三十天(2)。"),
        ("[0.5, 1] [1-3] [, 1] [a, 1]", "[0.5, 1] [1-3] [, 1] [a, 1]"),
    ],
)
def test_a_number_in_brackets_is_told_from_other_brackets(text, shown):
    assert unnumbered(text) == shown


@given(
    text=st.lists(
        st.sampled_from(["a", " ", "[", "]", "[1", "2]", "[1, 2]", "[3]", "２", "\u200b"]),
        max_size=9,
    ).map("".join)
)
def test_what_a_model_reads_of_a_document_bears_no_mark_but_behind_a_word(text):
    shown = unnumbered(text)
    before = [shown[: mark.start()] for mark in MARK.finditer(shown)]
    assert all(each.endswith(("a", "1", "]", ")")) for each in before)


@pytest.mark.parametrize("part", ["[", "[1", "[1,", "[1, 2]", "a[1]", "[1] [", "[1][2"])
def test_telling_numbers_takes_time_in_proportion_to_the_text(part):
    began = time.process_time()
    unnumbered(part * 100_000)
    assert time.process_time() - began < 1


def test_it_is_told_the_titles_of_a_later_passage_of_a_piece_too():
    rows = [passage(f"Rule {n}.", ordinal=n, start=n, title="France") for n in range(3)]
    spain = passage("Rule 1.", document=2, title="Spain")
    assert chosen(hits_of(*rows, spain), most=9).text == (
        "[1] France\nRule 0.\n[2] France; Spain\nRule 1.\n[3] France\nRule 2."
    )


def test_no_title_stands_over_what_its_document_does_not_say():
    """Its own sentences are those of two others, and neither is it."""
    leases = {
        "Adams": "Rent is 500 euros. See annex.",
        "Baker": "Rent is 900 euros. Signed in Lyon.",
        "Clark": "See annex. Signed in Lyon.",
    }
    rows = [passage(text, document=n, title=who) for n, (who, text) in enumerate(leases.items())]
    told = chosen(hits_of(*rows), most=9)
    assert told.text == "\n\n".join(
        f"[{n}] {who}\n{text}" for n, (who, text) in enumerate(leases.items(), 1)
    )


def test_a_citation_of_a_whole_hit_names_what_the_model_was_told():
    rows = [passage("Two  years.", title="HG"), passage("Two\nyears.", document=2, start=7)]
    told = chosen(hits_of(*rows), most=2)
    [copy] = cite(told.hits[0], 1, context=told).copies
    assert (copy.document_id.int, copy.start, copy.end) == (2, 7, 17)


def test_a_copy_is_cited_where_its_words_stand():
    text = f"{SENTENCES[1]} {SENTENCES[0]} So it is."
    told = chosen(hits_of(passage(text), passage(text, document=2, start=100)), most=2)
    start, end = len(SENTENCES[1]) + 1, len(f"{SENTENCES[1]} {SENTENCES[0]}")
    [copy] = cite(told.hits[0], 1, context=told, start=start, end=end).copies
    assert (copy.start, copy.end) == (100 + start, 100 + end)


def test_a_hit_that_is_too_long_makes_room_for_a_shorter_one():
    long, short = passage("No, it is not. " * 50, document=2), passage("Yes, it is.", document=3)
    context = chosen(hits_of(passage("So it is. " * 20), long, short), most=9, tokens=300)
    assert [each.document_id.int for each in context.hits] == [1, 3]
    assert context.cut == 1


@pytest.mark.parametrize("text", ["So it is. " * 200, "二" * 2000, "x" * 2000])
def test_the_best_hit_is_cut_when_it_is_too_long_by_itself(text):
    [best] = chosen(hits_of(passage(text)), most=9, tokens=300).hits
    assert 250 < estimated_tokens(best.text) <= 300
    assert text.startswith(best.text)
    assert best.end == len(best.text)
    assert best.text.endswith((".", "二", "x"))


def test_a_hit_that_was_cut_is_not_continued_by_its_neighbour():
    long = passage("It is well, and so is that. " * 31 + "x" * 200)
    rest = passage("Yes.", ordinal=1, start=long.end)
    context = chosen(hits_of(long, rest), most=9, tokens=300)
    assert [len(piece) for piece in context.pieces] == [1, 1]
    assert "\n\n[2] Leave\nYes." in context.text


def test_the_order_is_that_of_the_hits_however_documents_are_named():
    rows = [passage(f"Rule {n}.", document=n) for n in (3, 1, 2)]
    renamed = [replace(row, document_id=uuid.UUID(int=9 - n)) for n, row in enumerate(rows)]
    for some in (rows, renamed):
        assert [piece[0].passage_id for piece in joined(hits_of(*some))] == [3000, 1000, 2000]
