"""Sentences are found in seven languages, and every character that is not blank is in one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.sentences import sentences

TEXTS = st.text(alphabet="aB1 .!?。؟…\n\t|#-*`=\"'(，é") | st.text()


def cut(text):
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "whole",
    [
        ["Mr. Smith paid approx. 3.50 USD.", "He left (see No. 5).", '"Why?" she asked.'],
        ["Ask J. R. Tolkien, e.g. Today.", "It ended in 2020.", "The next one."],
        ["Voir l'art. 5 du code.", "M. Dupont est là !", "C'est Mme. Durand ?", "Oui."],
        ["La Sra. García llegó.", "¿Qué hora es?", "¡Son las 3!"],
        ["Am 3. Oktober wird gefeiert.", "Das ist z.B. Berlin.", "Er ist 12.", "Sie ist 13."],
        ["См. рис. 5.", "Это т.е. Хорошо.", "Да!"],
        ["كيف حالك؟", "الطقس جميل اليوم."],
    ],
    ids=["en", "en-initials", "fr", "es", "de", "ru", "ar"],
)
def test_a_sentence_ends_at_its_stop_not_at_an_abbreviation(whole):
    assert cut(" ".join(whole)) == whole


def test_chinese_needs_no_space_between_sentences():
    assert cut("今天天气很好。我们去公园！“好的。”他说。") == [
        "今天天气很好。",
        "我们去公园！",
        "“好的。”",
        "他说。",
    ]


def test_a_wrapped_line_goes_on():
    text = (
        "A paragraph that somebody wrapped by hand\nat some width. It goes on here, and the\nend."
    )
    assert cut(text) == [text[:56], text[57:]]


def test_headings_items_and_rows_stand_alone():
    lines = ["# Title. One", "- item one", "- item two", "1. First", "| a | b. C |", "| 1 | 2 |"]
    assert cut("\n".join(lines)) == lines


def test_a_short_line_before_a_capital_is_a_heading():
    text = "3.1 Hotels\nA room may cost up to 150 euros a night in all cities of the\nUnion."
    assert cut(text)[0] == "3.1 Hotels"


def test_code_is_cut_by_lines_alone():
    assert cut("```\nx = 1. Y\n# no\n```") == ["```", "x = 1. Y", "# no", "```"]


@given(TEXTS)
def test_spans_are_trimmed_ordered_and_hold_all_that_is_not_blank(text):
    spans = sentences(text)
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    assert not any(text[a:b].strip() for a, b in zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize("part", [".", "a. ", "(", "|", "a b\n", " ", "* * ", "\n#", "a\n\n"])
def test_a_hostile_text_takes_no_longer_than_another(part):
    began = time.perf_counter()
    sentences(part * (100_000 // len(part)))
    assert time.perf_counter() - began < 5
