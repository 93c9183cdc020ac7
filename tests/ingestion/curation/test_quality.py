"""Damaged texts score low in every alphabet; sober, short and tabular ones do not."""

import random

import pytest

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.ingestion.curation.quality import examine, measure
from tests.ingestion.curation.documents import document

CLEAN = {
    "en": "The council met on Monday and decided to repair the old bridge before the winter. ",
    "fr": "Le conseil s'est réuni lundi et a décidé de réparer le vieux pont avant l'hiver. Été. ",
    "es": "El consejo se reunió el lunes y decidió reparar el puente antes del invierno. Año. ",
    "de": "Der Rat tagte am Montag und beschloss, die alte Brücke vor dem Winter zu reparieren. ",
    "ru": "Совет собрался в понедельник и решил отремонтировать старый мост до наступления зимы. ",
    "zh": "市议会星期一开会，决定在冬天到来之前修复这座古老的桥梁，并为此拨出专门的经费。",
    "ar": "اجتمع المجلس يوم الاثنين وقرر إصلاح الجسر القديم قبل حلول فصل الشتاء هذا العام. ",
}
LIMIT = CurationPolicy().least_quality


def score(text, pages=0):
    return measure(text, pages=pages).score


def noisy(text, rate):
    chosen = random.Random(1)  # noqa: S311
    return "".join(chosen.choice("|!1l0$*~^") if chosen.random() < rate else c for c in text)


@pytest.mark.parametrize("language", CLEAN)
def test_clean_prose_scores_high(language):
    assert score(CLEAN[language] * 20) > 0.9


@pytest.mark.parametrize("language", CLEAN)
def test_missing_characters_score_low(language):
    chosen = random.Random(1)  # noqa: S311
    broken = "".join("\ufffd" if chosen.random() < 0.3 else c for c in CLEAN[language] * 20)
    assert score(broken) < LIMIT


@pytest.mark.parametrize("language", ["fr", "ru", "zh", "ar"])
def test_a_wrong_encoding_scores_low(language):
    wrong = (CLEAN[language] * 20).encode().decode("cp1252", errors="replace")
    assert score(wrong) < LIMIT


@pytest.mark.parametrize("language", ["en", "fr", "es", "de"])
def test_noise_of_recognition_scores_low(language):
    assert score(noisy(CLEAN[language] * 20, 0.25)) < LIMIT


def test_torn_words_score_low():
    assert score(" ".join(CLEAN["en"].replace(" ", "")) * 10) < LIMIT


def test_words_run_together_score_low():
    assert score((CLEAN["en"].replace(" ", "") + " ") * 30) < LIMIT


@pytest.mark.parametrize(
    "text",
    [
        "Everybody has 27 days of paid holiday.",
        "| Item | Price |\n| --- | --- |\n" + "| Valve DN-50 | 12.40 |\n" * 40,
        "```\nfor (int i = 0; i < n; i++) { sum += a[i] * w[i]; }\n```\nSee above.",
        "ada@example.com\nhttps://example.com/a/b?c=d\n" * 20,
    ],
    ids=["one-sentence", "table", "code", "addresses"],
)
def test_what_is_no_prose_is_not_bad(text):
    assert score(text) >= LIMIT


def test_pages_without_text_are_almost_empty():
    finding = examine(document("1", "2", "Figure", "4"), CurationPolicy())
    assert finding.verdicts[0].outcome == "quarantined"
    assert "almost empty" in finding.verdicts[0].reason


def test_a_number_that_comes_again_is_no_damage():
    text = " ".join(f"Gauge {gauge} of site efb8e201-7 was read in May." for gauge in range(60))
    assert measure(text).spelling > 0.9
