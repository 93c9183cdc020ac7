"""What a person types is parted into words and filters; what is no operator stays text."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.retrieval.filters import Filter, both
from roadworthy.retrieval.query import MOST_OPERATORS, read_question, read_search

TEXT = [
    "who rents the harbour boat?",
    "http://acme.test/x and https://acme.test",
    "error:404 at 10:30",
    "std::vector or type::traits",
    "mail jane@acme.com about RE:offer",
    "C-3PO e-mail - urgent",
    "below -40 °C, from -5 to 3",
    'a 5" pipe and a 3" valve',
    "type: pdf, title :x, after: lunch",
    "name://share and metadata.: and metadata:x",
    "mytype:pdf x.type:pdf",
    "what is foo(name:str)?",
    'an "unclosed quotation',
    "don't 'quote' me",
    '"" «»  “”',
    "tar -x and ls -l --all",
    "see [name:foo](https://acme.test/foo)",
    'say "???" or -"…" and -foo:bar or -http://x',
    "  two  blanks ",
    "",
]

MAY = Filter(after=date(2024, 5, 1), before=date(2024, 6, 1))


@pytest.mark.parametrize("typed", TEXT)
def test_what_is_no_operator_stays_text(typed):
    for read in (read_search, read_question):
        query = read(typed)
        assert (query.text, query.among) == (typed, Filter())


@pytest.mark.parametrize(
    ("typed", "text", "among"),
    [
        ("boat type:pdf", "boat", Filter(media_type="application/pdf")),
        ("Type:.PDF, boat", "boat", Filter(media_type="application/pdf")),
        ("boat type:text/x-log", "boat", Filter(media_type="text/x-log")),
        ("boat after:2024-02-29", "boat", Filter(after=date(2024, 2, 29))),
        ("boat after:2024-5 before:2024/6", "boat", MAY),
        ("title:rent boat author:quen", "boat", Filter(title=("rent",), author=("quen",))),
        ('title:"boat rental" who', "who", Filter(title=("boat rental",))),
        ("title:“boat rental” who", "who", Filter(title=("boat rental",))),
        ("title:«le bateau», who", "who", Filter(title=("le bateau",))),
        ("title:boat title:rent who", "who", Filter(title=("boat", "rent"))),
        ("boat lang:fr-CA", "boat", Filter(language="fr")),
        ("language:de boat", "boat", Filter(language="de")),
        ("name:contracts/2024 boat", "boat", Filter(name="contracts/2024")),
        ("name:/shared/a boat", "boat", Filter(name="/shared/a")),
        ("boat metadata.site:lyon", "boat", Filter(metadata={"site": "lyon"})),
        ('boat metadata.Kind:"price list"', "boat", Filter(metadata={"Kind": "price list"})),
        ("who type:pdf  rents", "who rents", Filter(media_type="application/pdf")),
        ("type:pdf type:.pdf boat", "boat", Filter(media_type="application/pdf")),
        ("(type:pdf) boat [lang:fr]", "boat", Filter(media_type="application/pdf", language="fr")),
        (
            'boat (title:"a b" type:pdf)',
            "boat",
            Filter(title=("a b",), media_type="application/pdf"),
        ),
        ("boat after:2024 after:2025-02", "boat", Filter(after=date(2025, 2, 1))),
        ("boat name:a/b name:a/", "boat", Filter(name="a/b")),
        (
            'who rents a "Boat  rental"?',
            "who rents a Boat rental?",
            Filter(phrases=("Boat  rental",)),
        ),
        ('"boat rental"', "boat rental", Filter(phrases=("boat rental",))),
        ("python -snake, -ΩMEGA", "python", Filter(without=("snake", "ΩMEGA"))),
        ('python -"a snake" -e-mail', "python", Filter(without=("a snake", "e-mail"))),
        ('a «b» (“c”) -"d"', "a b c", Filter(phrases=("b", "c"), without=("d",))),
    ],
)
def test_a_filter_is_taken_out_of_the_text(typed, text, among):
    query = read_search(typed)
    assert (query.text, query.among) == (text, both(among, Filter()))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("boat after:lunch", "no date; write after:2024-01-31"),
        ("boat before:2023-02-30", "no date"),
        ("boat before:24-01-31", "no date"),
        ("boat after:2024-01/31", "no date"),
        ("boat type:pdff", "no type 'pdff'; write one of .*docx.*or a media type"),
        ("boat lang:klingon", 'no language code .* in quotation marks, "lang:klingon" are words'),
        ("boat type:pdf type:csv", "No document is type:application/pdf and type:text/csv; leave"),
        ("boat name:a name:b", "No document is name:a and name:b"),
        ("boat metadata.a:1 metadata.a:2", "No document is metadata.a:1 and metadata.a:2"),
        ("boat -type:pdf", "only say which to look in"),
        ('boat title:"???"', "names no word"),
        (f"boat title:{'x' * 151}", "too long"),
        (f"boat metadata.{'x' * 101}:y", "too long"),
        (" ".join(["boat", *["title:a"] * (MOST_OPERATORS + 1)]), "at most 20"),
        ("type:pdf after:2024", "Say what to look for, beside type:pdf"),
        ("-snake", "Say what to look for, beside -snake"),
        (f'"{"x" * 301}"', "too long; it has at most 300"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_mend(typed, told):
    with pytest.raises(Invalid, match=told):
        read_search(typed)


def test_the_mend_mends():
    """What is said to look for the words does so, where it is searched and where it is asked."""
    typed = 'what does "after:lunch" mean'
    assert read_search(typed).among == Filter(metadata={}, phrases=("after:lunch",))
    assert read_question(typed).among == Filter()


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("type:pdf who rents the boat?", "who rents the boat?"),
        ("(type:pdf) who rents the boat?", "who rents the boat?"),
        ('author:"quen" after:2024 who rents it', "who rents it"),
        ("who rents the boat? type:pdf lang:fr", "who rents the boat?"),
        ("Who says 'boat.' metadata.site:\"lyon\"", "Who says 'boat.'"),
    ],
)
def test_what_clearly_is_a_filter_is_one_in_a_question(typed, text):
    query = read_question(typed)
    assert query.text == text
    assert query.among == read_search(typed).among


ORDINARY = [
    "kubectl get pods metadata.name:my-pod",
    "What is ObjectMeta metadata.namespace:default?",
    "name:John Smith invoices",
    "Summarise title:Report",
    "who is author:me?",
    "how does import name:default work",
    "how do I fix type:error",
    "type:error how do I fix it",
    "select before:after",
    "what is language:python",
    "explain language:C++",
    "Language:Python How do I sort?",
    "Type:pdf How do I sort?",
    "what opens type:pdf",
    "why does def f(x, type:int fail",
    "what does name:str mean?",
    'what does "type:pdf" mean?',
    "-type:pdf who rents the boat?",
    "type:pdf",
    'who wrote "The Old Man and the Sea"?',
    '"boat rental" -snake',
    "python -snake",
    " ".join([*["type:pdf"] * (MOST_OPERATORS + 1), "who?"]),
]


@pytest.mark.parametrize("typed", ORDINARY, ids=lambda typed: typed[:40])
def test_a_question_that_looks_like_a_filter_is_a_question(typed):
    query = read_question(typed)
    assert (query.text, query.among) == (typed, Filter())


def test_a_search_for_filters_alone_is_refused():
    with pytest.raises(Invalid, match="Say what to look for"):
        read_search("type:pdf")


@given(st.text(st.sampled_from('ab1 -:."“”«»(/\n') | st.characters(), max_size=60))
def test_any_text_is_read_or_refused(typed):
    try:
        query = read_search(typed)
    except Invalid:
        return
    assert query.text.strip() or not typed.strip()


@given(st.text(st.sampled_from('ab1 -:."“”«»(/?\n') | st.characters(), max_size=60))
def test_any_question_is_read(typed):
    assert bool(read_question(typed).text.strip()) == bool(typed.strip())


@pytest.mark.parametrize("piece", ['"', "«", "“", "„", "type:", "-", "(", "a:"])
def test_a_long_question_takes_time_in_proportion(piece):
    """Else this would take minutes."""
    for filler in ("", " ", "x", " x"):
        assert read_question((piece + filler) * 100_000).text
