"""Passage and question are cut into the same terms: by language, with codes kept findable."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.corpus.terms import (
    MAX_QUESTION_TERMS,
    MAX_TERM,
    _short_words,
    query_terms,
    terms,
    words,
)


def test_terms_come_in_order_and_repeated():
    assert terms("Pumps, valves and pumps.", language="en") == ["pump", "valv", "pump"]


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("invoices", "Invoice", "en"),
        ("AX-200", "ax_200", "en"),
        ("AX-200", "AX200", "en"),
        ("e-mail", "email", "en"),
        ("U.S.A.", "USA", "en"),
        ("1,000", "1000", "en"),
        ("1.000", "1000", "de"),
        ("ﬁnance", "finance", "en"),
        ("co\u00adoperate", "cooperate", "en"),
        ("ISO\u201127001", "ISO-27001", "en"),
        ("élevées", "elevees", "fr"),
        ("Straße", "STRASSE", "de"),
        ("ёлка", "елка", "ru"),
        ("١٢٣", "123", "ar"),
        ("ＡＸ２００", "AX200", "ja"),
        ("l’huile", "huile", "fr"),
        ("the company's", "company", "en"),
        ("Ærø", "aero", "da"),
    ],
)
def test_two_spellings_share_a_term(one, other, language):
    assert set(terms(one, language=language)) & set(terms(other, language=language))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AX-200", ["ax200", "ax", "200"]),
        ("v2.1.3", ["v2.1.3", "v", "2.1.3"]),
        ("ISO-27001:2022", ["iso27001:2022", "iso", "27001", "2022"]),
        ("jane@acme.com", ["jane@acme.com", "jane", "acm", "com"]),
        ("2024-05-17", ["2024-05-17", "2024", "05", "17"]),
        ("3.5", ["3.5"]),
        ("1,2,3", ["1", "2", "3"]),
        ("C++", ["c++", "c"]),
        ("foo_bar", ["foobar", "foo", "bar"]),
    ],
)
def test_a_code_is_found_whole_and_by_its_parts(text, expected):
    assert terms(text, language="en") == expected


def test_stop_words_are_those_of_the_language():
    assert terms("the son of the king", language="en") == ["son", "king"]
    assert terms("le roi et son page", language="fr") == ["roi", "pag"]


def test_words_that_carry_meaning_are_no_stop_words():
    asked = "computer fire date page problem work system home empty order number"
    assert len(terms(asked, language="en")) == 11
    assert terms("bán cây AX", language="vi") == ["ban", "cay", "ax"]  # "sell tree"


@pytest.mark.parametrize("language", ["en", "fr", "und"])
def test_stop_words_alone_are_kept(language):
    assert terms("to be or not to be", language=language)
    assert len(query_terms("the of and", [language])) == 3


def test_without_known_rules_nothing_is_stemmed_or_dropped():
    assert terms("the pumps", language="und") == terms("the pumps", language="tlh")
    assert terms("the pumps", language="und") == ["the", "pumps"]


def test_scripts_without_spaces_become_character_pairs():
    assert terms("北京大学", language="zh") == ["北京", "京大", "大学"]
    assert terms("NFL职业碗", language="zh") == ["nfl", "职业", "业碗"]
    assert terms("山", language="ja") == ["山"]
    assert {"청구", "구서"} <= set(terms("청구서는", language="ko"))


@pytest.mark.parametrize(("text", "language"), [("हिन्दी", "und"), ("שָׁלוֹם", "he")])
def test_marks_do_not_break_a_word(text, language):
    assert len(terms(text, language=language)) == 1


def test_a_question_asks_for_each_word_in_each_language():
    [asked] = query_terms("informations", ["en", "fr"])
    [english], [french] = (terms("informations", language=code) for code in ("en", "fr"))
    assert asked == {english, french}


def test_a_stop_word_contributes_nothing_for_its_language():
    asked, _ = query_terms("having informations", ["en", "fr"])
    assert asked == {"having"} == set(terms("having", language="fr"))
    assert terms("having", language="en") == ["have"]


def test_the_language_of_most_stop_words_drops_them_for_all():
    assert query_terms("what is the price of a pump", ["en", "fr"]) == query_terms(
        "price pump", ["en", "fr"]
    )


def test_distinct_terms_are_asked_once():
    assert query_terms("pump pumps PUMP", ["en"]) == [{"pump"}]


def test_a_question_is_bounded():
    assert len(query_terms(" ".join(map(str, range(100_000))), ["en"])) == MAX_QUESTION_TERMS
    assert query_terms("", ["en"]) == []


@pytest.mark.parametrize("language", ["", "EN", "fr-FR", "english", "f", "en\n"])
def test_what_is_no_language_code_is_refused(language):
    with pytest.raises(Invalid):
        terms("text", language=language)
    with pytest.raises(Invalid):
        query_terms("text", [language])


@given(st.text(st.characters(), max_size=200), st.sampled_from(["en", "fr", "zh", "hi", "und"]))
def test_every_text_is_found_by_itself(text, language):
    found = terms(text, language=language)
    assert all(0 < len(term) <= MAX_TERM for term in found)
    assert {t for c in query_terms(text, [language]) for t in c} == set(found)


@pytest.mark.parametrize(
    ("asked", "found", "other"),
    [
        ("What does the WHO say?", "A report of the WHO.", "She who reports."),
        ("AIDS in Africa", "A cure for AIDS.", "She aids and abets."),
        ("IT costs", "Our IT department", "It departs."),
        ("Was kostet EIN?", "Die EIN der Firma", "ein Haus"),
    ],
)
def test_an_acronym_is_found_as_it_is_written(asked, found, other):
    [exact] = [c for c in query_terms(asked, ["en", "de"]) if next(iter(c)).isupper()]
    assert exact <= set(terms(found, language="en")) | set(terms(found, language="de"))
    assert exact.isdisjoint(terms(other, language="en"))


def test_who_types_an_acronym_small_finds_it():
    [asked] = query_terms("aids", ["en"])
    assert asked <= set(terms("A cure for AIDS", language="en"))


def test_an_acronym_that_loses_nothing_is_one_term():
    assert terms("NASA and the USB port", language="en") == ["nasa", "usb", "port"]


@pytest.mark.parametrize(
    "text",
    [
        "WHO IS IT FOR",
        "THIS IS A LONG HEADING",
        "PROCEDURE FOR INTERNATIONAL SHIPPING OF GOODS",
        "SAFETY FIRST, ALWAYS WEAR A HELMET",
        "cats OR dogs",
        "ISBN",
        "Who and It",
        "A B",
        "who",
        "iT",
        "\u5317\u4eac",
    ],
)
def test_what_is_shouted_or_an_operator_is_no_acronym(text):
    assert not any(term.isupper() for term in terms(text, language="en"))
    assert not any(form.isupper() for c in query_terms(text, ["en"]) for form in c)


@given(st.text(st.sampled_from("ab1-._@+# é山"), max_size=40))
def test_but_for_acronyms_case_never_matters(text):
    assert terms(text.upper(), language="en") == terms(text, language="en")


def test_a_very_long_word_is_cut():
    assert terms("x" * 1_000_000, language="en") == ["x" * MAX_TERM]


def test_many_threads_get_what_one_gets():
    texts = [f"invoices number{i} pumping valves{i % 7} companies" for i in range(400)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda t: terms(t, language="en"), texts))
    assert together == [terms(t, language="en") for t in texts]


def test_what_may_be_a_sentence_is_not_remembered():
    """It would outlive its document."""
    kept = _short_words.cache_info().currsize
    assert words("北" * 41) == f" {'北' * 41} "
    assert _short_words.cache_info().currsize == kept
