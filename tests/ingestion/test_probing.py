"""A sentence that can stand as a question is chosen in each language, quickly and from prose."""

import time
from dataclasses import dataclass

import pytest

from roadworthy.ingestion.probing import LOOKED_AT, MOST_CHARACTERS, probe_sentences

ENGLISH = "The harbour pump needs fresh oil every month, and somebody writes that down."
GERMAN = "Die Pumpe im Hafen braucht jeden Monat frisches Öl, und jemand schreibt das auf."
CHINESE = "港口的水泵每个月都需要新的机油,并且有人会把它记录下来。"


@dataclass(frozen=True)
class Said:
    language: str
    text: str


def chosen(*said):
    return probe_sentences(Said(*each) for each in said)


def test_each_language_gives_one_sentence():
    found = chosen(("en", ENGLISH), ("de", GERMAN), ("en", "Too short."), ("zh", CHINESE))
    assert found == {"en": ENGLISH, "de": GERMAN, "zh": CHINESE}


def test_the_sentence_with_the_most_to_say_is_chosen():
    plain = "The pump and the pump and the pump and the pump and the oil need oil and oil."
    assert chosen(("en", f"{plain} {ENGLISH}")) == {"en": ENGLISH}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Short.",
        "| pump | valve | boiler | crane | rudder | anchor | engine |",
        "0017 4432 9981 1123 8876 0012 5567 8890 1233 4456 7789 0012.",
        "word " * MOST_CHARACTERS + ".",
        "Pump, pump, pump, pump, pump, pump, pump, pump, pump, pump.",
    ],
    ids=lambda text: text[:20],
)
def test_what_asks_nothing_gives_none(text):
    assert chosen(("en", text)) == {}


def test_a_language_that_nobody_can_tell_gives_none():
    assert chosen(("und", ENGLISH)) == {}


def test_a_long_document_takes_no_longer():
    began = time.perf_counter()
    chosen(*[("en", ENGLISH * 10)] * (50 * LOOKED_AT // len(ENGLISH)))
    assert time.perf_counter() - began < 1
