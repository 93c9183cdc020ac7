"""Languages are told offline, from short text as well; doubt and codes give "und"."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.corpus.languages import detect

ASKED = {
    "Where do I find last year's invoice?": "en",
    "WHERE DO I FIND LAST YEAR'S INVOICE?": "en",
    "Où puis-je trouver la facture ?": "fr",
    "¿Dónde está la factura del año pasado?": "es",
    "Was kostet die AX-200 im Monat?": "de",
    "Где находится прошлогодний счёт?": "ru",
    "去年的发票在哪里？": "zh",
    "昨年の請求書はどこですか": "ja",
    "작년 청구서는 어디에 있나요": "ko",
    "أين فاتورة العام الماضي؟": "ar",
    "la facture\nest payée": "fr",
}


@pytest.mark.parametrize("text", ASKED)
def test_a_short_question_tells_its_language(text):
    assert detect(text) == ASKED[text]


@pytest.mark.parametrize("text", ["", "\n", "123", "...", "AX-200", "jane@acme.com", "error 404"])
def test_what_speaks_no_language_is_undetermined(text):
    assert detect(text) == "und"


def test_foreign_words_in_a_text_do_not_turn_it():
    told = "Le mot japonais カラオケ désigne un divertissement où l'on chante en public."
    assert detect(told) == "fr"


def test_only_the_beginning_of_a_long_text_counts():
    french = "La facture du mois dernier a été payée. " * 30
    assert detect(french + "The invoice was paid last month. " * 100_000) == "fr"


@given(st.text(st.characters(), max_size=50))
def test_any_text_gives_a_two_letter_code_or_und(text):
    code = detect(text)
    assert code == "und" or (len(code) == 2 and code.isalpha())


def test_a_lone_surrogate_is_no_obstacle():
    assert detect("where is \ud800 the invoice of last year") == "en"


def test_nothing_that_can_download_is_even_imported():
    told = "import sys; from roadworthy.corpus.languages import detect; print(detect('Bonjour!'))"
    unwanted = "print({'requests', 'urllib3', 'robust_downloader'} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", f"{told}; {unwanted}"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split("\n")[:2] == ["fr", "set()"]
